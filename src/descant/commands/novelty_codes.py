"""Search a model's drawn codes for runs of the training codes."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli
from descant.config.novelty import Novelty
from descant.evaluation.novelty.drawn_codes import search_codes
from descant.results import write_json
from descant.sequences import open_sequence
from descant.steps import open_steps


def novelty_codes(
    settings: Annotated[str, typer.Option(help="the section evaluation.novelty, as JSON text")],
    drawn: Annotated[Path, typer.Option(help=".npy of drawn top codes (batch, steps)")],
    sequence: Annotated[Path, typer.Option(help="folder of a packed sequence: data.npy and index.parquet")],
    output: Annotated[Path, typer.Option(help="JSON file to write")],
    prime: Annotated[
        Path | None, typer.Option(help=".npy of the codes that were continued, which do not count: (rows, count)")
    ] = None,
) -> None:
    """Find the longest runs that drawn codes share with training codes, by thresholds of held-out codes."""
    section, packed = cli.parse_settings(Novelty, settings), open_sequence(sequence)
    primed = 0 if prime is None else open_steps(prime, packed.classes).shape[1]
    write_json(output, search_codes(section, packed, open_steps(drawn, packed.classes)[:, primed:]))


if __name__ == "__main__":
    cli.run(novelty_codes)
