"""Write the table of Mel2Mels from the metrics of their trainings."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli
from descant.evaluation.table_mel2mel import Line, TableGiven, summarise, to_markdown
from descant.results import parse_given, write_json, write_rows


def table_mel2mel(
    given: Annotated[str, typer.Option(help="the trainings, as JSON text: model, title, metrics, steps, parameters")],
    csv: Annotated[Path, typer.Option(help="CSV to write")],
    markdown: Annotated[Path, typer.Option(help="Markdown to write")],
    summary: Annotated[Path, typer.Option(help="JSON to write: the table, and what is missing from it")],
) -> None:
    """Write losses of every Mel2Mel, over the last tenth of its training, beside those of Kim's dissertation."""
    found = summarise(parse_given(TableGiven, given))
    write_rows(csv, Line, found.rows)
    markdown.write_text(to_markdown(found), encoding="utf-8")
    write_json(summary, found)


if __name__ == "__main__":
    cli.run(table_mel2mel)
