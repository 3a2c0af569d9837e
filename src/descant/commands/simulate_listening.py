"""Rate a listening test by synthetic raters."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli, options
from descant.config.listening import Spread
from descant.listening.files import read_design, read_manifest
from descant.listening.simulate import simulate_ratings, store_ratings, true_scores
from descant.listening.store import Store


def simulate_listening(
    manifest: Annotated[Path, typer.Option(help="manifest of the stimuli")],
    design: Annotated[Path, typer.Option(help="who hears what")],
    output: Annotated[Path, typer.Option(help="SQLite file of simulated ratings to write; people's are refused")],
    settings: Annotated[str, typer.Option(help="the section listening.assumed, as JSON text")] = "{}",
    raters: Annotated[int | None, typer.Option(min=1, help="synthetic raters; as many as planned by default")] = None,
    careless: Annotated[float, typer.Option(min=0, max=1, help="share of them who rate at random; ours")] = 0.1,
    seed: options.Seed = 1,
) -> None:
    """Let synthetic raters with given variances rate the whole test, so that the chain is seen before people are asked.

    The models' true scores are made up, evenly apart: what comes of it says nothing about them, and is marked as
    simulated wherever it goes.
    """
    spread = cli.parse_settings(Spread, settings)
    test, lists = read_manifest(manifest), read_design(design)
    number = lists.raters_planned if raters is None else raters
    ratings = simulate_ratings(test, lists, number, spread, careless, seed, true_scores(test))
    with Store(output, "simulated") as store:
        store_ratings(store, test, lists, ratings, seed)


if __name__ == "__main__":
    cli.run(simulate_listening)
