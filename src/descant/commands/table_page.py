"""Build the page of the table."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli
from descant.evaluation.pages import write_page
from descant.evaluation.table_page import TableError, build_page, read_table, table_html


def table_page(
    table: Annotated[Path, typer.Option(help="CSV: a row a model, text and numbers; paper_* are the paper's")],
    output: Annotated[Path, typer.Option(help="HTML file to write")],
    title: Annotated[str, typer.Option(help="of the page")] = "The table",
    heading: Annotated[list[str] | None, typer.Option(help="COLUMN=TEXT, a column's heading; repeat it")] = None,
    hide: Annotated[list[str] | None, typer.Option(help="a column to leave out; repeat it")] = None,
    note: Annotated[list[str] | None, typer.Option(help="a note under the table; repeat it")] = None,
    pages: cli.Pages = None,
) -> None:
    """Write one self-contained page with the table, the paper's columns set apart from our own."""
    headings = {}
    for given in heading or []:
        column, separator, text = given.partition("=")
        if not separator:
            raise TableError(f"--heading {given!r} has no '='", "write --heading bits_per_sample='Bits per sample'")
        headings[column] = text
    write_page(output, table_html(build_page(title, read_table(table), headings, note or [], hide or [])), pages or [])


if __name__ == "__main__":
    cli.run(table_page)
