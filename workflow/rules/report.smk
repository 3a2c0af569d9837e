# What people look at; `snakemake --report` gathers it into one page that opens offline.


rule players:
    input:
        audio=rules.decode.output.audio,
        models=models_of,
        data="results/sequences/audio/data.npy",
        index="results/sequences/audio/index.parquet",
        samples=rules.pack.output.samples,
        samples_index=rules.pack.output.samples_index,
    output:
        page=report(
            "results/report/players/{model}.html",
            caption="../report/players.rst",
            category="1 Listen",
            labels={"model": "{model}"},
        ),
    log:
        "results/logs/report/players.{model}.log",
    benchmark:
        "results/benchmarks/report/players.{model}.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        pages=report_pages,
        title=lambda wildcards: experiment.models[wildcards.model].title,
        note=note_of,
        temperature=experiment.sampling.temperature,
        top_p=experiment.sampling.top_p,
        folder=subpath(input.data, parent=True),
        recordings=subpath(input.samples, parent=True),
    shell:
        "python -m descant.commands.players --title={params.title:q} {params.note:q}"
        " --temperature {params.temperature:q} --top-p {params.top_p:q} --audio {input.audio:q}"
        " --model {input.models:q} --sequence {params.folder:q}"
        " --recordings {params.recordings:q} --output {output.page:q} --pages {params.pages:q} 2> {log:q}"


rule separation_page:
    input:
        stems=collect(rules.separate.output.stems, shard=SHARDS),
        mixes=collect(rules.ingest.output.tracks, shard=SHARDS),
        separated=collect(rules.separate.output.tracks, shard=SHARDS),
    output:
        page=report(
            "results/report/separation.html",
            caption="../report/separation.rst",
            category="4 Corpus",
        ),
    log:
        "results/logs/report/separation.log",
    benchmark:
        "results/benchmarks/report/separation.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        pages=report_pages,
    shell:
        "python -m descant.commands.separation_page --stems {input.stems:q} --mixes {input.mixes:q}"
        " --separated {input.separated:q} --output {output.page:q} --pages {params.pages:q} 2> {log:q}"


rule curves:
    input:
        metrics=list(all_metrics().values()),
    output:
        page=report(
            "results/report/curves.html",
            caption="../report/curves.rst",
            category="3 Training",
        ),
    log:
        "results/logs/report/curves.log",
    benchmark:
        "results/benchmarks/report/curves.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        pages=report_pages,
        metrics=[f"{name}={path}" for name, path in all_metrics().items()],
    shell:
        "python -m descant.commands.curves --metrics {params.metrics:q} --output {output.page:q} --pages {params.pages:q} 2> {log:q}"


rule population_page:
    input:
        files=population_files(),
    output:
        page=report(
            "results/report/population.html",
            caption="../report/population.rst",
            category="3 Training",
        ),
    log:
        "results/logs/report/population.log",
    benchmark:
        "results/benchmarks/report/population.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        pages=report_pages,
        populations=[
            f"{training.title}={folder}" for folder, training in populations().items()
        ],
    shell:
        "python -m descant.commands.population_page --population {params.populations:q} --output {output.page:q}"
        " --pages {params.pages:q} 2> {log:q}"


rule table_page:
    input:
        table=rules.write_table.output.csv,
    output:
        page=report(
            "results/report/table.html",
            caption="../report/table.rst",
            category="2 The table",
        ),
    log:
        "results/logs/report/table.log",
    benchmark:
        "results/benchmarks/report/table.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        pages=report_pages,
        headings=[f"{column}={heading}" for column, heading in TABLE_HEADINGS.items()],
        hidden=["model", "receptive_field_samples", "note"],
        notes=table_notes,
    shell:
        "python -m descant.commands.table_page --table {input.table:q} --output {output.page:q}"
        " --heading {params.headings:q} --hide {params.hidden:q} {params.notes:q} --pages {params.pages:q} 2> {log:q}"


rule front_page:
    input:
        table=rules.write_table.output.csv,
        data="results/sequences/audio/data.npy",
        index="results/sequences/audio/index.parquet",
        samples=rules.pack.output.samples,
        samples_index=rules.pack.output.samples_index,
        models=all_models(),
        audio=collect(rules.decode.output.audio, model=experiment.models),
        summaries=list(measured().values()),
    output:
        page=report(
            "results/report/index.html",
            caption="../report/front.rst",
            category="0 This run",
        ),
    log:
        "results/logs/report/front.log",
    benchmark:
        "results/benchmarks/report/front.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        pages=report_pages,
        source=source_in_words(),
        audio=[f"{model}=results/samples/{model}/audio" for model in experiment.models],
        summaries=[f"--summary={name}={path}" for name, path in measured().items()],
        folder=subpath(input.data, parent=True),
        recordings=subpath(input.samples, parent=True),
    shell:
        "python -m descant.commands.front_page --table {input.table:q} --sequence {params.folder:q}"
        " --recordings {params.recordings:q}"
        " --model {input.models:q} --audio {params.audio:q} --source {params.source:q} {params.summaries:q}"
        " --output {output.page:q} --pages {params.pages:q} 2> {log:q}"


rule parameters:
    log:
        "results/logs/parameters.log",
    localrule: True
    conda:
        "../../envs/main.yaml"
    params:
        settings=as_json(experiment),
    shell:
        "python -m descant.commands.parameters --settings {params.settings:q} 2> {log:q}"


rule estimate:
    input:
        index="results/sequences/audio/index.parquet",
    log:
        "results/logs/estimate.log",
    localrule: True
    conda:
        "../../envs/main.yaml"
    params:
        settings=as_json(experiment),
        folder=subpath(input.index, parent=True),
    shell:
        "python -m descant.commands.estimate --settings {params.settings:q} --sequence {params.folder:q} 2> {log:q}"
