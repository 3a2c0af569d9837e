# The stem that is trained on; `none` passes the tracks as they are. Spleeter's environment and weights are made on first
# use, where the workflow itself runs: nodes of a cluster may have no network.


rule spleeter_environment:
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
        digest=file_digest(SPLEETER_LOCK),
        lock=untracked(SPLEETER_LOCK),
    shell:
        "python -m descant.commands.spleeter_environment --lock {params.lock:q} --folder {params.folder:q}"
        " --output {output.interpreter:q} 2> {log:q}"


rule spleeter_weights:
    output:
        model=directory("resources/spleeter/weights/2stems"),
    log:
        "results/logs/separate/weights.log",
    benchmark:
        "results/benchmarks/separate/weights.tsv"
    localrule: True
    conda:
        "../../envs/main.yaml"
    params:
        digest=file_digest(SPLEETER_WEIGHTS),
        requirements=untracked(SPLEETER_WEIGHTS),
    shell:
        "python -m descant.commands.spleeter_weights --requirements {params.requirements:q}"
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
        digest=separation_digest,
        separation=untracked(as_json(experiment.separation)),
        separator=untracked(separator_options()),
    shell:
        "python -m descant.commands.separate --settings {params.separation:q} --table {input.table:q}"
        " --tracks {input.tracks:q} --output {output.tracks:q} --output-table {output.table:q}"
        " --stem-table {output.stems:q} --threads {threads:q} --store results/corpus/kept --shard {wildcards.shard:q}"
        " {params.separator:q} 2> {log:q}"
