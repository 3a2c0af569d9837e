"""Compare what was measured of real, shuffled and drawn music."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli
from descant.config.evaluation import Evaluation
from descant.errors import ResultError
from descant.evaluation.structure.compare import compare
from descant.evaluation.structure.files import Paths, read_drawn, read_references, write_comparison


def structure_summary(
    settings: Annotated[str, typer.Option(help="the section evaluation, as JSON text")],
    seconds: Annotated[float, typer.Option(min=0.001, help="length of an excerpt")],
    structure: Annotated[Path, typer.Option(help="what measure_structure wrote of real music")],
    transcription: Annotated[Path, typer.Option(help="what transcribe wrote of it")],
    model: Annotated[list[str], typer.Option(help="NAME=TITLE of every model; repeat it")],
    drawn_structure: Annotated[list[Path], typer.Option(help="what measure_structure wrote of each, in this order")],
    drawn_transcription: Annotated[list[Path], typer.Option(help="what transcribe wrote of each, in this order")],
    table: Annotated[Path, typer.Option(help="CSV to write: every measure of every source")],
    separation: Annotated[Path, typer.Option(help="CSV to write: real against shuffled music, by measure")],
    curves: Annotated[Path, typer.Option(help="CSV to write: similarity by lag")],
    summary: Annotated[Path, typer.Option(help="JSON to write: what is kept, and the values")],
    seed: Annotated[int, typer.Option(help="root seed")] = 1,
) -> None:
    """Write every measure with its interval, and which of them separate real music from shuffled."""
    if not len(model) == len(drawn_structure) == len(drawn_transcription):
        problem = "--model, --drawn-structure and --drawn-transcription differ in number"
        raise ResultError(problem, "give one of each for every model")
    folders = zip(model, drawn_structure, drawn_transcription, strict=True)
    sources = [*read_references(structure, transcription), *(read_drawn(*given) for given in folders)]
    comparison = compare(sources, cli.parse_settings(Evaluation, settings), seconds, seed)
    write_comparison(comparison, Paths(table, separation, curves, summary))


if __name__ == "__main__":
    cli.run(structure_summary)
