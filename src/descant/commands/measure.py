"""Compute a measure that is registered with its computation."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli
from descant.report.registry import load_computation
from descant.results import parse_given


def measure(
    name: Annotated[str, typer.Argument(help="of the measure, such as reconstruction")],
    given: Annotated[str, typer.Option(help="the files and settings that it uses, as JSON text")],
    output: Annotated[Path, typer.Option(help="folder to write: summary.json, and what its page reads")],
) -> None:
    """Write what was measured, from what the measure's computation says that it is given."""
    computation = load_computation(name)
    computation.run(parse_given(computation.given, given), output)


if __name__ == "__main__":
    cli.run(measure)
