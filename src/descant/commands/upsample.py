"""Draw the level below given codes, with an ADA's local model."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.models import Sampling
from descant.modelfile import read_model
from descant.sampling.files import draw_folder, read_steps
from descant.sampling.levels import draw_below, level_settings
from descant.seeds import derive_seed
from descant.steps import write_steps
from descant.systems.ada import ADASystem
from descant.systems.restore import restore


def upsample(
    settings: options.Settings,
    model: options.ModelPath,
    codes: Annotated[Path, typer.Option(help=".npy of codes drawn one level up: (batch, codes)")],
    output: Annotated[Path, typer.Option(help=".npy to write: (batch, codes * hop)")],
    runs: options.Runs = Path("results/runs"),
    seed: options.Seed = 1,
    save_every: options.SaveEvery = 30.0,
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Draw what the codes stand for, one level down; a killed draw goes on where it was."""
    # the threads are the engine's: torch only computes small blocks of conditioning, slower on many than on one
    device = set_up_torch(1, gpus)
    sampling, file = cli.parse_settings(Sampling, settings), read_model(model)
    system = restore(file, ADASystem).to(device)
    given = read_steps(codes, system.codes)
    level = level_settings(sampling, derive_seed(seed, "sample", file.facts.learnt.name), threads, save_every)
    windows = sampling.windows and sampling.windows.model_dump()
    folder = draw_folder(runs, {**level.determining, "windows": windows}, file, given)
    write_steps(output, draw_below(system, given, level, folder, sampling.windows))


if __name__ == "__main__":
    cli.run(upsample)
