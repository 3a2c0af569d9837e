"""Train the top ADA of a stack on the sequence below it."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.networks import ADA
from descant.sequences import open_sequence
from descant.systems.ada import ADASystem
from descant.training.devices import Devices
from descant.training.session import Session, train_to_file


def train_ada(
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
    """Train one autoregressive discrete autoencoder.

    A killed training goes on from its last checkpoint when the same command runs again, and ends with the same
    bytes on a CPU. SIGTERM and SIGINT finish the step, save, and exit 75.
    """
    ada = cli.parse_settings(ADA, settings)
    set_up_torch(threads, gpus, ada.training.compile)
    session = Session(
        kind="ada",
        settings=ada.model_dump(mode="json"),
        build=lambda classes: ADASystem(ada, classes),
        training=ada.training,
        sequence_name=sequence_name,
        runs=runs,
        seed=seed,
        devices=Devices.of(gpus),
    )
    train_to_file(session, open_sequence(sequence), model, metrics)


if __name__ == "__main__":
    cli.run(train_ada)
