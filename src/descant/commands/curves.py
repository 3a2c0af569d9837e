"""Build the page of training curves."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli
from descant.evaluation.curves import CurvesError, curves_html, read_curves
from descant.evaluation.pages import write_page


def curves(
    metrics: Annotated[list[str], typer.Option(help="NAME=metrics.csv of a training; repeat it")],
    output: Annotated[Path, typer.Option(help="HTML file to write")],
    title: Annotated[str, typer.Option(help="of the page")] = "Training curves",
    pages: cli.Pages = None,
) -> None:
    """Write one self-contained page with the curves of all trainings, ADAs and priors apart."""
    read = []
    for given in metrics:
        name, separator, path = given.partition("=")
        if not separator or not name:
            raise CurvesError(f"--metrics {given!r} has no name", "write --metrics vqvae8=results/.../metrics.csv")
        read.append(read_curves(name, Path(path)))
    write_page(output, curves_html(title, read), pages or [])


if __name__ == "__main__":
    cli.run(curves)
