# On request: a score is played, snakemake play --config play='{score: my.mid, instrument: trumpet}', and the timbre of a
# recording is found, snakemake find_timbre --config find_timbre='{recording: my.wav, score: my.mid}'


rule pretrained:
    output:
        SHIPPED,
    log:
        "<logs>/pretrained/{network}.log",
    localrule: True
    conda:
        "../../envs/main.yaml"
    params:
        digest=lambda wildcards: file_digest(shipped_file(wildcards)),
        file=lambda wildcards, input: shipped_file(wildcards),
    shell:
        "cp {params.file:q} {output:q} 2> {log:q}"


rule play_score:
    input:
        models=playing_models,
    output:
        audio=making("results/play/played.flac"),
    log:
        "<logs>/play.log",
    benchmark:
        "<benchmarks>/play.tsv"
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=NETWORK_MEGABYTES,
        runtime=240,
    params:
        settings=play_settings,
        digest=score_digest,
        begins=[],
        sampling=SAMPLING,
        seed=experiment.seed,
        runs=f"{RUNS}/play",
    shell:
        PLAY


rule play_piece:
    input:
        models=piece_models,
        composed=piece_composed,
    output:
        audio=making(PLAYED),
    log:
        "<logs>/music/{piece}.log",
    benchmark:
        "<benchmarks>/music/{piece}.tsv"
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=NETWORK_MEGABYTES,
        runtime=240,
    params:
        settings=piece_settings,
        asked=piece_asked,
        digest=piece_digest,
        begins=piece_begins,
        sampling=SAMPLING,
        seed=experiment.seed,
        runs=f"{RUNS}/music",
    shell:
        PLAY


rule fit_timbre:
    input:
        model=finding_model,
    output:
        found=making("results/play/timbre.json"),
    log:
        "<logs>/find_timbre.log",
    benchmark:
        "<benchmarks>/find_timbre.tsv"
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=NETWORK_MEGABYTES,
        runtime=240,
    params:
        settings=finding_settings,
        digests=finding_digests,
        mel=finding_mel(),
        folder=as_json(experiment.corpus.folder, "max_minutes", "max_decoded_gib"),
        downmix=experiment.corpus.downmix,
    shell:
        "python -m descant.commands.find_timbre --settings {params.settings:q} --mel {params.mel:q}"
        " --mel2mel {input.model:q} --output {output.found:q} --folder {params.folder:q} --downmix {params.downmix:q}"
        " --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule play:
    input:
        "results/play/played.flac",
    localrule: True


rule find_timbre:
    input:
        "results/play/timbre.json",
    localrule: True
