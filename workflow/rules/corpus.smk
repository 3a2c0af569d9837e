# Files or scores become verified tracks, known by content.


rule excerpt:
    output:
        songs=directory(EXCERPT),
    log:
        "results/logs/corpus/excerpt.log",
    benchmark:
        "results/benchmarks/corpus/excerpt.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    shell:
        "python -m descant.commands.excerpt --output {output.songs:q} 2> {log:q}"


rule scan:
    input:
        songs=excerpt_songs,
    output:
        files="results/corpus/files.parquet",
    log:
        "results/logs/corpus/scan.log",
    benchmark:
        "results/benchmarks/corpus/scan.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        settings=placeless("shards"),
        music=untracked(MUSIC),
        digest=corpus_digest,
    shell:
        "python -m descant.commands.scan --settings {params.music:q} --output {output.files:q} 2> {log:q}"


rule ingest:
    input:
        songs=excerpt_songs,
    output:
        tracks=directory("results/corpus/ingested/{shard}"),
        table="results/corpus/tables/{shard}.parquet",
        fingerprints="results/corpus/fingerprints/{shard}.parquet",
        notes="results/corpus/notes/{shard}.parquet",
    log:
        "results/logs/corpus/ingest.{shard}.log",
    benchmark:
        "results/benchmarks/corpus/ingest.{shard}.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=2000,
        runtime=720,
    params:
        settings=placeless("shards", "item_minutes"),
        music=untracked(MUSIC),
        digest=shard_digest,
        soundfont=soundfont_digest,
    shell:
        "python -m descant.commands.ingest --settings {params.music:q}"
        " --shard {wildcards.shard:q} --tracks {output.tracks:q} --table {output.table:q}"
        " --fingerprints {output.fingerprints:q} --notes {output.notes:q} --store results/corpus/kept"
        " 2> {log:q}"
