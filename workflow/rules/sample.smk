# Down the other side: top codes from the prior, level by level to audio. One level is in memory at a time.


def sampled_samples():
    """Audio samples of a draw, a multiple that every stack can make exactly."""
    multiple = experiment.length_multiple
    return -(-round(experiment.sampling.seconds * experiment.audio.sample_rate) // multiple) * multiple


def prior_model(wildcards):
    """Model file of the prior that a model samples from."""
    return "results/prior/{prior}/{sequence}/model.safetensors".format(**prior_of(wildcards.model))


rule sample_prior:
    input:
        model=prior_model,
    output:
        steps="results/samples/{model}/top.npy",
    log:
        "results/logs/samples/{model}/top.log",
    benchmark:
        "results/benchmarks/samples/{model}/top.tsv"
    params:
        settings=as_json(experiment.sampling),
        seed=experiment.seed,
        length=lambda wildcards: sampled_samples() // experiment.hop(experiment.top(wildcards.model)),
        runs="results/runs/samples/{model}/top",
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=4000,
        runtime=1440,
    conda:
        "../../envs/main.yaml"
    shell:
        "python -m descant.commands.sample_prior --settings {params.settings:q} --seed {params.seed:q}"
        " --model {input.model:q} --steps {params.length:q} --runs {params.runs:q} --output {output.steps:q}"
        " --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


def codes_above(wildcards):
    """What was drawn one level up."""
    above = int(wildcards.level) + 1
    name = "top" if above == top_level(wildcards.model) else f"level{above}"
    return f"results/samples/{wildcards.model}/{name}.npy"


def ada_above(wildcards):
    """Model file of the ADA between a level and the one above it."""
    stack = experiment.levels(wildcards.model)[int(wildcards.level) + 1]
    return f"results/ada/{stack}/model.safetensors"


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
    params:
        settings=as_json(experiment.sampling),
        seed=experiment.seed,
        runs="results/runs/samples/{model}/level{level}",
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=4000,
        runtime=1440,
    conda:
        "../../envs/main.yaml"
    shell:
        "python -m descant.commands.upsample --settings {params.settings:q} --seed {params.seed:q}"
        " --model {input.model:q} --codes {input.codes:q} --runs {params.runs:q} --output {output.steps:q}"
        " --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


def drawn_audio(wildcards):
    """A model's drawn mu-law audio."""
    name = "level0" if top_level(wildcards.model) else "top"
    return f"results/samples/{wildcards.model}/{name}.npy"


rule render_audio:
    input:
        steps=drawn_audio,
    output:
        audio=directory("results/samples/{model}/audio"),
    log:
        "results/logs/samples/{model}/render.log",
    benchmark:
        "results/benchmarks/samples/{model}/render.tsv"
    params:
        sample_rate=experiment.audio.sample_rate,
        title=lambda wildcards: experiment.models[wildcards.model].title,
    resources:
        mem_mb=1000,
        runtime=30,
    conda:
        "../../envs/main.yaml"
    shell:
        "python -m descant.commands.render_audio --steps {input.steps:q} --sample-rate {params.sample_rate:q}"
        " --title {params.title:q} --output {output.audio:q} 2> {log:q}"
