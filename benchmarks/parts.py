"""Drawing music in voices: milliseconds of one core for a measure of four voices, composed, filled and redone.

    python benchmarks/parts.py

Figures are medians over rounds, with the least and the most, of processor time and of time on the clock. By the rules,
how long it takes depends on how often the network breaks them.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from descant.modelfile import read_model
from descant.sampling.composing import Composing, fill, generate
from descant.sampling.engine import DrawSettings
from descant.sampling.voice_leading import VoiceLeadingRules
from descant.scores.parts import HELD, MEASURE, VOICES
from descant.scores.voice_leading import CHORALE_RANGES
from descant.systems.autoregressive_parts import AutoregressivePartsSystem
from descant.systems.restore import restore

# a measure: the tune goes up and down, a note a quarter
MUSIC = np.full((MEASURE, len(VOICES)), HELD, np.uint8)
MUSIC[::4, 0] = 67, 69, 71, 69
SHIPPED = Path("pretrained/parts/model.safetensors")


def timed(task: Callable[[], object], rounds: int, measures: int) -> str:
    """Milliseconds a measure, in words."""
    task()
    spent, passed = [], []
    for _ in range(rounds):
        began, began_at = time.process_time(), time.perf_counter()
        task()
        spent.append(1000 * (time.process_time() - began) / measures)
        passed.append(1000 * (time.perf_counter() - began_at) / measures)
    both = ((words, each) for words, each in (("processor", spent), ("clock", passed)))
    return ", ".join(
        f"{words} {statistics.median(each):.1f} ({min(each):.1f} to {max(each):.1f})" for words, each in both
    )


def main(
    model: Annotated[Path, typer.Option(help="model file of an autoregressive network of parts")] = SHIPPED,
    rounds: Annotated[int, typer.Option(min=1, help="of each figure")] = 5,
    measures: Annotated[int, typer.Option(min=1, help="that are drawn")] = 8,
) -> None:
    """Print milliseconds a measure."""
    torch.set_num_threads(1)
    system = restore(read_model(model), AutoregressivePartsSystem)
    grid, rules = np.tile(MUSIC, (measures, 1)), VoiceLeadingRules(CHORALE_RANGES)
    free, kept = (Composing(1, DrawSettings(0.8, 0.9), kept, particles=1) for kept in (None, rules))
    drafts = replace(kept, particles=32)
    tasks: dict[str, Callable[[], object]] = {
        "composed": partial(generate, system, measures, 1, free),
        "composed by the rules of voice leading": partial(generate, system, measures, 1, kept),
        "composed by the rules, 32 drafts": partial(generate, system, measures, 1, drafts),
        "a melody harmonised by the rules, one draft": partial(fill, system, grid, [1, 2, 3], 1, kept),
        "a melody harmonised by the rules, 32 drafts": partial(fill, system, grid, [1, 2, 3], 1, drafts),
        "a sweep of Gibbs sampling more": partial(generate, system, measures, 1, replace(free, sweeps=1)),
    }
    weights = sum(parameter.numel() for parameter in system.parameters())
    print(f"{model}, {weights:,} parameters; milliseconds a measure of four voices")
    for name, task in tasks.items():
        print(f"  {name}: {timed(task, rounds, measures)}")


if __name__ == "__main__":
    typer.run(main)
