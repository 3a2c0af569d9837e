"""Render drawn mu-law classes as audio files and spectrograms."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli
from descant.corpus.outputs import whole_folder
from descant.evaluation.material import read_drawn
from descant.evaluation.players import render_batch


def render_audio(
    steps: Annotated[Path, typer.Option(help=".npy of mu-law classes: (batch, samples)")],
    sample_rate: Annotated[int, typer.Option(min=1, help="of the audio, Hz")],
    title: Annotated[str, typer.Option(help="of the model, for the figures")],
    output: Annotated[Path, typer.Option(help="folder to write: 00.flac, 00.png, … and samples.csv")],
) -> None:
    """Write every sample as 16-bit FLAC with its mel spectrogram, and a CSV of plain figures."""
    classes = read_drawn(steps)
    with whole_folder(output) as folder:
        render_batch(classes, sample_rate, title, folder)


if __name__ == "__main__":
    cli.run(render_audio)
