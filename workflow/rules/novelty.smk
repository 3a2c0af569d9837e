# Whether what is drawn was copied from the training music. Held-out music sets every threshold.


rule novelty_features:
    input:
        samples=rules.pack.output.samples,
        index=rules.pack.output.samples_index,
    output:
        features=directory("results/evaluation/novelty/features"),
    log:
        "results/logs/novelty/features.log",
    benchmark:
        "results/benchmarks/novelty/features.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        recordings=subpath(input.samples, parent=True),
    shell:
        "python -m descant.commands.novelty_features --recordings {params.recordings:q} --output {output.features:q}"
        " 2> {log:q}"


rule novelty_calibration:
    input:
        samples=rules.pack.output.samples,
        index=rules.pack.output.samples_index,
        features=rules.novelty_features.output.features,
    output:
        calibration="results/evaluation/novelty/calibration.json",
    log:
        "results/logs/novelty/calibration.log",
    benchmark:
        "results/benchmarks/novelty/calibration.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=2000,
        runtime=1440,
    params:
        settings=novelty_settings(),
        samples=sampled_samples(),
        seed=experiment.seed,
        recordings=subpath(input.samples, parent=True),
    shell:
        "python -m descant.commands.novelty_calibration --settings {params.settings:q} --recordings {params.recordings:q}"
        " --features {input.features:q} --samples {params.samples:q} --seed {params.seed:q}"
        " --output {output.calibration:q} 2> {log:q}"


rule novelty_audio:
    input:
        drawn=rules.decode.output.audio,
        features=rules.novelty_features.output.features,
        calibration=rules.novelty_calibration.output.calibration,
    output:
        found="results/evaluation/novelty/models/{model}.audio.json",
    log:
        "results/logs/novelty/{model}.audio.log",
    benchmark:
        "results/benchmarks/novelty/{model}.audio.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=2000,
        runtime=1440,
    params:
        settings=novelty_settings(),
    shell:
        "python -m descant.commands.novelty_audio --settings {params.settings:q} --calibration {input.calibration:q}"
        " --features {input.features:q} --drawn {input.drawn:q}"
        " --output {output.found:q} 2> {log:q}"


rule novelty_codes:
    input:
        drawn=drawn_top,
        data=top_codes,
        index=top_codes_index,
        prime=primed_with,
    output:
        found="results/evaluation/novelty/models/{model}.codes.json",
    log:
        "results/logs/novelty/{model}.codes.log",
    benchmark:
        "results/benchmarks/novelty/{model}.codes.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=4000,
        runtime=1440,
    params:
        settings=novelty_settings(),
        folder=subpath(input.data, parent=True),
        prime=top_prime_option,
    shell:
        "python -m descant.commands.novelty_codes --settings {params.settings:q} --drawn {input.drawn:q}"
        " --sequence {params.folder:q} {params.prime:q} --output {output.found:q} 2> {log:q}"


rule novelty:
    input:
        calibration=rules.novelty_calibration.output.calibration,
        found=novelty_files(),
    output:
        findings="results/evaluation/novelty/findings.json",
        summary="results/evaluation/novelty/summary.json",
        matches="results/evaluation/novelty/matches.csv",
    log:
        "results/logs/novelty.log",
    benchmark:
        "results/benchmarks/novelty.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        given=lambda wildcards: as_json(
            {
                **measure_settings("novelty"),
                "calibration": "results/evaluation/novelty/calibration.json",
                "rows": novelty_rows(),
            }
        ),
        folder=subpath(output.summary, parent=True),
    shell:
        "python -m descant.commands.measure novelty --given {params.given:q} --output {params.folder:q} 2> {log:q}"
