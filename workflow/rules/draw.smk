# Down the other side: top codes from the prior, level by level to audio. One level is in memory at a time.


rule draw:
    input:
        model=drawing_model,
        given=drawn_above,
    output:
        steps=DRAWN,
    log:
        "<logs>/draw/{model}.level{level}.log",
    benchmark:
        "<benchmarks>/draw/{model}.level{level}.tsv"
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=draw_megabytes,
        runtime=1440,
    params:
        command=draw_command,
        settings=draw_settings,
        seed=experiment.seed,
        given=given_option,
        runs=f"{RUNS}/samples/{{model}}/level{{level}}",
    shell:
        "python -m descant.commands.{params.command} --settings {params.settings:q} --seed {params.seed:q}"
        " --model {input.model:q} {params.given:q} --runs {params.runs:q} --output {output.steps:q}"
        " --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule decode:
    input:
        steps=drawn_audio,
    output:
        audio=directory(RENDERED),
    log:
        "<logs>/decode/{model}.log",
    benchmark:
        "<benchmarks>/decode/{model}.tsv"
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
