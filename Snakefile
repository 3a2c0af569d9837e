# Descant: from music to the table. Everything a person edits stands in config.yaml; docs in README.md.

from snakemake.utils import min_version

min_version("9.20")


configfile: f"{workflow.basedir}/config.yaml"


report: "workflow/report/workflow.rst"


pathvars:
    logs="results/logs",
    benchmarks="results/benchmarks",


include: "workflow/functions/experiment.smk"
include: "workflow/functions/paths.smk"
include: "workflow/functions/corpus.smk"
include: "workflow/functions/separation.smk"
include: "workflow/functions/training.smk"
include: "workflow/functions/population.smk"
include: "workflow/functions/drawing.smk"
include: "workflow/functions/likelihood.smk"
include: "workflow/functions/measures.smk"
include: "workflow/functions/listening.smk"
include: "workflow/functions/report.smk"
include: "workflow/rules/corpus.smk"
include: "workflow/rules/separate.smk"
include: "workflow/rules/sequences.smk"
include: "workflow/rules/encode.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/population.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/draw.smk"
include: "workflow/rules/distances.smk"
include: "workflow/rules/reconstruct.smk"
include: "workflow/rules/structure.smk"
include: "workflow/rules/novelty.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/listen.smk"


localrules:
    all,
    table,
    audio,
    codes,
    corpus,
    listening,
    listening_simulation,


rule all:
    default_target: True
    input:
        rules.write_table.output,
        rules.distances.output,
        collect(rules.decode.output.audio, model=experiment.models),
        collect(rules.page.output, page=report_pages()),


rule table:
    input:
        rules.write_table.output,


rule audio:
    input:
        collect(rules.decode.output.audio, model=experiment.models),


rule codes:
    input:
        [data_of(name) for name in encoded_names()],


rule corpus:
    input:
        rules.pack.output,


rule listening:
    input:
        rules.stimuli.output,
        rules.listening_design.output,


rule listening_simulation:
    input:
        "results/report/simulated/listening.html",
