# One training of a network, shared by every row that needs it. What a population trains is trained by population.smk, to
# the same files.


rule train:
    input:
        data=learnt_data,
        index=learnt_index,
        start=starting_weights,
        before=run_before,
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
        nodes=nodes_of_several,
        tasks=nodes_of_several,
        # one process a node, which starts those of its GPUs
        tasks_per_gpu=lambda wildcards: None if experiment.nodes_per_job == 1 else 0,
        mpi=lambda wildcards: None if experiment.nodes_per_job == 1 else "srun",
    params:
        kind=lambda wildcards: training_of(wildcards).kind,
        settings=network_settings,
        seed=experiment.seed,
        inputs=input_options,
        launcher=untracked(LAUNCHER),
        devices=untracked(
            ["--gpus", experiment.gpus_per_job, "--nodes", experiment.nodes_per_job]
        ),
        pause=pause_option,
        runs=runs_of,
    shell:
        "{params.launcher:q} python -m descant.commands.train --kind {params.kind:q} --model {output.model:q} --metrics {output.metrics:q} {params.pause:q}"
        + TRAINING_OPTIONS
