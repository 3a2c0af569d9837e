# Priors: WaveNets on top codes, or on audio for the flat rows.


rule train_prior:
    input:
        data="results/sequences/{sequence}/data.npy",
        index="results/sequences/{sequence}/index.parquet",
        start=prior_start,
    output:
        model="results/prior/{prior}/{sequence}/model.safetensors",
        metrics="results/prior/{prior}/{sequence}/metrics.csv",
    log:
        "results/logs/prior/{prior}/{sequence}/train.log",
    benchmark:
        "results/benchmarks/prior/{prior}/{sequence}/train.tsv"
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=training_gpus,
        mem_mb=8000,
        runtime=1440,
    params:
        settings=prior_settings,
        seed=experiment.seed,
        folder=subpath(input.data, parent=True),
        runs="results/runs/prior/{prior}/{sequence}",
    shell:
        "python -m descant.commands.train --kind wavenet --settings {params.settings:q} --seed {params.seed:q}"
        " --input steps={params.folder:q} --runs {params.runs:q}"
        " --model {output.model:q} --metrics {output.metrics:q}"
        " --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"
