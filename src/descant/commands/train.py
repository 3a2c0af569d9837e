"""Train one network of any kind."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.errors import ConfigError
from descant.systems.registry import KINDS
from descant.training.automatic import settled
from descant.training.devices import Devices
from descant.training.session import Session, train_to_file


def train(
    kind: Annotated[str, typer.Option(help=f"what is trained: {', '.join(KINDS)}")],
    settings: options.Settings,
    inputs: options.Inputs,
    model: Annotated[Path, typer.Option(help="model file to write at the end")],
    metrics: Annotated[Path, typer.Option(help="CSV of figures over steps to write at the end")],
    runs: options.Runs = Path("results/runs"),
    seed: options.Seed = 1,
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
    nodes: options.Nodes = 1,
    until: Annotated[
        int | None, typer.Option(min=1, help="step of training.keep to pause at; the same command without it goes on")
    ] = None,
) -> None:
    """Train one network on packed sequences.

    A killed training goes on from its last checkpoint when the same command runs again, and ends with the same
    bytes on a CPU. SIGTERM and SIGINT finish the step, save, and exit 75. With training.start_from it begins from
    another model file's weights. With --until it pauses, and the model file is of the weights so far.
    """
    if kind not in KINDS:
        raise ConfigError(f"--kind is {kind}, which is not known", f"give one of {', '.join(KINDS)}")
    section = cli.parse_settings(KINDS[kind].section, settings)
    set_up_torch(threads, gpus, bool(section.training.compile))
    streams = options.open_streams(inputs)
    session = settled(Session(kind, section, runs, seed, Devices.of(gpus, nodes), until=until), streams)
    train_to_file(session, streams, model, metrics)


if __name__ == "__main__":
    cli.run(train)
