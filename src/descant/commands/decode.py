"""Decode drawn mu-law classes to audio files."""

from pathlib import Path
from typing import Annotated

import typer

from descant.audio import mulaw
from descant.audio.rendered import open_rendered, write_rendered
from descant.commands import cli
from descant.corpus.outputs import whole_folder
from descant.evaluation.figures import write_figures
from descant.steps import open_steps


def decode(
    steps: Annotated[Path, typer.Option(help=".npy of mu-law classes: (batch, samples)")],
    sample_rate: Annotated[int, typer.Option(min=1, help="of the audio, Hz")],
    title: Annotated[str, typer.Option(help="of the model, for the figures")],
    output: Annotated[Path, typer.Option(help="folder to write: 00.flac, 00.png, … and samples.csv")],
) -> None:
    """Write every sample as 16-bit FLAC with its mel spectrogram, and a CSV of plain figures."""
    classes = open_steps(steps, mulaw.CLASSES)
    with whole_folder(output) as folder:
        write_rendered(folder, map(mulaw.decode, classes), len(classes), sample_rate)
        write_figures(open_rendered(folder), title)


if __name__ == "__main__":
    cli.run(decode)
