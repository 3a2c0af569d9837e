"""Write the table of models of music in parts from what was measured of each, beside the baselines."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli
from descant.evaluation.parts_baselines import PartsBaselines
from descant.evaluation.parts_scores import PartsLine
from descant.evaluation.parts_table import PartsFigures, join
from descant.results import read_json, write_json, write_rows


def table_parts(
    rows: Annotated[list[Path], typer.Argument(help="what 'parts_row' wrote of each network")],
    baselines: Annotated[Path, typer.Option(help="JSON that 'parts_baselines' wrote")],
    output: Annotated[Path, typer.Option(help="JSON to write: all figures with their intervals")],
    table: Annotated[Path, typer.Option(help="CSV table to write: a row for each model, task and material")],
) -> None:
    """Put networks of music in parts beside what counting alone knows, in one table."""
    found = join(read_json(PartsBaselines, baselines), [read_json(PartsFigures, path) for path in rows])
    write_json(output, found)
    write_rows(table, PartsLine, found.lines)


if __name__ == "__main__":
    cli.run(table_parts)
