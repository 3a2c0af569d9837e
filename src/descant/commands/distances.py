"""Measure how far drawn audio lies from held-out real tracks, on every embedding."""

from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from descant.commands import cli, options
from descant.config.evaluation import Evaluation
from descant.errors import ResultError
from descant.evaluation.distances.embed import read_set
from descant.evaluation.distances.kinds import KINDS, why_absent
from descant.evaluation.distances.measure import (
    MODEL,
    NOISE,
    SHUFFLED,
    TRAIN,
    Candidate,
    find_outliers,
    measure_kind,
)
from descant.evaluation.distances.results import write_results
from descant.statistics import Bootstrap

BESIDE = {TRAIN: "training tracks", SHUFFLED: "test tracks, shuffled", NOISE: "white noise"}


def distances(
    settings: options.Settings,
    seconds: Annotated[float, typer.Option(help="length of the excerpts that were embedded")],
    test: Annotated[Path, typer.Option(help="vectors of the test tracks: what all is compared with")],
    train: Annotated[Path, typer.Option(help="vectors of the training tracks")],
    shuffled: Annotated[Path, typer.Option(help="vectors of the shuffled test tracks")],
    noise: Annotated[Path, typer.Option(help="vectors of noise as loud as the test tracks")],
    model: Annotated[list[str], typer.Option(help="NAME=vectors of a model; repeat it")],
    title: Annotated[list[str], typer.Option(help="NAME=what people call the model; repeat it")],
    output: Annotated[Path, typer.Option(help="folder to write distances.csv, excerpts.csv and summary.json into")],
    seed: options.Seed = 1,
) -> None:
    """Write MMD² and the Fréchet distance of every model, with interval, floor and ceilings."""
    evaluation = cli.parse_settings(Evaluation, settings)
    given = Bootstrap(evaluation.bootstrap_draws, evaluation.confidence, seed)
    titles, models = _named("--title", title), _named("--model", model)
    if list(titles) != list(models):
        raise ResultError("--title and --model do not name the same models", "give each a title, in the same order")
    sets = [(MODEL, name, titles[name], Path(path)) for name, path in models.items()]
    paths = {TRAIN: train, SHUFFLED: shuffled, NOISE: noise}
    sets += [(role, role, BESIDE[role], path) for role, path in paths.items()]
    measured, outliers = [], []
    for kind in tqdm(KINDS, disable=None, unit="embedding"):
        reference = read_set(test, kind)
        candidates = [Candidate(role, name, shown, read_set(path, kind)) for role, name, shown, path in sets]
        measured.append(measure_kind(kind, why_absent(kind, seconds), reference, candidates, given))
        outliers += find_outliers(measured[-1], reference, candidates)
    asked = evaluation.distances.seconds
    write_results(output, measured, outliers, seconds, asked, evaluation.confidence)


def _named(option: str, given: list[str]) -> dict[str, str]:
    pairs = dict(item.split("=", 1) for item in given if "=" in item)
    if len(pairs) != len(given):
        raise ResultError(f"{option} lacks a name, or gives one twice", f"write {option} NAME=VALUE, a name once")
    return pairs


if __name__ == "__main__":
    cli.run(distances)
