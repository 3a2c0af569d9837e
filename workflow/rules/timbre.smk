# The spaces of timbres of Mel2Mels: maps of them, and ways between instruments.


rule timbres:
    input:
        roll=data_of("roll"),
        index=index_of("roll"),
        models=timbre_models,
    output:
        folder=directory(TIMBRES),
    log:
        "<logs>/timbre/{row}.log",
    benchmark:
        "<benchmarks>/timbre/{row}.tsv"
    wildcard_constraints:
        row=alternatives(mel2mel_rows),
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=NETWORK_MEGABYTES,
        runtime=240,
    params:
        settings=as_json(experiment.evaluation.timbre),
        sampling=SAMPLING,
        seed=experiment.seed,
        rolls=subpath(input.roll, parent=True),
        vocoder=timbre_vocoder,
        runs=f"{RUNS}/timbre",
    shell:
        "python -m descant.commands.timbres --settings {params.settings:q} --sampling {params.sampling:q}"
        " --rolls {params.rolls:q} --mel2mel {input.models[0]:q} {params.vocoder:q} --output {output.folder:q}"
        " --runs {params.runs:q} --seed {params.seed:q} --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"
