# The listening test: clips, who hears what, the page, and what the ratings say. People's ratings are in `listening.folder`
# of the working directory; no rule has them as an output, so that nothing deletes them.


rule stimuli:
    input:
        audio=lambda wildcards: list(listening_audio().values()),
        samples=f"{real_music()}/data.npy",
        index=f"{real_music()}/index.parquet",
    output:
        clips=directory("results/listening/stimuli"),
        manifest="results/listening/manifest.json",
    log:
        "results/logs/listening/stimuli.log",
    benchmark:
        "results/benchmarks/listening/stimuli.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=test_settings(),
        seed=experiment.seed,
        # their order follows from the configuration's, and changes nothing
        audio=lambda wildcards, input: [
            f"{system}={folder}"
            for system, folder in zip(listening_audio(), input.audio)
        ],
        recordings=subpath(input.samples, parent=True),
    shell:
        "python -m descant.commands.stimuli --settings {params.settings:q} --seed {params.seed:q}"
        " --audio {params.audio:q} --recordings {params.recordings:q} --output {output.clips:q}"
        " --manifest {output.manifest:q} 2> {log:q}"


rule listening_design:
    input:
        manifest=rules.stimuli.output.manifest,
    output:
        design="results/listening/design.json",
    log:
        "results/logs/listening/design.log",
    benchmark:
        "results/benchmarks/listening/design.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        settings=as_json(
            experiment.listening,
            "type",
            "raters",
            "pages_per_rater",
            "repeat_every",
            "assumed",
        ),
        seed=experiment.seed,
    # what it prints of the test's power is for the terminal
    shell:
        "python -m descant.commands.listening_design --settings {params.settings:q} --seed {params.seed:q}"
        " --manifest {input.manifest:q} --output {output.design:q} 2> {log:q}"


rule listen:
    input:
        clips=rules.stimuli.output.clips,
        manifest=rules.stimuli.output.manifest,
        design=rules.listening_design.output.design,
    # the links are for the person at the terminal, and so is what goes wrong, which the log has too
    log:
        "results/logs/listening/listen.log",
    localrule: True
    conda:
        "../../envs/main.yaml"
    params:
        settings=as_json(
            experiment.listening,
            "folder",
            "host",
            "port",
            "names",
            "most_sessions",
            "must_hear",
        ),
    shell:
        "python -m descant.commands.listen --settings {params.settings:q} --manifest {input.manifest:q}"
        " --design {input.design:q} --stimuli {input.clips:q} 2> >(tee {log:q} >&2)"


rule export_ratings:
    output:
        ratings="results/listening/ratings.parquet",
    log:
        "results/logs/listening/export.log",
    benchmark:
        "results/benchmarks/listening/export.tsv"
    localrule: True
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        # the file is no input: the page that is served writes to it, and its time says nothing
        ratings=ratings_file(),
        digest=people_digest,
    shell:
        "python -m descant.commands.export_ratings --ratings {params.ratings:q} --output {output.ratings:q} 2> {log:q}"


rule simulate_listening:
    input:
        manifest=rules.stimuli.output.manifest,
        design=rules.listening_design.output.design,
    output:
        ratings="results/listening/simulated/ratings.sqlite",
    log:
        "results/logs/listening/simulate.log",
    benchmark:
        "results/benchmarks/listening/simulate.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        settings=as_json(experiment.listening.assumed),
        seed=experiment.seed,
    shell:
        "python -m descant.commands.simulate_listening --manifest {input.manifest:q} --design {input.design:q}"
        " --settings {params.settings:q} --seed {params.seed:q} --output {output.ratings:q} 2> {log:q}"


rule export_simulated:
    input:
        ratings=rules.simulate_listening.output.ratings,
    output:
        ratings="results/listening/simulated/ratings.parquet",
    log:
        "results/logs/listening/simulated/export.log",
    benchmark:
        "results/benchmarks/listening/simulated/export.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    shell:
        "python -m descant.commands.export_ratings --ratings {input.ratings:q} --source simulated"
        " --output {output.ratings:q} 2> {log:q}"


rule listening_analysis:
    input:
        ratings="results/listening/{source}ratings.parquet",
        manifest=rules.stimuli.output.manifest,
    output:
        analysis="results/listening/{source}analysis.json",
        scores="results/listening/{source}scores.csv",
    log:
        "results/logs/listening/{source}analysis.log",
    benchmark:
        "results/benchmarks/listening/{source}analysis.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=as_json(experiment.listening.screening),
        confidence=experiment.evaluation.confidence,
    shell:
        "python -m descant.commands.listening_analysis --ratings {input.ratings:q} --manifest {input.manifest:q}"
        " --settings {params.settings:q} --confidence {params.confidence:q}"
        " --output {output.analysis:q} --scores {output.scores:q} 2> {log:q}"


rule listening:
    input:
        rules.stimuli.output,
        rules.listening_design.output,
    localrule: True


rule listening_simulation:
    input:
        "results/report/simulated/listening.html",
    localrule: True
