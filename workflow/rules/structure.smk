# Musical structure and notes: of held-out real music, of the same shuffled, and of what every model drew.
# No model can be called held-out, so that real music's folder stands beside theirs.


rule measure_structure:
    input:
        drawn=rules.decode.output.audio,
    output:
        folder=directory("results/evaluation/structure/{model}"),
    log:
        "results/logs/structure/{model}.log",
    benchmark:
        "results/benchmarks/structure/{model}.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=as_json(experiment.evaluation.structure, "excerpts"),
        seconds=structure_seconds(),
    shell:
        "python -m descant.commands.measure_structure --settings {params.settings:q} --seconds {params.seconds:q}"
        " --drawn {input.drawn:q} --output {output.folder:q} 2> {log:q}"


rule measure_real_structure:
    input:
        samples=rules.pack.output.samples,
        index=rules.pack.output.samples_index,
    output:
        folder=directory("results/evaluation/structure/held-out"),
    log:
        "results/logs/structure/held-out.log",
    benchmark:
        "results/benchmarks/structure/held-out.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=as_json(experiment.evaluation.structure, "excerpts", "block_seconds"),
        seconds=structure_seconds(),
        seed=experiment.seed,
        recordings=subpath(input.samples, parent=True),
    shell:
        "python -m descant.commands.measure_structure --settings {params.settings:q} --seconds {params.seconds:q}"
        " --recordings {params.recordings:q} --seed {params.seed:q} --output {output.folder:q} 2> {log:q}"


rule transcribe:
    input:
        drawn=rules.decode.output.audio,
    output:
        folder=directory("results/evaluation/transcription/{model}"),
    log:
        "results/logs/transcription/{model}.log",
    benchmark:
        "results/benchmarks/transcription/{model}.tsv"
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=as_json(experiment.evaluation.structure, "excerpts"),
        transcription=as_json(experiment.evaluation.transcription),
        seconds=structure_seconds(),
        seed=experiment.seed,
    shell:
        "python -m descant.commands.transcribe --settings {params.settings:q} --transcription {params.transcription:q}"
        " --seconds {params.seconds:q} --drawn {input.drawn:q} --seed {params.seed:q}"
        " --output {output.folder:q} --threads {threads:q} 2> {log:q}"


rule transcribe_real:
    input:
        samples=rules.pack.output.samples,
        index=rules.pack.output.samples_index,
    output:
        folder=directory("results/evaluation/transcription/held-out"),
    log:
        "results/logs/transcription/held-out.log",
    benchmark:
        "results/benchmarks/transcription/held-out.tsv"
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=as_json(experiment.evaluation.structure, "excerpts", "block_seconds"),
        transcription=as_json(experiment.evaluation.transcription),
        seconds=structure_seconds(),
        seed=experiment.seed,
        recordings=subpath(input.samples, parent=True),
    shell:
        "python -m descant.commands.transcribe --settings {params.settings:q} --transcription {params.transcription:q}"
        " --seconds {params.seconds:q} --recordings {params.recordings:q} --seed {params.seed:q}"
        " --output {output.folder:q} --threads {threads:q} 2> {log:q}"


rule structure_summary:
    input:
        structure=rules.measure_real_structure.output.folder,
        transcription=rules.transcribe_real.output.folder,
        drawn_structure=collect(rules.measure_structure.output.folder, model=drawn_rows),
        drawn_transcription=collect(rules.transcribe.output.folder, model=drawn_rows),
    output:
        table="results/evaluation/structure/table.csv",
        separation="results/evaluation/structure/separation.csv",
        curves="results/evaluation/structure/curves.csv",
        summary="results/evaluation/structure/summary.json",
    log:
        "results/logs/structure.log",
    benchmark:
        "results/benchmarks/structure.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        given=lambda wildcards: as_json(
            {
                **measure_settings("structure"),
                "seconds": structure_seconds(),
                **structure_sources(),
            }
        ),
        folder=subpath(output.summary, parent=True),
    shell:
        "python -m descant.commands.measure structure --given {params.given:q} --output {params.folder:q} 2> {log:q}"
