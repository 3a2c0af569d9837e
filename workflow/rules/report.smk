# What people look at; `snakemake --report` gathers it into one page that opens offline.
# A job a page, not one for all: a page is there as soon as what it shows was measured, and is made again only when
# that changes.


rule page:
    input:
        files=page_files,
    output:
        page=report(
            "results/report/{page}.html",
            caption="../report/page.rst",
            category=page_category,
            labels=page_labels,
        ),
    log:
        "results/logs/report/{page}.log",
    benchmark:
        "results/benchmarks/report/{page}.tsv"
    wildcard_constraints:
        page=alternatives(
            [
                *report_pages(),
                *(kind for kind in KINDS if kind != "players"),
                SIMULATED,
            ]
        ),
    conda:
        "../../envs/main.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        given=lambda wildcards: as_json(page_given(wildcards)),
        pages=navigation,
        caption=lambda wildcards: kind_of(wildcards.page).caption,
    shell:
        "python -m descant.commands.page {wildcards.page:q} --given {params.given:q} --output {output.page:q}"
        " --pages {params.pages:q} 2> {log:q}"


rule parameters:
    log:
        "results/logs/parameters.log",
    localrule: True
    conda:
        "../../envs/main.yaml"
    params:
        settings=as_json(experiment),
    shell:
        "python -m descant.commands.parameters --settings {params.settings:q} 2> {log:q}"


rule estimate:
    input:
        index=estimated_index,
    log:
        "results/logs/estimate.log",
    localrule: True
    conda:
        "../../envs/main.yaml"
    params:
        settings=as_json(experiment),
        sequence=estimated_sequence,
    shell:
        "python -m descant.commands.estimate --settings {params.settings:q} {params.sequence:q} 2> {log:q}"
