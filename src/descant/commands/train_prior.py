"""Train a prior: a WaveNet on a stack's top codes, or on audio."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.networks import Prior
from descant.sequences import open_sequence
from descant.systems.wavenet import WaveNetSystem
from descant.training.devices import Devices
from descant.training.session import Session, train_to_file


def train_prior(
    settings: options.Settings,
    sequence: options.SequenceFolder,
    sequence_name: options.SequenceName,
    model: Annotated[Path, typer.Option(help="model file to write at the end")],
    metrics: Annotated[Path, typer.Option(help="CSV of figures over steps to write at the end")],
    runs: options.Runs = Path("results/runs"),
    seed: options.Seed = 1,
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Train one prior.

    A killed training goes on from its last checkpoint when the same command runs again, and ends with the same
    bytes on a CPU. SIGTERM and SIGINT finish the step, save, and exit 75.
    """
    prior = cli.parse_settings(Prior, settings)
    set_up_torch(threads, gpus, prior.training.compile)
    session = Session(
        kind="wavenet",
        settings=prior.model_dump(mode="json"),
        build=lambda classes: WaveNetSystem(prior.wavenet, classes),
        training=prior.training,
        sequence_name=sequence_name,
        runs=runs,
        seed=seed,
        devices=Devices.of(gpus),
    )
    train_to_file(session, open_sequence(sequence), model, metrics)


if __name__ == "__main__":
    cli.run(train_prior)
