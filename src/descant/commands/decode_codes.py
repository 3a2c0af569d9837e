"""Decode drawn codes to audio files, in one pass."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from descant.audio.rendered import open_rendered, write_rendered
from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.corpus.outputs import whole_folder
from descant.evaluation.figures import write_figures
from descant.modelfile import read_model
from descant.steps import open_steps
from descant.systems.restore import restore
from descant.systems.vqvae import VQVAESystem


def decode_codes(
    steps: Annotated[Path, typer.Option(help=".npy of codes: (batch, codes)")],
    model: options.ModelPath,
    samples: Annotated[int, typer.Option(min=1, help="of each; what the last code stands for beyond it is cut off")],
    sample_rate: Annotated[int, typer.Option(min=1, help="of the audio, Hz")],
    title: Annotated[str, typer.Option(help="of the model, for the figures")],
    output: Annotated[Path, typer.Option(help="folder to write: 00.flac, 00.png, … and samples.csv")],
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Write what the codes of a VQ-VAE stand for as 16-bit FLAC with mel spectrograms, and a CSV of plain figures."""
    device, file = set_up_torch(threads, gpus), read_model(model)
    system = restore(file, VQVAESystem).to(device)
    codes = open_steps(steps, system.codes)
    made = (np.concatenate(list(system.sound_blocks(row, device)))[:samples] for row in codes)
    with whole_folder(output) as folder:
        write_rendered(folder, made, len(codes), sample_rate)
        write_figures(open_rendered(folder), title)


if __name__ == "__main__":
    cli.run(decode_codes)
