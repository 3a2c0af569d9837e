"""Decode excerpts of test tracks from their true codes, level by level down to audio."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import torch
import typer

from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.evaluation import Reconstruction
from descant.config.models import Sampling
from descant.evaluation.reconstruction import choose_stretches, codes_of, cut_draws
from descant.modelfile import read_model
from descant.sampling.files import draw_folder, write_drawn
from descant.sampling.levels import draw_level, level_settings
from descant.seeds import derive_seed
from descant.sequences import open_checked
from descant.steps import write_steps
from descant.systems.ada import ADASystem
from descant.systems.restore import restore


def reconstruct(
    settings: options.Settings,
    excerpts: Annotated[str, typer.Option(help="the section evaluation.reconstruction, as JSON text")],
    sequence: Annotated[Path, typer.Option(help="folder of the packed audio")],
    codes: Annotated[Path, typer.Option(help="folder of the stack's packed codes")],
    model: Annotated[list[Path], typer.Option(help="model.safetensors of every ADA of the stack, top first")],
    output: Annotated[Path, typer.Option(help=".npy to write: mu-law classes (2 * excerpts, samples)")],
    runs: options.Runs = Path("results/runs"),
    seed: options.Seed = 1,
    save_every: options.SaveEvery = 30.0,
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Draw what the true codes of test tracks stand for, twice; a killed draw goes on where it was."""
    # the threads are the engine's: torch only computes small blocks of conditioning, slower on many than on one
    device = set_up_torch(1, gpus)
    sampling = cli.parse_settings(Sampling, settings)
    audio, coded = open_checked(sequence), open_checked(codes)
    stretches = choose_stretches(audio, cli.parse_settings(Reconstruction, excerpts))
    if not stretches:
        write_steps(output, np.zeros((0, 0), np.uint8))
        return
    steps: npt.NDArray[Any] = codes_of(stretches, coded)
    windows = sampling.windows and sampling.windows.model_dump()
    # one network is in memory at a time
    for path in model:
        file = read_model(path)
        system = restore(file, ADASystem).to(device)
        level = level_settings(sampling, derive_seed(seed, "reconstruct", file.facts.learnt.name), threads, save_every)
        given = torch.from_numpy(steps.astype(np.int64))
        folder = draw_folder(runs, {**level.determining, "windows": windows}, file, {"given": given})
        count, length = given.shape
        steps = draw_level(system, given, count, length * system.hop, level, folder, sampling.windows)
    write_drawn(output, cut_draws(steps, stretches, coded.hop), folder)


if __name__ == "__main__":
    cli.run(reconstruct)
