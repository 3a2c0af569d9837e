"""Recipes for a plain WaveNet: which shape, window, batch and rate get the most music from the same CPU time.

    python benchmarks/recipes.py --minutes 3 --folder recipes

Each recipe is the large WaveNet of config.yaml with the changes that it names, trained from fresh weights on the
embedded piano for so many steps as take ``--minutes`` of CPU time on this machine, which is measured first. Training,
drawing and measuring are the pipeline's own, in ``--folder``: run again there, it goes on where it was. For each recipe
it prints bits a sample on the test tracks; and of what the network draws, going on from a held-out second: MMD² by
log-mel, with the floor of real music, pulse clarity and notes a second, with those of real music. The recipe of fewest
bits is then drawn at each ``--temperature`` and ``--top-p``.
"""

import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import torch
import typer
import yaml
from training import random_streams

from descant.config.loading import load, merge
from descant.config.training import Schedule
from descant.systems.base import PAST, STEPS
from descant.systems.registry import KINDS
from descant.training.devices import Devices
from descant.training.session import Session, Streams, build_trainer

ROOT = Path(__file__).parent.parent
TIMED_STEPS = 20
DISTANCES, STRUCTURE, TABLE = (
    "results/evaluation/distances/summary.json",
    "results/evaluation/structure/summary.json",
    "results/table/table.csv",
)
MEASURES = {"pulse_clarity": "pulse clarity", "notes_per_second": "notes a second"}
# 2,048 samples a step at a rate of 0.005: what the others change one thing of
BASE: dict[str, Any] = {
    "batch": 2,
    "window": 1024,
    "learning_rate": 0.005,
    "schedule": {"warmup_steps": 60, "decay": "cosine", "decay_from": 0.2, "final_fraction": 0.02},
}
# changes of the shape, and of the training
RECIPES: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "base": ({}, {}),
    "batch 1": ({}, {"batch": 1}),
    "batch 4": ({}, {"batch": 4}),
    "batch 8": ({}, {"batch": 8}),
    "window 512, batch 4": ({}, {"window": 512, "batch": 4}),
    "window 4096, batch 1": ({}, {"window": 4096, "batch": 1}),
    "rate 0.002": ({}, {"learning_rate": 0.002}),
    "rate 0.012": ({}, {"learning_rate": 0.012}),
    "narrow: 16 channels": ({"residual_channels": 16, "gate_channels": 32, "skip_channels": 32}, {}),
    "wide: 64 channels": ({"residual_channels": 64, "gate_channels": 128, "skip_channels": 128}, {}),
    "half the layers": ({"stacks": 1}, {}),
    "bf16": ({}, {"precision": "bf16-mixed"}),
    "no linear prediction": ({"linear_prediction": None}, {}),
    "predictor of order 64": ({"linear_prediction": {"order": 64}}, {}),
}
NAMES, WARMTHS, NUCLEI = list(RECIPES), [1.0, 0.9], [1.0, 0.95]
Row = dict[str, object]


def key(recipe: str) -> str:
    """The name of a recipe in the configuration."""
    return recipe.replace(" ", "_").replace(",", "").replace(":", "").replace(".", "_")


def sections(recipe: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The shape and the training of a recipe, as they stand in a configuration."""
    shape, training = RECIPES[recipe]
    written = yaml.safe_load((ROOT / "config.yaml").read_text())["wavenets"]["large"]
    return merge(written, dict(shape)), merge(BASE, dict(training))


def overlay(steps: Mapping[str, int]) -> dict[str, Any]:
    """What is laid over config.yaml: a row, a network and a training for each recipe, and no other row."""
    trainings = {recipe: {**sections(recipe)[1], "steps": count} for recipe, count in steps.items()}
    row = {"stack": [], "prime": {"track": "test", "seconds": 1}}
    return {
        "start_from": None,
        "rows": ["linear_prediction", *map(key, steps)],
        "wavenets": {key(recipe): sections(recipe)[0] for recipe in steps},
        "priors": {key(recipe): {"wavenet": key(recipe), "training": trainings[recipe]} for recipe in steps},
        "models": {key(recipe): {**row, "title": recipe, "prior": key(recipe)} for recipe in steps},
        "compositions": {"chorale": None},
        "music": dict.fromkeys(("composed", "sonata", "chorale", "quartet", "aria")),
    }


def cpu_seconds_a_step(recipe: str, streams: Streams, folder: Path) -> float:
    """Of the training loop's own steps, on random streams; what comes before the first step does not count."""

    def seconds(steps: int) -> float:
        path = folder / "timed.yaml"
        path.write_text(yaml.safe_dump(overlay({recipe: 10**6})))
        prior = load(ROOT / "config.yaml", path).priors[key(recipe)]
        training = prior.training.model_copy(update={"steps": steps, "schedule": Schedule()})
        settings = prior.model_copy(update={"training": training})
        used = {name: streams[name] for name in KINDS["wavenet"].streams(settings)}
        trainer = build_trainer(Session("wavenet", settings, folder / "runs", 1, Devices()), used)
        began = time.process_time()
        trainer.run()
        return time.process_time() - began

    return (seconds(TIMED_STEPS + 2) - seconds(2)) / TIMED_STEPS


def run(folder: Path, over: Mapping[str, Any], cores: int) -> None:
    """Train, draw and measure what a configuration asks for."""
    path = folder / "recipes.yaml"
    path.write_text(yaml.safe_dump(dict(over)))
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), TABLE, DISTANCES, STRUCTURE]
    subprocess.run([*command, "--configfile", str(path.resolve()), "--directory", str(folder)], check=True, cwd=ROOT)


