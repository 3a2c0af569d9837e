# What people look at; `snakemake --report` gathers it into one page that opens offline.


rule parameters:
    log:
        "results/logs/parameters.log",
    localrule: True
    conda:
        "../../envs/main.yaml"
    params:
        settings=as_json(experiment),
    shell:
        "python -m descant.commands.parameters --settings {params.settings:q} 2> {log:q}"


rule estimate:
    input:
        index="results/sequences/audio/index.parquet",
    log:
        "results/logs/estimate.log",
    localrule: True
    conda:
        "../../envs/main.yaml"
    params:
        settings=as_json(experiment),
        folder=subpath(input.index, parent=True),
    shell:
        "python -m descant.commands.estimate --settings {params.settings:q} --sequence {params.folder:q} 2> {log:q}"
