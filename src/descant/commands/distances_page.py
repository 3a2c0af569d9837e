"""Build the page of distances."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli
from descant.evaluation.distances.page import distances_html
from descant.evaluation.distances.results import read_outliers, read_rows, read_summary
from descant.evaluation.pages import write_page


def distances_page(
    distances: Annotated[Path, typer.Option(help="folder with distances.csv, excerpts.csv and summary.json")],
    output: Annotated[Path, typer.Option(help="HTML file to write")],
    title: Annotated[str, typer.Option(help="of the page")] = "Distances from real music",
    pages: cli.Pages = None,
) -> None:
    """Write one self-contained page with the distances of all models on every embedding."""
    rows, outliers = read_rows(distances / "distances.csv"), read_outliers(distances / "excerpts.csv")
    write_page(output, distances_html(title, rows, outliers, read_summary(distances / "summary.json")), pages or [])


if __name__ == "__main__":
    cli.run(distances_page)
