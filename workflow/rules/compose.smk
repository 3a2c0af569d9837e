# Music in four parts that a network writes: what the configuration names under `compositions:`, and on request
# snakemake compose --config compose='{task: harmonise, score: my.musicxml, voices: [soprano]}'


rule composition:
    input:
        model=composing_model,
        sequence=composing_ranges,
    output:
        folder=directory(making(COMPOSED)),
    log:
        "<logs>/compositions/{composition}.log",
    benchmark:
        "<benchmarks>/compositions/{composition}.tsv"
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=NETWORK_MEGABYTES,
        runtime=240,
    params:
        settings=composition_settings,
        asked=composition_asked,
        digest=composition_digest,
        title=composition_title,
        sequence=lambda wildcards, input: [
            f"--sequence={os.path.dirname(path)}" for path in input.sequence[:1]
        ],
        seed=experiment.seed,
    shell:
        "python -m descant.commands.compose --settings {params.settings:q} --model {input.model:q}"
        " --output {output.folder:q} {params.title:q} {params.sequence:q} --name {wildcards.composition:q}"
        " --seed {params.seed:q} --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule compose:
    input:
        asked_page,
    localrule: True


rule compositions:
    input:
        collect(
            rules.page.output, page=["compositions"] if experiment.compositions else []
        ),
    localrule: True
