# Down the other side: top codes from the prior, level by level to audio. One level is in memory at a time.


rule prime:
    input:
        samples=rules.pack.output.samples,
        index=rules.pack.output.samples_index,
        models=prime_encoders,
    output:
        prime=directory(PRIMED),
    log:
        "<logs>/prime/{model}.log",
    benchmark:
        "<benchmarks>/prime/{model}.tsv"
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=NETWORK_MEGABYTES,
        runtime=60,
    params:
        settings=prime_settings,
        digest=prime_digest,
        recordings=subpath(input.samples, parent=True),
        models=lambda wildcards, input: [f"--model={path}" for path in input.models],
        downmix=experiment.corpus.downmix,
    shell:
        "python -m descant.commands.prime --settings {params.settings:q} --recordings {params.recordings:q}"
        " {params.models:q} --downmix {params.downmix:q} --output {output.prime:q} --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule draw:
    input:
        model=drawing_model,
        given=drawn_above,
        prime=begun_with,
    output:
        steps=DRAWN,
    log:
        "<logs>/draw/{model}.level{level}.log",
    benchmark:
        "<benchmarks>/draw/{model}.level{level}.tsv"
    priority: 5
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=draw_megabytes,
        runtime=1440,
    params:
        settings=draw_settings,
        seed=experiment.seed,
        length=draw_length,
        given=given_option,
        level=level_option,
        prime=prime_option,
        picks=picks,
        runs=f"{RUNS}/samples/{{model}}/level{{level}}",
    shell:
        "python -m descant.commands.draw --settings {params.settings:q} --seed {params.seed:q}"
        " --model {input.model:q} --steps {params.length:q} {params.given:q} {params.level:q} {params.prime:q} {params.picks:q} --runs {params.runs:q} --output {output.steps:q}"
        " --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule decode:
    input:
        steps=drawn_audio,
        prime=primed_with,
    output:
        audio=directory(RENDERED),
    log:
        "<logs>/decode/{model}.log",
    benchmark:
        "<benchmarks>/decode/{model}.tsv"
    wildcard_constraints:
        model=alternatives(set(drawn_rows) - set(decoded_rows())),
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        sample_rate=experiment.audio.sample_rate,
        title=lambda wildcards: experiment.models[wildcards.model].title,
        prime=waveform_option,
        picks=picks,
    shell:
        "python -m descant.commands.decode --steps {input.steps:q} --sample-rate {params.sample_rate:q}"
        " --title={params.title:q} {params.prime:q} {params.picks:q} --output {output.audio:q} 2> {log:q}"


rule decode_codes:
    input:
        steps=drawn_last,
        model=level_decoder,
        prime=primed_with,
    output:
        audio=directory(RENDERED),
    log:
        "<logs>/decode/{model}.log",
    benchmark:
        "<benchmarks>/decode/{model}.tsv"
    wildcard_constraints:
        model=alternatives(decoded_rows()),
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=NETWORK_MEGABYTES,
        runtime=60,
    params:
        samples=sampled_samples(),
        sample_rate=experiment.audio.sample_rate,
        title=lambda wildcards: experiment.models[wildcards.model].title,
        prime=waveform_option,
        picks=picks,
    shell:
        "python -m descant.commands.decode_codes --steps {input.steps:q} --model {input.model:q}"
        " --samples {params.samples:q} --sample-rate {params.sample_rate:q} --title={params.title:q}"
        " {params.prime:q} {params.picks:q}"
        " --output {output.audio:q} --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"
