"""Train one member of a population for one generation."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.networks import ADA
from descant.errors import PopulationError
from descant.training import members
from descant.training.devices import Devices
from descant.training.population_files import CURE, MemberFiles, read_decisions


def train_member(
    settings: options.Settings,
    inputs: options.Inputs,
    decisions: Annotated[Path, typer.Option(help="decisions of the generation")],
    member: Annotated[int, typer.Option(min=0, help="number of the member")],
    until: Annotated[int, typer.Option(min=1, help="step of the whole training that the generation ends after")],
    least_perplexity: Annotated[float, typer.Option(help="share of the codebook under which fitness is lowered")],
    state: Annotated[Path, typer.Option(help="state to write, which the next generation goes on from")],
    metrics: Annotated[Path, typer.Option(help="CSV of figures over this generation's steps to write")],
    score: Annotated[Path, typer.Option(help="JSON of bits, perplexity and fitness to write")],
    previous: Annotated[Path | None, typer.Option(help="folder of the generation before")] = None,
    runs: options.Runs = Path("results/runs"),
    seed: options.Seed = 1,
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Train one member of a population from its parent's state, and score it.

    It is killed, gone on with and asked to stop as a plain training is. A member that diverges is no error: its score
    says so, and the next generation replaces it.
    """
    ada = cli.parse_settings(ADA, settings)
    set_up_torch(threads, gpus, bool(ada.training.compile))
    decided = next((each for each in read_decisions(decisions) if each.member == member), None)
    if decided is None:
        raise PopulationError(f"{decisions} decides nothing for member {member}", CURE)
    stretch = members.stretch_of(decided, until, previous)
    session = members.member_session(ada, decided, runs, seed, Devices.of(gpus), stretch)
    files = MemberFiles(state, metrics, score)
    members.train_member(session, options.open_streams(inputs), decided, least_perplexity, files)


if __name__ == "__main__":
    cli.run(train_member)
