"""Decide what every member of a generation is trained from."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from descant.commands import cli
from descant.commands.options import Seed
from descant.config.population import Population
from descant.errors import ConfigError
from descant.seeds import derive_seed
from descant.training.population import decide, found
from descant.training.population_files import read_decisions, read_score, write_decisions


def decide_generation(
    settings: Annotated[str, typer.Option(help="the population's section of the configuration, as JSON text")],
    written: Annotated[str, typer.Option(help="the tuned settings as written, by dotted name, as JSON text")],
    training: Annotated[str, typer.Option(help="name of the training; the draws follow it")],
    output: Annotated[Path, typer.Option(help="CSV of decisions to write")],
    seed: Seed = 1,
    before: Annotated[Path | None, typer.Option(help="decisions of the generation before, if any")] = None,
    scores: Annotated[list[Path] | None, typer.Option(help="scores of all its members")] = None,
) -> None:
    """Choose parents and perturb settings by the scores of the generation before; without one, found the first.

    The decisions are a function of the settings, the scores and (seed, training, generation, member) alone.
    """
    population = cli.parse_settings(Population, settings)
    own_seed = derive_seed(seed, "population", training)
    if before is None:
        try:
            values = TypeAdapter(dict[str, float]).validate_json(written)
        except ValidationError as error:
            raise ConfigError(f"--written is no mapping of numbers: {error}", "give JSON such as '{}'") from None
        decisions = found(population, values, own_seed)
    else:
        decisions = decide(population, read_decisions(before), [read_score(path) for path in scores or []], own_seed)
    write_decisions(output, decisions)


if __name__ == "__main__":
    cli.run(decide_generation)
