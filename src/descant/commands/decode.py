"""Decode drawn mu-law classes, or codes, to audio files."""

from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from descant.audio import mulaw
from descant.audio.clips import from_16_bit
from descant.audio.rendered import open_rendered, write_rendered
from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.corpus.outputs import whole_folder
from descant.evaluation.figures import write_figures
from descant.modelfile import read_model
from descant.steps import open_steps, read_waveforms
from descant.systems.restore import restore
from descant.systems.vqvae import VQVAESystem


def decode(
    steps: Annotated[Path, typer.Option(help=".npy of mu-law classes, (batch, samples), or of codes: (batch, codes)")],
    sample_rate: Annotated[int, typer.Option(min=1, help="of the audio, Hz")],
    title: Annotated[str, typer.Option(help="of the model, for the figures")],
    output: Annotated[Path, typer.Option(help="folder to write: 00.flac, 00.png, … and samples.csv")],
    decoder: Annotated[Path | None, typer.Option(help="model file of the VQ-VAE whose codes they are")] = None,
    samples: Annotated[
        int | None, typer.Option(min=1, help="of each, of codes: what the last one stands for beyond it is cut off")
    ] = None,
    prime: Annotated[
        Path | None,
        typer.Option(help=".npy of the 16-bit samples that were continued: (1 or batch, samples)"),
    ] = None,
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Write every sample as 16-bit FLAC with its mel spectrogram, and a CSV of plain figures.

    What was continued stands at the start as it was recorded, not as its mu-law.
    """
    if decoder is not None:
        device, file = set_up_torch(threads, gpus), read_model(decoder)
        system = restore(file, VQVAESystem).to(device)
        codes = open_steps(steps, system.codes)
        made = (np.concatenate(list(system.sound_blocks(row, device)))[:samples] for row in codes)
        with whole_folder(output) as folder:
            write_rendered(folder, made, len(codes), sample_rate)
            write_figures(open_rendered(folder), title)
        return
    classes = open_steps(steps, mulaw.CLASSES)
    given = None if prime is None else read_waveforms(prime, *classes.shape)

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
