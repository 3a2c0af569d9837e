# From true codes back to audio: which level adds the noise, how the codes are used, and what they are worth.


rule reconstruct:
    input:
        data="results/sequences/audio/data.npy",
        index="results/sequences/audio/index.parquet",
        codes=DATA,
        codes_index=INDEX,
        models=decoders,
    output:
        drawn="results/evaluation/reconstruction/{sequence}/drawn.npy",
    log:
        "<logs>/reconstruction/{sequence}.log",
    benchmark:
        "<benchmarks>/reconstruction/{sequence}.tsv"
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
        multiple=length_multiple(),
        seed=experiment.seed,
        folder=subpath(input.data, parent=True),
        codes=subpath(input.codes, parent=True),
        runs=f"{RUNS}/reconstruction/{{sequence}}",
    shell:
        "python -m descant.commands.reconstruct --settings {params.settings:q} --excerpts {params.excerpts:q}"
        " --seed {params.seed:q} --sequence {params.folder:q} --codes {params.codes:q} --model {input.models:q}"
        " --length-multiple {params.multiple:q} --runs {params.runs:q} --output {output.drawn:q}"
        " --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule reconstruction_page:
    input:
        data="results/sequences/audio/data.npy",
        index="results/sequences/audio/index.parquet",
        tracks=collect(rules.separate.output.tracks, shard=SHARDS),
        drawn=collect(rules.reconstruct.output.drawn, sequence=encoded_names()),
        shuffled=decoding_bits(shuffled=True),
        true=decoding_bits(shuffled=False),
        codes=[data_of(name) for name in encoded_names()],
        codes_index=[index_of(name) for name in encoded_names()],
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
        multiple=length_multiple(),
        seed=experiment.seed,
        pages=report_pages,
        folder=subpath(input.data, parent=True),
        stacks=encoded_names(),
        codes=lambda wildcards, input: [os.path.dirname(data) for data in input.codes],
    shell:
        "python -m descant.commands.reconstruction_page --settings {params.settings:q} --seed {params.seed:q}"
        " --sequence {params.folder:q} --tracks {input.tracks:q} --length-multiple {params.multiple:q}"
        " --stacks {params.stacks:q} --drawn {input.drawn:q} --codes {params.codes:q} --true {input.true:q}"
        " --shuffled {input.shuffled:q} --excerpts {output.excerpts:q} --usage {output.codes:q}"
        " --summary {output.summary:q} --output {output.page:q} --pages {params.pages:q} 2> {log:q}"
