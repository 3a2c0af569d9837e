# One training of a network, shared by every row that needs it. What a population trains is trained by population.smk, to
# the same files.


rule train:
    input:
        data=learnt_data,
        index=learnt_index,
        start=starting_weights,
    output:
        model=MODEL,
        metrics=METRICS,
    log:
        "<logs>/train/{training}.log",
    benchmark:
        "<benchmarks>/train/{training}.tsv"
    wildcard_constraints:
        training=alternatives(plain_trainings()),
    # what other trainings wait for comes first, measures last
    priority: 10
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=training_gpus,
        mem_mb=training_memory,
        runtime=1440,
    params:
        kind=lambda wildcards: training_of(wildcards).kind,
        settings=network_settings,
        seed=experiment.seed,
        inputs=input_options,
        runs=f"{RUNS}/training/{{training}}",
    shell:
        "python -m descant.commands.train --kind {params.kind:q} --model {output.model:q} --metrics {output.metrics:q}"
        + TRAINING_OPTIONS
