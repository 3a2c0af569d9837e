"""Decode drawn mu-law classes to audio files."""

from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from descant.audio import mulaw
from descant.audio.clips import from_16_bit
from descant.audio.rendered import open_rendered, write_rendered
from descant.commands import cli, options
from descant.corpus.outputs import whole_folder
from descant.evaluation.figures import write_figures
from descant.steps import open_steps, read_waveforms


def decode(
    steps: Annotated[Path, typer.Option(help=".npy of mu-law classes: (batch, samples)")],
    sample_rate: Annotated[int, typer.Option(min=1, help="of the audio, Hz")],
    title: Annotated[str, typer.Option(help="of the model, for the figures")],
    output: Annotated[Path, typer.Option(help="folder to write: 00.flac, 00.png, … and samples.csv")],
    prime: Annotated[
        Path | None,
        typer.Option(help=".npy of the 16-bit samples that were continued: (1 or batch, samples)"),
    ] = None,
    pick: options.Picked = None,
) -> None:
    """Write every sample as 16-bit FLAC with its mel spectrogram, and a CSV of plain figures.

    What was continued stands at the start as it was recorded, not as its mu-law.
    """
    classes = open_steps(steps, mulaw.CLASSES)
    given = None if prime is None else read_waveforms(prime, len(classes), classes.shape[1], pick or ())

    def audio(number: int) -> npt.NDArray[np.float32]:
        drawn = mulaw.decode(classes[number])
        if given is not None:
            recorded = given[number % len(given)]
            drawn[: len(recorded)] = from_16_bit(recorded)
        return drawn

    with whole_folder(output) as folder:
        primed = 0 if given is None else given.shape[1]
        write_rendered(folder, map(audio, range(len(classes))), len(classes), sample_rate, primed)
        write_figures(open_rendered(folder), title)


if __name__ == "__main__":
    cli.run(decode)
