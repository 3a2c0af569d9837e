"""Drawing music in voices: milliseconds of one core for a measure of four voices, composed, filled and redone.

    python benchmarks/parts.py

The networks have fresh weights: speed does not depend on what they have learnt. Figures are medians over rounds, with
the least and the most, of processor time and of time on the clock.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Annotated

import torch
import typer

from descant.config.part_models import AutoregressiveParts
from descant.sampling.parts import draw_parts, redraw_parts
from descant.sampling.voice_leading import VoiceLeadingRules
from descant.scores.parts import CLASSES, HELD, MEASURE, VOICES
from descant.scores.voice_leading import CHORALE_RANGES
from descant.systems.autoregressive_parts import AutoregressivePartsSystem

TRAINING = {"steps": 1, "batch": 1, "window": MEASURE}


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
    rounds: Annotated[int, typer.Option(min=1, help="of each figure")] = 5,
    measures: Annotated[int, typer.Option(min=1, help="that are drawn")] = 8,
) -> None:
    """Print milliseconds a measure."""
    torch.set_num_threads(1)
    tokens = torch.full((1, measures * MEASURE, len(VOICES)), HELD)
    nothing = torch.zeros_like(tokens, dtype=torch.bool)
    outer = nothing.clone()
    outer[..., [0, -1]] = True
    for latent in (0, 64):
        settings = AutoregressiveParts.model_validate({"latent": latent, "training": TRAINING})
        system = AutoregressivePartsSystem(settings, len(VOICES), CLASSES).eval()
        weights = sum(parameter.numel() for parameter in system.parameters())
        print(f"width {settings.width}, latent {latent}: {weights:,} parameters; milliseconds a measure of four voices")
        print(f"  composed: {timed(partial(draw_parts, system, tokens, nothing, 1), rounds, measures)}")
        ruled = partial(draw_parts, system, tokens, nothing, 1, rules=VoiceLeadingRules(CHORALE_RANGES))
        print(f"  composed with rules of voice leading: {timed(ruled, rounds, measures)}")
        print(f"  inner voices filled: {timed(partial(draw_parts, system, tokens, outer, 1), rounds, measures)}")
        print(f"  a sweep: {timed(partial(redraw_parts, system, tokens, nothing, 1, 1), 1, measures)}")


if __name__ == "__main__":
    typer.run(main)
