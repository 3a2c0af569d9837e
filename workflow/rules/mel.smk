# Frames of the recordings, and of the scores that they were rendered from: as many of both.


rule mel:
    input:
        samples=rules.pack.output.samples,
        index=rules.pack.output.samples_index,
    output:
        data=data_of("mel"),
        index=index_of("mel"),
    log:
        "results/logs/mel.log",
    benchmark:
        "results/benchmarks/mel.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=240,
    params:
        settings=as_json(experiment.mel),
        recordings=subpath(input.samples, parent=True),
        output=subpath(output.data, parent=True),
    shell:
        "python -m descant.commands.mel --settings {params.settings:q} --recordings {params.recordings:q}"
        " --output {params.output:q} 2> {log:q}"


rule roll:
    input:
        samples=rules.pack.output.samples,
        index=rules.pack.output.samples_index,
        notes=rules.pack.output.notes,
    output:
        data=data_of("roll"),
        index=index_of("roll"),
    log:
        "results/logs/roll.log",
    benchmark:
        "results/benchmarks/roll.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=240,
    params:
        step=experiment.mel.step,
        recordings=subpath(input.samples, parent=True),
        output=subpath(output.data, parent=True),
    shell:
        "python -m descant.commands.roll --notes {input.notes:q} --recordings {params.recordings:q}"
        " --step {params.step:q} --output {params.output:q} 2> {log:q}"
