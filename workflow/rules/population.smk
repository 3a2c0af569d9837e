# Population-based training: generations of members as ordinary jobs, to the files of a plain training (train.smk).


rule decide_generation:
    input:
        before=decisions_before,
        scores=scores_before,
    output:
        decisions=f"{GENERATION}/decisions.csv",
    log:
        "<logs>/population/{training}/generation{generation}/decide.log",
    benchmark:
        "<benchmarks>/population/{training}/generation{generation}/decide.tsv"
    wildcard_constraints:
        training=alternatives(population_trainings()),
        generation=r"\d+",
    priority: 20
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=population_settings,
        written=tuned_as_written,
        seed=experiment.seed,
        before=lambda wildcards, input: [f"--before={path}" for path in input.before],
        scores=lambda wildcards, input: [f"--scores={path}" for path in input.scores],
    shell:
        "python -m descant.commands.decide_generation --settings {params.settings:q} --written {params.written:q}"
        " --training {wildcards.training:q} --seed {params.seed:q} {params.before:q} {params.scores:q}"
        " --output {output.decisions:q} 2> {log:q}"


rule train_member:
    input:
        data=learnt_data,
        index=learnt_index,
        decisions=rules.decide_generation.output.decisions,
        # any of them may be the parent: the decisions say which one
        states=states_before,
        start=starting_weights,
    output:
        state=f"{GENERATION}/member{{member}}/state.safetensors",
        metrics=f"{GENERATION}/member{{member}}/metrics.csv",
        score=f"{GENERATION}/member{{member}}/score.json",
    log:
        "<logs>/population/{training}/generation{generation}/member{member}.log",
    benchmark:
        "<benchmarks>/population/{training}/generation{generation}/member{member}.tsv"
    wildcard_constraints:
        training=alternatives(population_trainings()),
        generation=r"\d+",
        member=r"\d+",
    priority: 20
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=training_gpus,
        mem_mb=training_memory,
        runtime=1440,
    params:
        settings=network_settings,
        seed=experiment.seed,
        inputs=input_options,
        devices=untracked(["--gpus", experiment.gpus_per_job]),
        until=last_step,
        least=lambda wildcards: population_of(wildcards).least_perplexity,
        previous=previous_option,
        runs=f"{RUNS}/population/{{training}}/generation{{generation}}/member{{member}}",
    shell:
        "python -m descant.commands.train_member --decisions {input.decisions:q} --member {wildcards.member:q}"
        " --until {params.until:q} --least-perplexity {params.least:q} {params.previous:q}"
        " --state {output.state:q} --metrics {output.metrics:q} --score {output.score:q}"
        + TRAINING_OPTIONS


rule choose_member:
    input:
        data=learnt_data,
        index=learnt_index,
        decisions=all_decisions,
        metrics=all_member_metrics,
        scores=last_scores,
        states=last_states,
        start=starting_weights,
    output:
        model=MODEL,
        metrics=METRICS,
        chosen=f"{POPULATION}/chosen.json",
    log:
        "<logs>/population/{training}/choose.log",
    benchmark:
        "<benchmarks>/population/{training}/choose.tsv"
    wildcard_constraints:
        training=alternatives(population_trainings()),
    priority: 20
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        settings=network_settings,
        seed=experiment.seed,
        inputs=input_options,
        population=subpath(output.chosen, parent=True),
        generations=lambda wildcards: population_of(wildcards).generations,
        members=lambda wildcards: population_of(wildcards).members,
    shell:
        "python -m descant.commands.choose_member --settings {params.settings:q} --seed {params.seed:q}"
        " {params.inputs:q} --population {params.population:q}"
        " --generations {params.generations:q} --size {params.members:q} --model {output.model:q}"
        " --metrics {output.metrics:q} --chosen {output.chosen:q} 2> {log:q}"
