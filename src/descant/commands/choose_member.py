"""Write the model of a population's fittest member."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli, options
from descant.config.networks import ADA
from descant.training import members
from descant.training.devices import Devices
from descant.training.population_files import write_score


def choose_member(
    settings: options.Settings,
    inputs: options.Inputs,
    population: Annotated[Path, typer.Option(help="folder of the population")],
    generations: Annotated[int, typer.Option(min=1, help="how many generations it has")],
    size: Annotated[int, typer.Option(min=1, help="how many members it has")],
    model: Annotated[Path, typer.Option(help="model file to write")],
    metrics: Annotated[Path, typer.Option(help="CSV of figures over all steps, along the lineage, to write")],
    chosen: Annotated[Path, typer.Option(help="JSON of the chosen member's score to write")],
    seed: options.Seed = 1,
) -> None:
    """Choose the fittest member of the last generation, and write what a plain training writes.

    The model file's settings are those that the member ended with.
    """
    ada = cli.parse_settings(ADA, settings)
    choice = members.read_choice(population, generations, size)
    session = members.member_session(ada, choice.decision, population, seed, Devices())
    members.write_choice(session, options.open_streams(inputs), choice, model, metrics)
    write_score(chosen, choice.score)


if __name__ == "__main__":
    cli.run(choose_member)
