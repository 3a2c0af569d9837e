# From mel spectrograms to sound: excerpts of test tracks, by which Mel2Mels and vocoders are judged.


rule perform:
    input:
        data=encoder_below,
        index=encoder_below_index,
        model=performer,
    output:
        data=DATA,
        index=INDEX,
    log:
        "<logs>/perform/{sequence}.log",
    benchmark:
        "<benchmarks>/perform/{sequence}.tsv"
    wildcard_constraints:
        sequence=alternatives(
            name for name, sequence in plan.sequences.items() if sequence.performed_by
        ),
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=NETWORK_MEGABYTES,
        runtime=240,
    params:
        folder=subpath(input.data, parent=True),
        output=subpath(output.data, parent=True),
    shell:
        "python -m descant.commands.perform --model {input.model:q} --roll {params.folder:q}"
        " --output {params.output:q} --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule vocode:
    input:
        data=data_of("audio"),
        index=index_of("audio"),
        frames=rendered_frames,
        rolls=rendered_rolls,
        vocoder=vocoders,
    output:
        sound=directory(VOCODED),
    log:
        "<logs>/vocode/{rendering}.log",
    benchmark:
        "<benchmarks>/vocode/{rendering}.tsv"
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=vocode_megabytes,
        runtime=1440,
    params:
        settings=SAMPLING,
        mel=as_json(experiment.mel),
        excerpts=as_json(experiment.evaluation.reconstruction),
        seed=experiment.seed,
        folder=subpath(input.data, parent=True),
        options=vocode_options,
        runs=f"{RUNS}/vocode/{{rendering}}",
    shell:
        "python -m descant.commands.vocode --settings {params.settings:q} --mel {params.mel:q}"
        " --excerpts {params.excerpts:q} --seed {params.seed:q} --sequence {params.folder:q}"
        " {params.options:q} --output {output.sound:q} --runs {params.runs:q}"
        " --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule synthesis:
    input:
        audio=data_of("audio"),
        recordings=rules.pack.output.samples,
        vocoded=collect(rules.vocode.output.sound, rendering=renderings_of(codes=False)),
    output:
        summary="results/evaluation/synthesis/summary.json",
    log:
        "<logs>/synthesis.log",
    benchmark:
        "<benchmarks>/synthesis.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        given=lambda wildcards: as_json(
            {
                **reconstruction_excerpts(),
                **measure_settings("reconstruction"),
                "vocoded": vocoded(renderings=renderings_of(codes=False)),
            }
        ),
        folder=subpath(output.summary, parent=True),
    shell:
        "python -m descant.commands.measure synthesis --given {params.given:q} --output {params.folder:q} 2> {log:q}"
