# Population-based training: generations of members as ordinary jobs, to the files of a plain training (ada.smk).


rule decide_generation:
    input:
        before=decisions_before,
        scores=scores_before,
    output:
        decisions="results/population/{stack}/generation{generation}/decisions.csv",
    log:
        "results/logs/population/{stack}/generation{generation}/decide.log",
    benchmark:
        "results/benchmarks/population/{stack}/generation{generation}/decide.tsv"
    wildcard_constraints:
        stack=alternatives(population_stacks()),
        generation=r"\d+",
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
        " --stack {wildcards.stack:q} --seed {params.seed:q} {params.before:q} {params.scores:q}"
        " --output {output.decisions:q} 2> {log:q}"


rule train_member:
    input:
        data=sequence_below,
        index=index_below,
        decisions=rules.decide_generation.output.decisions,
        # any of them may be the parent: which one, the decisions tell
        states=states_before,
        start=ada_start,
    output:
        state="results/population/{stack}/generation{generation}/member{member}/state.safetensors",
        metrics="results/population/{stack}/generation{generation}/member{member}/metrics.csv",
        score="results/population/{stack}/generation{generation}/member{member}/score.json",
    log:
        "results/logs/population/{stack}/generation{generation}/member{member}.log",
    benchmark:
        "results/benchmarks/population/{stack}/generation{generation}/member{member}.tsv"
    wildcard_constraints:
        stack=alternatives(population_stacks()),
        generation=r"\d+",
        member=r"\d+",
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=training_gpus,
        mem_mb=8000,
        runtime=1440,
    params:
        settings=ada_settings,
        seed=experiment.seed,
        folder=subpath(input.data, parent=True),
        until=last_step,
        least=lambda wildcards: population_of(wildcards).least_perplexity,
        previous=previous_option,
        runs="results/runs/population/{stack}/generation{generation}/member{member}",
    shell:
        "python -m descant.commands.train_member --settings {params.settings:q} --seed {params.seed:q}"
        " --input steps={params.folder:q} --decisions {input.decisions:q}"
        " --member {wildcards.member:q} --until {params.until:q} --least-perplexity {params.least:q}"
        " {params.previous:q} --runs {params.runs:q} --state {output.state:q} --metrics {output.metrics:q}"
        " --score {output.score:q} --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule choose_member:
    input:
        data=sequence_below,
        index=index_below,
        decisions=all_decisions,
        metrics=all_member_metrics,
        scores=last_scores,
        states=last_states,
        start=ada_start,
    output:
        model="results/ada/{stack}/model.safetensors",
        metrics="results/ada/{stack}/metrics.csv",
        chosen="results/population/{stack}/chosen.json",
    log:
        "results/logs/population/{stack}/choose.log",
    benchmark:
        "results/benchmarks/population/{stack}/choose.tsv"
    wildcard_constraints:
        stack=alternatives(population_stacks()),
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        settings=ada_settings,
        seed=experiment.seed,
        folder=subpath(input.data, parent=True),
        population=subpath(output.chosen, parent=True),
        generations=lambda wildcards: population_of(wildcards).generations,
        members=lambda wildcards: population_of(wildcards).members,
    shell:
        "python -m descant.commands.choose_member --settings {params.settings:q} --seed {params.seed:q}"
        " --input steps={params.folder:q} --population {params.population:q}"
        " --generations {params.generations:q} --size {params.members:q} --model {output.model:q}"
        " --metrics {output.metrics:q} --chosen {output.chosen:q} 2> {log:q}"