def measured(folder: Path) -> tuple[dict[str, Row], Row]:
    """The figures of each row by its key, and those of real music."""
    table = pd.read_csv(folder / TABLE).set_index("model")
    distances, structure = (json.loads((folder / path).read_text()) for path in (DISTANCES, STRUCTURE))
    figures = {
        name: {
            "bits a sample": f"{table['bits_per_sample'][name]:.3f}",
            "MMD²": _said(distances["headline"]["models"][name]["value"]),
            **{title: _said(structure["models"][name].get(measure)) for measure, title in MEASURES.items()},
        }
        for name in table.index
    }
    real = {title: _said(structure["real"].get(measure)) for measure, title in MEASURES.items()}
    return figures, {"bits a sample": "", "MMD²": f"floor {_said(distances['headline']['floor'])}", **real}


def _said(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def show(rows: Sequence[Row]) -> None:
    """Print a table."""
    print(f"| {' | '.join(rows[0])} |\n{'|---' * len(rows[0])}|")
    for row in rows:
        print(f"| {' | '.join(map(str, row.values()))} |", flush=True)


def main(
    minutes: Annotated[float, typer.Option(help="of CPU time that each recipe is trained for")] = 3.0,
    folder: Annotated[Path, typer.Option(help="where it is done; run again there, it goes on")] = Path("recipes"),
    recipe: Annotated[list[str], typer.Option(help="one of the list; several times")] = NAMES,
    temperature: Annotated[list[float], typer.Option(help="of the best recipe's draws; several times")] = WARMTHS,
    top_p: Annotated[list[float], typer.Option(help="nucleus of the best recipe's draws; several times")] = NUCLEI,
    cores: Annotated[int, typer.Option(min=1, help="cores of the machine")] = 1,
) -> None:
    """Train, draw and measure each recipe, and print the tables."""
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    plan = folder / "steps.json"
    if not plan.exists():
        with tempfile.TemporaryDirectory() as temporary:
            streams = random_streams(Path(temporary))
            streams[PAST] = streams[STEPS]
            costs = {one: cpu_seconds_a_step(one, streams, Path(temporary)) for one in recipe}
        plan.write_text(json.dumps({one: round(60 * minutes / cost) for one, cost in costs.items()}))
    steps: dict[str, int] = json.loads(plan.read_text())
    over = overlay(steps)
    run(folder, over, cores)
    figures, real = measured(folder)
    untrained = {"recipe": "linear prediction, untrained", "steps": 0, **figures["linear_prediction"]}
    rows = [{"recipe": one, "steps": count, **figures[key(one)]} for one, count in steps.items()]
    show([*rows, untrained, {"recipe": "real music", "steps": "", **real}])
    best = min(steps, key=lambda one: float(str(figures[key(one)]["bits a sample"])))
    drawn = []
    for warmth, share in itertools.product(temperature, top_p):
        sampling = {"temperature": warmth, "top_p": share}
        run(folder, {**over, "rows": [key(best)], "sampling": sampling}, cores)
        drawn.append({"recipe": best, **sampling, **measured(folder)[0][key(best)]})
    show(drawn)


if __name__ == "__main__":
    typer.run(main)
