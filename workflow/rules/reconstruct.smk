# From true codes back to audio: which level adds the noise, how the codes are used, and what they are worth.


rule reconstruct:
    input:
        data="results/sequences/audio/data.npy",
        index="results/sequences/audio/index.parquet",
        codes=rules.encode_codes.output.data,
        codes_index=rules.encode_codes.output.index,
        models=adas_down,
    output:
        drawn="results/evaluation/reconstruction/{stack}/drawn.npy",
    log:
        "results/logs/reconstruction/{stack}.log",
    benchmark:
        "results/benchmarks/reconstruction/{stack}.tsv"
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=reconstruct_megabytes,
        runtime=1440,
    params:
        settings=as_json(
            experiment.sampling,
            "temperature",
            "top_p",
            "engine",
            "precision",
            "windows",
        ),
        excerpts=as_json(experiment.evaluation.reconstruction),
        multiple=experiment.length_multiple,
        seed=experiment.seed,
        folder=subpath(input.data, parent=True),
        codes=subpath(input.codes, parent=True),
        runs="results/runs/reconstruction/{stack}",
    shell:
        "python -m descant.commands.reconstruct --settings {params.settings:q} --excerpts {params.excerpts:q}"
        " --seed {params.seed:q} --sequence {params.folder:q} --codes {params.codes:q} --model {input.models:q}"
        " --length-multiple {params.multiple:q} --runs {params.runs:q} --output {output.drawn:q}"
        " --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule likelihood_shuffled:
    input:
        data=sequence_below,
        index=index_below,
        codes=rules.encode_codes.output.data,
        codes_index=rules.encode_codes.output.index,
        model="results/ada/{stack}/model.safetensors",
    output:
        bits="results/evaluation/reconstruction/{stack}/shuffled.parquet",
    log:
        "results/logs/reconstruction/{stack}.shuffled.log",
    benchmark:
        "results/benchmarks/reconstruction/{stack}.shuffled.tsv"
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
        seed=experiment.seed,
        folder=subpath(input.data, parent=True),
        codes=subpath(input.codes, parent=True),
    shell:
        "python -m descant.commands.likelihood --settings {params.settings:q} --model {input.model:q}"
        " --sequence {params.folder:q} --codes {params.codes:q} --shuffle-seed {params.seed:q}"
        " --length-multiple {params.multiple:q} --output {output.bits:q}"
        " --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule reconstruction_page:
    input:
        data="results/sequences/audio/data.npy",
        index="results/sequences/audio/index.parquet",
        tracks=collect(rules.separate.output.tracks, shard=SHARDS),
        drawn=collect(rules.reconstruct.output.drawn, stack=experiment.stacks),
        shuffled=collect(rules.likelihood_shuffled.output.bits, stack=experiment.stacks),
        true=collect(rules.likelihood_ada.output.bits, stack=experiment.stacks),
        codes=collect(rules.encode_codes.output.data, stack=experiment.stacks),
        codes_index=collect(rules.encode_codes.output.index, stack=experiment.stacks),
    output:
        page=report(
            "results/report/reconstruction.html",
            caption="../report/reconstruction.rst",
            category="5 Measures",
        ),
        excerpts="results/evaluation/reconstruction/excerpts.csv",
        codes="results/evaluation/reconstruction/codes.csv",
        summary="results/evaluation/reconstruction/summary.json",
    log:
        "results/logs/report/reconstruction.log",
    benchmark:
        "results/benchmarks/report/reconstruction.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=as_json(
            experiment.evaluation,
            "bootstrap_draws",
            "confidence",
            "reconstruction",
        ),
        multiple=experiment.length_multiple,
        seed=experiment.seed,
        pages=report_pages,
        folder=subpath(input.data, parent=True),
        stacks=list(experiment.stacks),
        codes=lambda wildcards, input: [os.path.dirname(data) for data in input.codes],
    shell:
        "python -m descant.commands.reconstruction_page --settings {params.settings:q} --seed {params.seed:q}"
        " --sequence {params.folder:q} --tracks {input.tracks:q} --length-multiple {params.multiple:q}"
        " --stacks {params.stacks:q} --drawn {input.drawn:q} --codes {params.codes:q} --true {input.true:q}"
        " --shuffled {input.shuffled:q} --excerpts {output.excerpts:q} --usage {output.codes:q}"
        " --summary {output.summary:q} --output {output.page:q} --pages {params.pages:q} 2> {log:q}"
