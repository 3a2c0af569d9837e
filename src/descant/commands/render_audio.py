"""Render drawn mu-law classes as audio files and spectrograms."""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from descant.audio.mulaw import CLASSES
from descant.commands import cli
from descant.errors import SamplingError
from descant.evaluation.players import render_batch


def render_audio(
    steps: Annotated[Path, typer.Option(help=".npy of mu-law classes: (batch, samples)")],
    sample_rate: Annotated[int, typer.Option(min=1, help="of the audio, Hz")],
    title: Annotated[str, typer.Option(help="of the model, for the figures")],
    output: Annotated[Path, typer.Option(help="folder to write: 00.flac, 00.png, … and samples.csv")],
) -> None:
    """Write every sample as 16-bit FLAC with its mel spectrogram, and a CSV of plain figures."""
    cure = "delete it and run snakemake again"
    try:
        classes = np.load(steps, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise SamplingError(f"{steps} holds no readable samples: {error}", cure) from error
    if classes.ndim != 2 or classes.dtype.kind != "u" or not classes.size or int(classes.max()) >= CLASSES:
        raise SamplingError(f"{steps} does not hold mu-law classes (batch, samples)", cure)
    output.parent.mkdir(parents=True, exist_ok=True)
    # nothing is seen under the folder's name until all of it is there
    with tempfile.TemporaryDirectory(prefix=f"{output.name}.", suffix=".tmp", dir=output.parent) as temporary:
        folder = Path(temporary) / output.name
        folder.mkdir()
        render_batch(classes, sample_rate, title, folder)
        if output.exists():
            shutil.rmtree(output)
        folder.replace(output)


if __name__ == "__main__":
    cli.run(render_audio)
