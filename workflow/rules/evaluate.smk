# Likelihoods of held-out tracks, and the table.


rule likelihood_ada:
    input:
        data=sequence_below,
        index=index_below,
        codes=rules.encode_codes.output.data,
        codes_index=rules.encode_codes.output.index,
        model="results/ada/{stack}/model.safetensors",
    output:
        bits="results/likelihood/ada/{stack}.parquet",
    log:
        "results/logs/likelihood/ada/{stack}.log",
    benchmark:
        "results/benchmarks/likelihood/ada/{stack}.tsv"
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=8000,
        runtime=240,
    params:
        settings=as_json(experiment.evaluation, "max_seconds_per_track", "window"),
        multiple=experiment.length_multiple,
        folder=subpath(input.data, parent=True),
        codes=subpath(input.codes, parent=True),
    shell:
        "python -m descant.commands.likelihood --settings {params.settings:q} --model {input.model:q}"
        " --sequence {params.folder:q} --codes {params.codes:q} --length-multiple {params.multiple:q}"
        " --output {output.bits:q} --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule likelihood_prior:
    input:
        data="results/sequences/{sequence}/data.npy",
        index="results/sequences/{sequence}/index.parquet",
        model=rules.train_prior.output.model,
    output:
        bits="results/likelihood/prior/{prior}/{sequence}.parquet",
    log:
        "results/logs/likelihood/prior/{prior}/{sequence}.log",
    benchmark:
        "results/benchmarks/likelihood/prior/{prior}/{sequence}.tsv"
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=8000,
        runtime=240,
    params:
        settings=as_json(experiment.evaluation, "max_seconds_per_track", "window"),
        multiple=experiment.length_multiple,
        folder=subpath(input.data, parent=True),
    shell:
        "python -m descant.commands.likelihood --settings {params.settings:q} --model {input.model:q}"
        " --sequence {params.folder:q} --length-multiple {params.multiple:q}"
        " --output {output.bits:q} --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule write_table:
    input:
        bits=sorted(
            {path for model in experiment.models for path in row_of(model)["bits"]}
        ),
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
        rows=[as_json(row_of(model)) for model in experiment.models],
        settings=as_json(experiment.evaluation, "bootstrap_draws", "confidence"),
        sample_rate=experiment.audio.sample_rate,
        seed=experiment.seed,
        scores=scores_option,
    shell:
        "python -m descant.commands.table --settings {params.settings:q} --sample-rate {params.sample_rate:q}"
        " --seed {params.seed:q} --csv {output.csv:q} --markdown {output.markdown:q} --latex {output.latex:q}"
        " --tracks {output.tracks:q} {params.scores:q} {params.rows:q} 2> {log:q}"
