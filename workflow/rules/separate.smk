# The stem that is trained on; `none` passes the tracks as they are.


rule separate:
    input:
        tracks=rules.ingest.output.tracks,
    output:
        tracks=directory("results/corpus/separated/{shard}"),
    log:
        "results/logs/separate/{shard}.log",
    benchmark:
        "results/benchmarks/separate/{shard}.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=2000,
        runtime=720,
    params:
        settings=as_json(experiment.separation),
    shell:
        "python -m descant.commands.separate --settings {params.settings:q} --tracks {input.tracks:q}"
        " --output {output.tracks:q} 2> {log:q}"
