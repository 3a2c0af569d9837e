# Tracks become one packed mu-law sequence, split by track, and beside it their waveforms as 16-bit samples.


rule encode_audio:
    input:
        tracks=rules.separate.output.tracks,
        table=rules.separate.output.table,
    output:
        data="results/corpus/encoded/{shard}/data.npy",
        index="results/corpus/encoded/{shard}/index.parquet",
        samples="results/corpus/waveforms/{shard}/data.npy",
        samples_index="results/corpus/waveforms/{shard}/index.parquet",
        table="results/corpus/encoded/{shard}.parquet",
    log:
        "results/logs/sequences/encode.{shard}.log",
    benchmark:
        "results/benchmarks/sequences/encode.{shard}.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=2000,
        runtime=720,
    params:
        settings=as_json(experiment.audio),
        downmix=experiment.corpus.downmix,
        folder=subpath(output.data, parent=True),
        waveform=subpath(output.samples, parent=True),
    shell:
        "python -m descant.commands.encode --settings {params.settings:q}"
        " --table {input.table:q} --tracks {input.tracks:q} --output {params.folder:q} --waveform {params.waveform:q}"
        " --output-table {output.table:q} --downmix {params.downmix:q} 2> {log:q}"


rule pack:
    input:
        files=rules.scan.output.files,
        data=collect(rules.encode_audio.output.data, shard=SHARDS),
        index=collect(rules.encode_audio.output.index, shard=SHARDS),
        samples=collect(rules.encode_audio.output.samples, shard=SHARDS),
        samples_index=collect(rules.encode_audio.output.samples_index, shard=SHARDS),
        tables=collect(rules.encode_audio.output.table, shard=SHARDS),
        fingerprints=collect(rules.ingest.output.fingerprints, shard=SHARDS),
        notes=collect(rules.ingest.output.notes, shard=SHARDS),
    output:
        data="results/sequences/audio/data.npy",
        index="results/sequences/audio/index.parquet",
        samples="results/sequences/waveform/data.npy",
        samples_index="results/sequences/waveform/index.parquet",
        tracks=report(
            "results/corpus/tracks.csv",
            caption="../report/corpus.rst",
            category="4 Corpus",
        ),
        notes="results/corpus/notes.parquet",
        labels=report(
            "results/corpus/labels.csv",
            caption="../report/labels.rst",
            category="4 Corpus",
        ),
        remarks="results/corpus/remarks.json",
    log:
        "results/logs/sequences/pack.log",
    benchmark:
        "results/benchmarks/sequences/pack.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        settings=as_json(experiment.corpus.splits),
        seed=experiment.seed,
        digest=labels_digest,
        labels=untracked(labels_options(labels_file(None))),
        windows=untracked(windows_to_fill()),
        shards=lambda wildcards, input: [os.path.dirname(data) for data in input.data],
        waveforms=lambda wildcards, input: [
            os.path.dirname(data) for data in input.samples
        ],
        folder=subpath(output.data, parent=True),
        waveform=subpath(output.samples, parent=True),
    shell:
        "python -m descant.commands.pack --settings {params.settings:q} --seed {params.seed:q}"
        " --shard-sequences {params.shards:q} --shard-waveforms {params.waveforms:q}"
        " --shard-tables {input.tables:q} --shard-fingerprints {input.fingerprints:q}"
        " --shard-notes {input.notes:q} --files {input.files:q} --store results/corpus/kept"
        " --output {params.folder:q} --waveform {params.waveform:q}"
        " --tracks-table {output.tracks:q} --labels-table {output.labels:q}"
        " --remarks {output.remarks:q} --notes {output.notes:q} --windows {params.windows:q} {params.labels:q} 2> {log:q}"
