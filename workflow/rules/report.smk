# What people look at; `snakemake --report` gathers it into one page that opens offline.


def all_metrics():
    """Metrics of every training by its name."""
    adas = {stack: f"results/ada/{stack}/metrics.csv" for stack in experiment.stacks}
    priors = {
        f"{prior} prior on {sequence}": f"results/prior/{prior}/{sequence}/metrics.csv"
        for prior, sequence in trained_priors()
    }
    return adas | priors


rule parameters:
    params:
        settings=as_json(experiment),
    log:
        "results/logs/parameters.log",
    localrule: True
    conda:
        "../../envs/main.yaml"
    shell:
        "python -m descant.commands.parameters --settings {params.settings:q} 2> {log:q}"


rule estimate:
    input:
        index="results/sequences/audio/index.parquet",
    params:
        settings=as_json(experiment),
        folder=subpath(input.index, parent=True),
    log:
        "results/logs/estimate.log",
    localrule: True
    conda:
        "../../envs/main.yaml"
    shell:
        "python -m descant.commands.estimate --settings {params.settings:q} --sequence {params.folder:q} 2> {log:q}"
