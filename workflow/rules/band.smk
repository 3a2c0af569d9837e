# On request: a page on which a person plays one voice and a network the others, snakemake band


rule band:
    input:
        model=band_model,
    output:
        page="results/band/index.html",
    log:
        "<logs>/band.log",
    benchmark:
        "<benchmarks>/band.tsv"
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        settings=band_settings,
        digest=band_digest,
    shell:
        "python -m descant.commands.band_page --settings {params.settings:q} --model {input.model:q}"
        " --output {output.page:q} 2> {log:q}"
