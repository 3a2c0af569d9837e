"""Compare two runs on one page."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli
from descant.report.pages.compare import compare as lay_out
from descant.report.render import write_page
from descant.report.runs import read_run, run_names
from descant.statistics import Bootstrap


def compare(
    run_a: Annotated[Path, typer.Argument(help="working directory of a run: the folder that holds results/")],
    run_b: Annotated[Path, typer.Argument(help="of another; differences are this one minus the first")],
    output: Annotated[Path, typer.Option(help="HTML file to write")],
    show: Annotated[int, typer.Option(min=1, help="samples of each model and run, at most")] = 2,
    draws: Annotated[int, typer.Option(min=100, help="draws of the bootstrap over pairs of tracks")] = 1000,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="level of the intervals")] = 0.95,
    seed: Annotated[int, typer.Option(help="of the bootstrap")] = 1,
) -> None:
    """Write one self-contained page with two runs side by side: figures, curves, samples, settings."""
    names = run_names(run_a, run_b)
    first, second = read_run(run_a, names[0]), read_run(run_b, names[1])
    write_page(output, lay_out(first, second, Bootstrap(draws, confidence, seed), show))


if __name__ == "__main__":
    cli.run(compare)
