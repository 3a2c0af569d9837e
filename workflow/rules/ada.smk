# One training a stack, shared by every model that stands on it; then the codes of all tracks.
# A stack whose top ADA has a population is trained by population.smk, to the same files.


rule train_ada:
    input:
        data=sequence_below,
        index=index_below,
        start=ada_start,
    output:
        model="results/ada/{stack}/model.safetensors",
        metrics="results/ada/{stack}/metrics.csv",
    log:
        "results/logs/ada/{stack}/train.log",
    benchmark:
        "results/benchmarks/ada/{stack}/train.tsv"
    wildcard_constraints:
        stack=alternatives(plain_stacks()),
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=training_gpus,
        mem_mb=8000,
        runtime=1440,
    params:
        settings=ada_settings,
        seed=experiment.seed,
        folder=subpath(input.data, parent=True),
        runs="results/runs/ada/{stack}",
    shell:
        "python -m descant.commands.train --kind ada --settings {params.settings:q} --seed {params.seed:q}"
        " --input steps={params.folder:q} --runs {params.runs:q}"
        " --model {output.model:q} --metrics {output.metrics:q}"
        " --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule encode_codes:
    input:
        data=sequence_below,
        index=index_below,
        model="results/ada/{stack}/model.safetensors",
    output:
        data="results/sequences/{stack}/data.npy",
        index="results/sequences/{stack}/index.parquet",
    log:
        "results/logs/ada/{stack}/codes.log",
    benchmark:
        "results/benchmarks/ada/{stack}/codes.tsv"
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=4000,
        runtime=240,
    params:
        folder=subpath(input.data, parent=True),
        output=subpath(output.data, parent=True),
    shell:
        "python -m descant.commands.codes --model {input.model:q} --sequence {params.folder:q}"
        " --output {params.output:q} --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"
