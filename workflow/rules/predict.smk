# What training sees beside the audio: a past with noise in it, and what linear predictors say of either.


rule perturb:
    input:
        data=encoder_below,
        index=encoder_below_index,
    output:
        data=DATA,
        index=INDEX,
    log:
        "<logs>/perturb/{sequence}.log",
    benchmark:
        "<benchmarks>/perturb/{sequence}.tsv"
    wildcard_constraints:
        sequence=alternatives(
            name for name, sequence in plan.sequences.items() if sequence.perturbed_by
        ),
    priority: 20
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=240,
    params:
        settings=perturbation_settings,
        seed=experiment.seed,
        folder=subpath(input.data, parent=True),
        output=subpath(output.data, parent=True),
    shell:
        "python -m descant.commands.perturb --settings {params.settings:q} --seed {params.seed:q}"
        " --sequence {params.folder:q} --output {params.output:q} 2> {log:q}"


rule predict:
    input:
        data=encoder_below,
        index=encoder_below_index,
    output:
        data=DATA,
        index=INDEX,
    log:
        "<logs>/predict/{sequence}.log",
    benchmark:
        "<benchmarks>/predict/{sequence}.tsv"
    wildcard_constraints:
        sequence=alternatives(
            name for name, sequence in plan.sequences.items() if sequence.predicted_by
        ),
    priority: 20
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=240,
    params:
        settings=predictor_settings,
        folder=subpath(input.data, parent=True),
        output=subpath(output.data, parent=True),
    shell:
        "python -m descant.commands.predict --settings {params.settings:q} --sequence {params.folder:q}"
        " --output {params.output:q} 2> {log:q}"
