"""Build the page on musical structure and notes."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli
from descant.evaluation.pages import write_page
from descant.evaluation.structure.compare import REFERENCES
from descant.evaluation.structure.conditions import REAL
from descant.evaluation.structure.files import Paths, StructureError, model_title, read_comparison
from descant.evaluation.structure.page import Folder, build_page, structure_html


def structure_page(
    table: Annotated[Path, typer.Option(help="CSV that structure_summary wrote")],
    separation: Annotated[Path, typer.Option(help="CSV that it wrote")],
    curves: Annotated[Path, typer.Option(help="CSV that it wrote")],
    summary: Annotated[Path, typer.Option(help="JSON that it wrote")],
    model: Annotated[list[str], typer.Option(help="NAME=TITLE of every model; repeat it")],
    structure: Annotated[
        list[Path], typer.Option(help="what measure_structure wrote: real music's, then each model's")
    ],
    transcription: Annotated[list[Path], typer.Option(help="what transcribe wrote, in the same order")],
    output: Annotated[Path, typer.Option(help="HTML file to write")],
    title: Annotated[str, typer.Option(help="of the page")] = "Musical structure",
    pages: cli.Pages = None,
) -> None:
    """Write one self-contained page: charts, self-similarity, piano rolls, and what could not be told."""
    models = dict(model_title(named) for named in model)
    named = [REFERENCES[REAL], *models.values()]
    if not len(named) == len(structure) == len(transcription):
        problem = f"{len(structure)} --structure and {len(transcription)} --transcription are given for {len(named)}"
        raise StructureError(problem, "give one of each for real music, then for every model, all named differently")
    folders = [Folder(*given) for given in zip(named, structure, transcription, strict=True)]
    page = build_page(read_comparison(Paths(table, separation, curves, summary)), models, folders)
    write_page(output, structure_html(title, page), pages or [])


if __name__ == "__main__":
    cli.run(structure_page)
