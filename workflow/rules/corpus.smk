# Files or scores become verified tracks, known by content.


def corpus_digest(wildcards):
    """Changes when a file of the folder does, so that the scan runs again."""
    source = experiment.corpus
    try:
        return folder_digest(source.folder.path) if source.source == "folder" else "scores"
    except DescantError as error:
        raise WorkflowError(str(error)) from None


rule scan:
    output:
        files="results/corpus/files.parquet",
    log:
        "results/logs/corpus/scan.log",
    benchmark:
        "results/benchmarks/corpus/scan.tsv"
    params:
        settings=as_json(experiment.corpus),
        digest=corpus_digest,
    resources:
        mem_mb=1000,
        runtime=60,
    conda:
        "../../envs/main.yaml"
    shell:
        "python -m descant.commands.scan --settings {params.settings:q} --output {output.files:q} 2> {log:q}"


rule ingest:
    input:
        files=rules.scan.output.files,
    output:
        tracks=directory("results/corpus/ingested/{shard}"),
        table="results/corpus/tables/{shard}.parquet",
    log:
        "results/logs/corpus/ingest.{shard}.log",
    benchmark:
        "results/benchmarks/corpus/ingest.{shard}.tsv"
    params:
        settings=as_json(experiment.corpus),
    resources:
        mem_mb=2000,
        runtime=720,
    conda:
        "../../envs/main.yaml"
    shell:
        "python -m descant.commands.ingest --settings {params.settings:q} --files {input.files:q}"
        " --shard {wildcards.shard:q} --tracks {output.tracks:q} --table {output.table:q} 2> {log:q}"
