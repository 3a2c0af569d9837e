"""Turn exported ratings into scores."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli
from descant.config.listening import Screening
from descant.listening.analysis import analyse, write_analysis
from descant.listening.files import read_manifest
from descant.listening.ratings import read_ratings


def listening_analysis(
    ratings: Annotated[Path, typer.Option(help="exported or imported ratings, Parquet or CSV")],
    output: Annotated[Path, typer.Option(help="JSON to write: all that was found")],
    scores: Annotated[Path, typer.Option(help="CSV to write: the scores, with and without screening")],
    manifest: Annotated[
        Path | None,
        typer.Option(help="manifest of the stimuli: only ratings of its test count; none for imported ones"),
    ] = None,
    settings: Annotated[str, typer.Option(help="the section listening.screening, as JSON text")] = "{}",
    confidence: Annotated[float, typer.Option(min=0.01, max=0.999, help="level of the intervals")] = 0.95,
) -> None:
    """Analyse a listening test: scores with both kinds of error, differences, screening, agreement of raters."""
    rules = cli.parse_settings(Screening, settings)
    design = None if manifest is None else read_manifest(manifest).design
    write_analysis(analyse(read_ratings(ratings, design), rules, confidence), output, scores)


if __name__ == "__main__":
    cli.run(listening_analysis)
