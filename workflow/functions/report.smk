# The pages of the report.
from descant.evaluation.table_text import LEGEND


def report_pages():
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
