"""Build a page of the report."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli
from descant.report.registry import load_builder
from descant.report.render import build_entries, write_page
from descant.results import parse_given


def page(
    name: Annotated[str, typer.Argument(help="of the page: index, table, curves, players/MODEL, novelty …")],
    given: Annotated[str, typer.Option(help="the files and settings that it is made from, as JSON text")],
    output: Annotated[Path, typer.Option(help="HTML file to write")],
    pages: Annotated[
        list[str] | None, typer.Option(help="NAME or NAME=TITLE of every page, for the navigation; repeat it")
    ] = None,
) -> None:
    """Write one self-contained page, made from what its module in descant.report.pages says that it is given."""
    builder, entries = load_builder(name), build_entries(pages, name) if pages else []
    write_page(output, builder.build(parse_given(builder.given, given)), entries)


if __name__ == "__main__":
    cli.run(page)
