"""Draw top codes, or audio for a plain WaveNet, from a prior."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.models import Sampling
from descant.modelfile import read_model
from descant.sampling.files import draw_folder
from descant.sampling.levels import draw_top, level_settings
from descant.seeds import derive_seed
from descant.steps import write_steps
from descant.systems.restore import restore
from descant.systems.wavenet import WaveNetSystem


def sample_prior(
    settings: options.Settings,
    model: options.ModelPath,
    steps: Annotated[int, typer.Option(min=1, help="steps of each sequence")],
    output: Annotated[Path, typer.Option(help=".npy to write: (batch, steps)")],
    runs: options.Runs = Path("results/runs"),
    seed: options.Seed = 1,
    save_every: options.SaveEvery = 30.0,
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Draw a batch of sequences from a prior; a killed draw goes on where it was."""
    # the engine deals sequences to threads; the small products around it are slower on several
    device = set_up_torch(1, gpus)
    sampling, file = cli.parse_settings(Sampling, settings), read_model(model)
    level = level_settings(sampling, derive_seed(seed, "sample", file.facts.learnt.name), threads, save_every)
    folder = draw_folder(runs, {"steps": steps, "batch": sampling.count, **level.determining}, file)
    write_steps(output, draw_top(restore(file, WaveNetSystem).to(device), steps, sampling.count, level, folder))


if __name__ == "__main__":
    cli.run(sample_prior)
