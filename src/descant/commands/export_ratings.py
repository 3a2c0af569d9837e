"""Write the ratings as one table."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from descant.commands import cli
from descant.listening.export import export, write_export


def export_ratings(
    ratings: Annotated[Path, typer.Option(help="the SQLite file: ratings/ratings.sqlite")],
    output: Annotated[Path, typer.Option(help="Parquet or CSV file to write, by its ending")],
    source: Annotated[Literal["people", "simulated"], typer.Option(help="whose ratings the file holds")] = "people",
    design: Annotated[str | None, typer.Option(help="keep the ratings of this test only: sha256 of the design")] = None,
) -> None:
    """Write every rating, its latest revision, with what it is a rating of."""
    write_export(export(ratings, source, design), output)


if __name__ == "__main__":
    cli.run(export_ratings)
