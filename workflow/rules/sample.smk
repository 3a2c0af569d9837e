# Down the other side: top codes from the prior, level by level to audio. One level is in memory at a time.


rule sample_prior:
    input:
        model=prior_model,
    output:
        steps="results/samples/{model}/top.npy",
    log:
        "results/logs/samples/{model}/top.log",
    benchmark:
        "results/benchmarks/samples/{model}/top.tsv"
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=4000,
        runtime=1440,
    params:
        settings=as_json(
            experiment.sampling,
            "count",
            "temperature",
            "top_p",
            "engine",
            "precision",
        ),
        seed=experiment.seed,
        length=lambda wildcards: sampled_samples()
        // experiment.hop(experiment.top(wildcards.model)),
        runs="results/runs/samples/{model}/top",
    shell:
        "python -m descant.commands.sample_prior --settings {params.settings:q} --seed {params.seed:q}"
        " --model {input.model:q} --steps {params.length:q} --runs {params.runs:q} --output {output.steps:q}"
        " --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule upsample:
    input:
        codes=codes_above,
        model=ada_above,
    output:
        steps="results/samples/{model}/level{level}.npy",
    log:
        "results/logs/samples/{model}/level{level}.log",
    benchmark:
        "results/benchmarks/samples/{model}/level{level}.tsv"
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=draw_megabytes,
        runtime=1440,
    params:
        settings=as_json(
            experiment.sampling,
            "count",
            "temperature",
            "top_p",
            "engine",
            "precision",
            "windows",
        ),
        seed=experiment.seed,
        runs="results/runs/samples/{model}/level{level}",
    shell:
        "python -m descant.commands.upsample --settings {params.settings:q} --seed {params.seed:q}"
        " --model {input.model:q} --codes {input.codes:q} --runs {params.runs:q} --output {output.steps:q}"
        " --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule decode:
    input:
        steps=drawn_audio,
    output:
        audio=directory("results/samples/{model}/audio"),
    log:
        "results/logs/samples/{model}/render.log",
    benchmark:
        "results/benchmarks/samples/{model}/render.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        sample_rate=experiment.audio.sample_rate,
        title=lambda wildcards: experiment.models[wildcards.model].title,
    shell:
        "python -m descant.commands.decode --steps {input.steps:q} --sample-rate {params.sample_rate:q}"
        " --title={params.title:q} --output {output.audio:q} 2> {log:q}"
