# Pieces in parts become one packed sequence of sixteenths, and what knows no network is measured on it.


rule parts:
    output:
        data=data_of("parts"),
        index=index_of("parts"),
        pieces=PIECES,
    log:
        "<logs>/parts.log",
    benchmark:
        "<benchmarks>/parts.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        settings=placeless_parts(),
        section=untracked(as_json(experiment.parts)),
        digest=parts_digest,
        seed=experiment.seed,
        output=subpath(output.data, parent=True),
        windows=untracked(windows_to_fill("quarter")),
    shell:
        "python -m descant.commands.parts --settings {params.section:q} --seed {params.seed:q}"
        " --output {params.output:q} --pieces {output.pieces:q} --windows {params.windows:q} 2> {log:q}"


rule parts_baselines:
    input:
        data=rules.parts.output.data,
        index=rules.parts.output.index,
        pieces=rules.parts.output.pieces,
    output:
        figures="results/parts/baselines.json",
        table="results/parts/baselines.csv",
    log:
        "<logs>/parts_baselines.log",
    benchmark:
        "<benchmarks>/parts_baselines.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        settings=as_json(experiment.evaluation, "bootstrap_draws", "confidence"),
        seed=experiment.seed,
        sequence=subpath(input.data, parent=True),
    shell:
        "python -m descant.commands.parts_baselines --settings {params.settings:q} --seed {params.seed:q}"
        " --sequence {params.sequence:q} --pieces {input.pieces:q} --output {output.figures:q}"
        " --table {output.table:q} 2> {log:q}"


rule parts_row:
    input:
        data=rules.parts.output.data,
        index=rules.parts.output.index,
        pieces=rules.parts.output.pieces,
        model=parts_model,
    output:
        figures="results/parts/rows/{row}.json",
    log:
        "<logs>/parts/{row}.log",
    benchmark:
        "<benchmarks>/parts/{row}.tsv"
    wildcard_constraints:
        row=alternatives(parts_rows),
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=NETWORK_MEGABYTES,
        runtime=240,
    params:
        title=lambda wildcards: parts_rows[wildcards.row].title,
        settings=as_json(
            experiment.evaluation, "bootstrap_draws", "confidence", "parts"
        ),
        seed=experiment.seed,
        sequence=subpath(input.data, parent=True),
    shell:
        "python -m descant.commands.parts_row {wildcards.row:q} --title {params.title:q}"
        " --settings {params.settings:q} --seed {params.seed:q} --model {input.model:q}"
        " --sequence {params.sequence:q} --pieces {input.pieces:q} --output {output.figures:q}"
        " --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule parts_drawn_row:
    input:
        data=rules.parts.output.data,
        index=rules.parts.output.index,
        pieces=rules.parts.output.pieces,
        model=parts_model,
    output:
        drawn=directory("results/parts/drawn/{row}"),
    log:
        "<logs>/parts_drawn/{row}.log",
    benchmark:
        "<benchmarks>/parts_drawn/{row}.tsv"
    wildcard_constraints:
        row=alternatives(parts_rows),
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=NETWORK_MEGABYTES,
        runtime=60,
    params:
        settings=as_json(experiment.evaluation.parts, "pieces", "measures"),
        sequence=subpath(input.data, parent=True),
    shell:
        "python -m descant.commands.parts_drawn --settings {params.settings:q} --model {input.model:q}"
        " --sequence {params.sequence:q} --pieces {input.pieces:q} --output {output.drawn:q}"
        " --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule parts_drawn:
    input:
        drawn_parts,
    localrule: True


rule parts_audio:
    input:
        data=rules.parts.output.data,
        index=rules.parts.output.index,
        pieces=rules.parts.output.pieces,
        model=parts_model,
    output:
        audio=directory(PARTS_AUDIO),
    log:
        "<logs>/parts_audio/{row}.log",
    benchmark:
        "<benchmarks>/parts_audio/{row}.tsv"
    wildcard_constraints:
        row=alternatives(parts_rows),
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=NETWORK_MEGABYTES,
        runtime=240,
    params:
        settings=as_json(experiment.evaluation.parts, "pieces", "measures"),
        seed=experiment.seed,
        sequence=subpath(input.data, parent=True),
    shell:
        "python -m descant.commands.parts_audio --settings {params.settings:q} --seed {params.seed:q}"
        " --model {input.model:q} --sequence {params.sequence:q} --pieces {input.pieces:q}"
        " --output {output.audio:q} --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule parts_waveform:
    input:
        data=rules.parts.output.data,
        index=rules.parts.output.index,
    output:
        data=f"{PARTS_WAVEFORM}/data.npy",
        index=f"{PARTS_WAVEFORM}/index.parquet",
    log:
        "<logs>/parts_waveform.log",
    benchmark:
        "<benchmarks>/parts_waveform.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        sequence=subpath(input.data, parent=True),
        output=subpath(output.data, parent=True),
    shell:
        "python -m descant.commands.parts_waveform --sequence {params.sequence:q} --output {params.output:q} 2> {log:q}"


rule table_parts:
    input:
        baselines=rules.parts_baselines.output.figures,
        rows=measured_parts,
    output:
        figures=PARTS_TABLE,
        table="results/parts/table.csv",
    log:
        "<logs>/table_parts.log",
    benchmark:
        "<benchmarks>/table_parts.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    shell:
        "python -m descant.commands.table_parts {input.rows:q} --baselines {input.baselines:q}"
        " --output {output.figures:q} --table {output.table:q} 2> {log:q}"
