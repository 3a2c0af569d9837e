"""Decode drawn codes to audio files, in one pass."""

from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

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


def decode_codes(
    steps: Annotated[Path, typer.Option(help=".npy of codes: (batch, codes)")],
    model: options.ModelPath,
    samples: Annotated[
        int,
        typer.Option(min=1, help="of each, a prime not counted; what the last code stands for beyond it is cut off"),
    ],
    sample_rate: Annotated[int, typer.Option(min=1, help="of the audio, Hz")],
    title: Annotated[str, typer.Option(help="of the model, for the figures")],
    output: Annotated[Path, typer.Option(help="folder to write: 00.flac, 00.png, … and samples.csv")],
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
    prime: Annotated[
        Path | None,
        typer.Option(help=".npy of the 16-bit samples that were continued: (1 or sequences, samples)"),
    ] = None,
    pick: options.Picked = None,
) -> None:
    """Write what the codes of a VQ-VAE stand for as 16-bit FLAC with mel spectrograms, and a CSV of plain figures.

    What was continued stands at the start as it was recorded, not as its codes.
    """
    device, file = set_up_torch(threads, gpus), read_model(model)
    system = restore(file, VQVAESystem).to(device)
    codes = open_steps(steps, system.codes)
    given = None if prime is None else read_waveforms(prime, len(codes), codes.shape[1] * system.hop, pick or ())
    primed = 0 if given is None else given.shape[1]

    def audio(row: int) -> npt.NDArray[np.float32]:
        made = np.concatenate(list(system.sound_blocks(codes[row], device)))[: primed + samples]
        if given is not None:
            made[:primed] = from_16_bit(given[row % len(given)])
        return made

    with whole_folder(output) as folder:
        write_rendered(folder, map(audio, range(len(codes))), len(codes), sample_rate, primed)
        write_figures(open_rendered(folder), title)


if __name__ == "__main__":
    cli.run(decode_codes)
