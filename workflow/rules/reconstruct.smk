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
        seed=experiment.seed,
        folder=subpath(input.data, parent=True),
        codes=subpath(input.codes, parent=True),
        runs=f"{RUNS}/reconstruction/{{sequence}}",
    shell:
        "python -m descant.commands.reconstruct --settings {params.settings:q} --excerpts {params.excerpts:q}"
        " --seed {params.seed:q} --sequence {params.folder:q} --codes {params.codes:q} --model {input.models:q}"
        " --runs {params.runs:q} --output {output.drawn:q}"
        " --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule reconstruction:
    input:
        audio=data_of("audio"),
        recordings=rules.pack.output.samples,
        drawn=collect(rules.reconstruct.output.drawn, sequence=encoded_names()),
        shuffled=decoding_bits(shuffled=True),
        true=decoding_bits(shuffled=False),
        codes=[data_of(one.name) for one in plan.encoded],
        decoded=collect(rules.vocode.output.sound, rendering=renderings_of(codes=True)),
    output:
        excerpts="results/evaluation/reconstruction/excerpts.csv",
        codes="results/evaluation/reconstruction/codes.csv",
        measured="results/evaluation/reconstruction/measured.json",
        summary="results/evaluation/reconstruction/summary.json",
    log:
        "<logs>/reconstruction.log",
    benchmark:
        "<benchmarks>/reconstruction.tsv"
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
                "stacks": scored_stacks(),
                "decoded": decoded_levels(),
            }
        ),
        folder=subpath(output.summary, parent=True),
    shell:
        "python -m descant.commands.measure reconstruction --given {params.given:q} --output {params.folder:q} 2> {log:q}"


rule onsets:
    input:
        audio=data_of("audio"),
        recordings=rules.pack.output.samples,
        drawn=collect(rules.reconstruct.output.drawn, sequence=encoded_names()),
        vocoded=collect(rules.vocode.output.sound, rendering=plan.renderings),
    output:
        summary="results/evaluation/onsets/summary.json",
    log:
        "<logs>/onsets.log",
    benchmark:
        "<benchmarks>/onsets.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        given=lambda wildcards: as_json(
            {
                **reconstruction_excerpts(),
                **measure_settings("onsets"),
                "stacks": reconstructed(),
                "vocoded": vocoded(),
            }
        ),
        folder=subpath(output.summary, parent=True),
    shell:
        "python -m descant.commands.measure onsets --given {params.given:q} --output {params.folder:q} 2> {log:q}"


rule note_f1:
    input:
        audio=data_of("audio"),
        recordings=rules.pack.output.samples,
        notes=rules.pack.output.notes,
        drawn=collect(rules.reconstruct.output.drawn, sequence=encoded_names()),
        vocoded=collect(rules.vocode.output.sound, rendering=plan.renderings),
    output:
        summary="results/evaluation/note_f1/summary.json",
    log:
        "<logs>/note_f1.log",
    benchmark:
        "<benchmarks>/note_f1.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        given=lambda wildcards: as_json(
            {
                **reconstruction_excerpts(),
                **measure_settings("transcription"),
                "stacks": reconstructed(),
                "vocoded": vocoded(),
                "notes": rules.pack.output.notes,
            }
        ),
        folder=subpath(output.summary, parent=True),
    shell:
        "python -m descant.commands.measure note_f1 --given {params.given:q} --output {params.folder:q} 2> {log:q}"
