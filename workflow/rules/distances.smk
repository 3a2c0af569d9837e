# How far drawn audio lies from real music: a job embeds one set, one job compares all.


rule embed_drawn:
    input:
        drawn=rules.decode.output.audio,
    output:
        vectors="results/evaluation/distances/vectors/models/{model}.parquet",
    log:
        "results/logs/distances/models/{model}.log",
    benchmark:
        "results/benchmarks/distances/models/{model}.tsv"
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        settings=as_json(experiment.evaluation.distances),
        seconds=compared_seconds(),
        cache="results/evaluation/embeddings/models/{model}.parquet",
    shell:
        "python -m descant.commands.embed --settings {params.settings:q} --seconds {params.seconds:q}"
        " --drawn {input.drawn:q} --cache {params.cache:q} --output {output.vectors:q}"
        " --threads {threads:q} 2> {log:q}"


rule embed_real:
    input:
        samples=rules.pack.output.samples,
        index=rules.pack.output.samples_index,
    output:
        vectors="results/evaluation/distances/vectors/real/{split}.{change}.parquet",
    log:
        "results/logs/distances/real/{split}.{change}.log",
    benchmark:
        "results/benchmarks/distances/real/{split}.{change}.tsv"
    wildcard_constraints:
        split="train|test",
        change="none|shuffled|noise",
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        settings=as_json(experiment.evaluation.distances),
        seconds=compared_seconds(),
        seed=experiment.seed,
        cache="results/evaluation/embeddings/real/{split}.{change}.parquet",
        recordings=subpath(input.samples, parent=True),
    shell:
        "python -m descant.commands.embed --settings {params.settings:q} --seconds {params.seconds:q}"
        " --recordings {params.recordings:q} --split {wildcards.split:q} --change {wildcards.change:q} --seed {params.seed:q}"
        " --cache {params.cache:q} --output {output.vectors:q} --threads {threads:q} 2> {log:q}"


rule distances:
    input:
        models=collect(rules.embed_drawn.output.vectors, model=drawn_rows),
        real=real_vectors().values(),
    output:
        figures="results/evaluation/distances/distances.csv",
        excerpts="results/evaluation/distances/excerpts.csv",
        summary="results/evaluation/distances/summary.json",
    log:
        "results/logs/distances/distances.log",
    benchmark:
        "results/benchmarks/distances/distances.tsv"
    conda:
        "../../envs/main.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        given=lambda wildcards: as_json(
            {
                **measure_settings("distances"),
                "seconds": compared_seconds(),
                **compared_sets(),
            }
        ),
        folder=subpath(output.summary, parent=True),
    shell:
        "python -m descant.commands.measure distances --given {params.given:q} --output {params.folder:q} 2> {log:q}"
