# Likelihoods of held-out tracks, and the tables.


rule likelihood:
    input:
        data=scored_data,
        index=scored_index,
        given=given_data,
        given_index=given_index,
        model=scoring_model,
    output:
        bits=BITS,
    log:
        "<logs>/likelihood/{likelihood}.log",
    benchmark:
        "<benchmarks>/likelihood/{likelihood}.tsv"
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=8000,
        runtime=240,
    params:
        settings=as_json(experiment.evaluation, "max_seconds_per_track", "window"),
        folder=subpath(input.data, parent=True),
        options=given_options,
    shell:
        "python -m descant.commands.likelihood --settings {params.settings:q} --model {input.model:q}"
        " --sequence {params.folder:q} {params.options:q}"
        " --output {output.bits:q} --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule write_table:
    input:
        bits=table_bits(),
        scores=people_scores,
    output:
        csv="results/table/table.csv",
        markdown="results/table/table.md",
        latex="results/table/table.tex",
        tracks="results/table/tracks.csv",
    log:
        "results/logs/table.log",
    benchmark:
        "results/benchmarks/table.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        rows=[as_json(row_of(model)) for model in drawn_rows],
        settings=as_json(experiment.evaluation, "bootstrap_draws", "confidence"),
        sample_rate=experiment.audio.sample_rate,
        seed=experiment.seed,
        scores=scores_option,
    shell:
        "python -m descant.commands.table --settings {params.settings:q} --sample-rate {params.sample_rate:q}"
        " --seed {params.seed:q} --csv {output.csv:q} --markdown {output.markdown:q} --latex {output.latex:q}"
        " --tracks {output.tracks:q} {params.scores:q} {params.rows:q} 2> {log:q}"


rule table_mel2mel:
    input:
        metrics=mel2mel_metrics,
    output:
        csv="results/table/mel2mel.csv",
        markdown="results/table/mel2mel.md",
        summary=MEL2MELS,
    log:
        "<logs>/table_mel2mel.log",
    benchmark:
        "<benchmarks>/table_mel2mel.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        given=as_json({"rows": mel2mel_trainings()}),
    shell:
        "python -m descant.commands.table_mel2mel --given {params.given:q} --csv {output.csv:q}"
        " --markdown {output.markdown:q} --summary {output.summary:q} 2> {log:q}"
