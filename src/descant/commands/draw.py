"""Draw one level of a model: top codes, or what codes stand for one level down."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from torch import Tensor

from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.models import Sampling
from descant.errors import SamplingError
from descant.modelfile import read_model
from descant.sampling.files import draw_folder, read_steps, write_drawn
from descant.sampling.levels import draw_level, level_settings
from descant.sampling.transformer_levels import Conditions, draw_transformer, label_ids
from descant.seeds import derive_seed
from descant.systems.drawable import Drawable
from descant.systems.restore import restore
from descant.systems.transformer import TransformerSystem


def draw(
    settings: options.Settings,
    model: options.ModelPath,
    steps: Annotated[int, typer.Option(min=0, help="steps of each sequence, those of a prime not counted")],
    output: Annotated[Path, typer.Option(help=".npy to write: (batch, steps), a prime first")],
    given: Annotated[Path | None, typer.Option(help=".npy of codes drawn one level up: (batch, codes)")] = None,
    prime: Annotated[
        Path | None, typer.Option(help=".npy of this level's first steps, (1, count) or (sequences, count)")
    ] = None,
    level: Annotated[int, typer.Option(min=0, help="how many levels of codes lie below this one")] = 0,
    runs: options.Runs = Path("results/runs"),
    seed: options.Seed = 1,
    save_every: options.SaveEvery = 30.0,
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
    pick: options.Picked = None,
    whole: Annotated[
        int | None,
        typer.Option(min=1, help="steps of the whole tracks, where only their beginnings are drawn; prime not counted"),
    ] = None,
) -> None:
    """Draw a batch of sequences, given the level above or nothing; a killed draw goes on where it was."""
    # the threads are the engine's: torch only computes small blocks of conditioning, slower on many than on one
    device = set_up_torch(1, gpus)
    sampling, file = cli.parse_settings(Sampling, settings), read_model(model)
    # mypy takes no abstract class for a value, https://github.com/python/mypy/issues/4717
    system = restore(file, Drawable).to(device)  # type: ignore[type-abstract]
    if (given is None) == bool(system.given_classes):
        raise SamplingError(
            f"{model} draws {'given codes' if system.given_classes else 'given nothing'}",
            "give --given for a model of an ADA or an upsampler, and for no other",
        )
    numbers = pick or range(sampling.count)
    batch = len(numbers)
    codes = None if given is None else _read(given, system.given_classes, batch)
    primed = None if prime is None else _read_prime(prime, system.network.classes, numbers, bool(pick))
    before = 0 if primed is None else primed.shape[1]
    length = steps + before
    if before % system.hop:
        raise SamplingError(f"{prime}: {before} steps are no whole codes", f"give a multiple of {system.hop}")
    if codes is not None and codes.shape[1] * system.hop < length:
        raise SamplingError(f"{given}: {codes.shape[1]} codes are too few for {length} steps", "draw more of them")
    own_seed = derive_seed(seed, "sample", file.facts.learnt.name)
    how = level_settings(sampling, own_seed, threads, save_every, file.facts.loudest)
    if isinstance(system, TransformerSystem):
        slide = sampling.slides[level] if level < len(sampling.slides) else None
        asked = {str(label): value for label, value in sampling.labels.items()}
        whole_length = None if whole is None else whole + before
        conditions = Conditions(label_ids(file.facts, asked), sampling.guidance, slide, whole_length)
        determining = {"numbers": list(numbers), "steps": length, **how.determining, **asdict(conditions)}
        folder = draw_folder(runs, determining, file, {"given": codes, "prime": primed})
        drawn = draw_transformer(system, codes, batch, length, how, folder, conditions, primed, numbers)
        write_drawn(output, drawn, folder)
        return
    if whole is not None:
        raise SamplingError(f"{model} is no transformer, which alone draws candidates", "leave --whole out")
    windows = None if codes is None else sampling.windows
    settled = {"batch": batch, "steps": length, **how.determining}
    settled["windows"] = windows and windows.model_dump()
    if pick:
        settled["numbers"] = list(numbers)
    folder = draw_folder(runs, settled, file, {"given": codes, "prime": primed})
    drawn = draw_level(system, codes, batch, length, how, folder, windows, primed, numbers)
    write_drawn(output, drawn, folder)


def _read(path: Path, classes: int, count: int) -> Tensor:
    """Steps int64 ``(count, steps)``.

    Raises:
        SamplingError: when the file holds another number of sequences, or no steps of these classes.
    """
    steps = read_steps(path, classes)
    if len(steps) != count:
        cure = "delete it and run snakemake again"
        raise SamplingError(f"{path} holds {len(steps)} sequences, {count} are drawn", cure)
    return steps


def _read_prime(path: Path, classes: int, numbers: Sequence[int], picked: bool) -> Tensor:
    """The steps int64 ``(numbers, steps)`` of a prime: one row is that of all; of several, picked ones are taken.

    Raises:
        SamplingError: as :func:`_read`, or when there is none of a number.
    """
    steps = read_steps(path, classes)
    if len(steps) == 1:
        return steps.expand(len(numbers), -1)
    if not picked:
        return _read(path, classes, len(numbers))
    if len(steps) <= max(numbers):
        cure = "delete it and run snakemake again"
        raise SamplingError(f"{path} holds {len(steps)} sequences, none of the number {max(numbers)}", cure)
    return steps[list(numbers)]


if __name__ == "__main__":
    cli.run(draw)
