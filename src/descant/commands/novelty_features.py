"""Extract what the search for copies compares of every track."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli
from descant.corpus.outputs import whole_folder
from descant.evaluation.novelty.features import write_features
from descant.recordings import open_recordings


def novelty_features(
    recordings: Annotated[Path, typer.Option(help="folder of the packed waveform")],
    output: Annotated[Path, typer.Option(help="folder to write: words.npy, pitches.npy, index.parquet")],
) -> None:
    """Write the fingerprint and the notes of every track of the packed audio."""
    packed = open_recordings(recordings)
    with whole_folder(output) as folder:
        write_features(packed, folder)


if __name__ == "__main__":
    cli.run(novelty_features)
