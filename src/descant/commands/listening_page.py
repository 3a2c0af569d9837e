"""Build the page of a listening test's results."""

import json
from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli
from descant.evaluation.pages import write_page
from descant.listening.analysis import read_analysis
from descant.listening.results_page import build_page, results_html


def listening_page(
    analysis: Annotated[Path, typer.Option(help="JSON that 'listening_analysis' wrote")],
    output: Annotated[Path, typer.Option(help="HTML file to write")],
    titles: Annotated[str, typer.Option(help="titles of systems by name, as JSON text")] = "{}",
    pages: cli.Pages = None,
) -> None:
    """Write one self-contained page with the scores, their intervals, and how far the raters can be trusted."""
    write_page(output, results_html(build_page(read_analysis(analysis), json.loads(titles))), pages or [])


if __name__ == "__main__":
    cli.run(listening_page)
