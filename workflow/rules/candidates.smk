# Beginnings to choose from, before the rest is drawn: `snakemake candidates`, then `branch: {pick: [0, 3]}` in the row.


rule draw_candidates:
    input:
        model=lambda wildcards: model_of(candidates_of(wildcards).training),
        prime=primed_with,
    output:
        steps=CANDIDATES,
    log:
        "<logs>/draw/{model}.candidates.log",
    benchmark:
        "<benchmarks>/draw/{model}.candidates.tsv"
    wildcard_constraints:
        model=alternatives(branching_rows()),
    priority: 5
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=candidate_megabytes,
        runtime=240,
    params:
        settings=candidate_settings,
        seed=experiment.seed,
        length=lambda wildcards: candidates_of(wildcards).steps,
        whole=lambda wildcards: plan.routes[wildcards.model].draws[0].steps,
        level=lambda wildcards: candidates_of(wildcards).level - 1,
        prime=top_prime_option,
        picks=candidate_picks,
        runs=f"{RUNS}/samples/{{model}}/candidates",
    shell:
        "python -m descant.commands.draw --settings {params.settings:q} --seed {params.seed:q}"
        " --model {input.model:q} --steps {params.length:q} --whole {params.whole:q} --level {params.level:q}"
        " {params.prime:q} {params.picks:q}"
        " --runs {params.runs:q} --output {output.steps:q} --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule decode_candidates:
    input:
        steps=CANDIDATES,
        model=top_decoder,
        prime=primed_with,
    output:
        audio=directory(HEARD_CANDIDATES),
    log:
        "<logs>/decode/{model}.candidates.log",
    benchmark:
        "<benchmarks>/decode/{model}.candidates.tsv"
    wildcard_constraints:
        model=alternatives(branching_rows()),
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=NETWORK_MEGABYTES,
        runtime=60,
    params:
        samples=candidate_samples,
        sample_rate=experiment.audio.sample_rate,
        title=lambda wildcards: experiment.models[wildcards.model].title,
        prime=waveform_option,
        picks=candidate_picks,
    shell:
        "python -m descant.commands.decode_codes --steps {input.steps:q} --model {input.model:q}"
        " --samples {params.samples:q} --sample-rate {params.sample_rate:q} --title={params.title:q}"
        " {params.prime:q} {params.picks:q}"
        " --output {output.audio:q} --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule candidates:
    input:
        candidates_page,
    localrule: True
