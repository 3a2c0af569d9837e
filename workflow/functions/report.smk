# The pages of the report.
from descant.evaluation.table_text import LEGEND


def report_pages(wildcards):
    """Every page of this run's report, in the order of its navigation; what stands before a slash names a menu."""
    listen = [
        f"Listen/{row.title}=players/{model}.html"
        for model, row in experiment.models.items()
    ]
    separated = experiment.separation.method != "none"
    return [
        "This run=index.html",
        *listen,
        "The table=table.html",
        "Training=curves.html",
        *(["Population=population.html"] if populations() else []),
        *(f"{label}={name}.html" for name, label in MEASURES.items()),
        *(["Listening test=listening.html"] if people_rated() else []),
        *(["Separation=separation.html"] if separated else []),
    ]


def model_titles(wildcards):
    """MODEL=TITLE of every row; as what a function returns, a title may hold braces."""
    return [f"{model}={row.title}" for model, row in experiment.models.items()]


def table_notes(wildcards):
    """An option for each note under the table; in one word with its name, a note may begin with dashes."""
    rows = experiment.models.values()
    notes = [LEGEND, *(f"{row.title}: {row.note}" for row in rows if row.note)]
    return [f"--note={note}" for note in notes]
