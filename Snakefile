# Descant: from music to the table. Everything a person edits stands in config.yaml; docs in README.md.

from snakemake.utils import min_version

min_version("9.20")


configfile: f"{workflow.basedir}/config.yaml"


report: "workflow/report/workflow.rst"


pathvars:
    logs="results/logs",
    benchmarks="results/benchmarks",


for functions in """
    experiment paths corpus separation training population
    drawing likelihood measures listening timbre compose report play parts band
""".split():

    include: f"workflow/functions/{functions}.smk"


# every job's image, for --sdm apptainer
container: experiment.container


for rules_of in """
    corpus separate sequences mel encode predict train population evaluate
    draw candidates distances synthesis reconstruct structure novelty timbre report listen play parts compose keep band scratch
""".split():

    include: f"workflow/rules/{rules_of}.smk"


localrules:
    all,
    table,
    audio,
    codes,
    corpus,
    music,


rule all:
    default_target: True
    input:
        [rules.write_table.output, rules.distances.output] if drawn_rows else [],
        collect(rules.decode.output.audio, model=drawn_rows),
        other_models(),
        collect(rules.page.output, page=report_pages()),


rule table:
    input:
        rules.write_table.output,


rule audio:
    input:
        collect(rules.decode.output.audio, model=drawn_rows),


rule music:
    input:
        collect(rules.page.output, page=["music"] if experiment.music else []),


rule codes:
    input:
        [data_of(one.name) for one in plan.encoded],


rule corpus:
    input:
        rules.pack.output,


onerror:
    run_failed_jobs_again()
