# A score that is played on request: snakemake play --config play='{score: my.mid, instrument: trumpet}'


rule play:
    input:
        models=playing_models,
    output:
        audio="results/play/played.flac",
    log:
        "<logs>/play.log",
    benchmark:
        "<benchmarks>/play.tsv"
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=4000,
        runtime=240,
    params:
        settings=play_settings,
        digest=score_digest,
        sampling=as_json(experiment.sampling),
        seed=experiment.seed,
        runs=f"{RUNS}/play",
    shell:
        "python -m descant.commands.play --settings {params.settings:q} --sampling {params.sampling:q}"
        " --mel2mel {input.models[0]:q} --vocoder {input.models[1]:q} --output {output.audio:q} --runs {params.runs:q}"
        " --seed {params.seed:q} --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"
