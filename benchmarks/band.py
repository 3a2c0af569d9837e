"""Playing along: milliseconds in which the band plans a measure, and their share of a tenth of a bar.

    python benchmarks/band.py

The network has fresh weights, or is that of a model file: speed does not depend on what was learnt. A session of many
measures is played by a person who strikes a quarter each; figures are medians over measures, with the least and the
most, of processor time and of time on the clock. At the beginning the band imagines what it did not play; where it does
not read its own past, it draws all of its context for every measure.
"""

import statistics
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from descant.band.player import BandPlayer, PlayerSettings, read_band
from descant.band.quantise import step_seconds
from descant.config.part_models import AutoregressiveParts
from descant.sampling.engine import DrawSettings
from descant.scores.parts import CLASSES, HELD, MEASURE, VOICES
from descant.systems.autoregressive_parts import AutoregressivePartsSystem

TRAINING = {"steps": 1, "batch": 1, "window": MEASURE}


def planned(player: BandPlayer, measures: int) -> list[tuple[float, float]]:
    """Milliseconds of each plan of a session, of processor time and on the clock."""
    heard = np.full(measures * MEASURE, HELD, np.uint8)
    heard[::4] = 60 + np.arange(len(heard[::4])) % 12
    took = []
    for measure in range(2, measures):
        began, began_at = time.process_time(), time.perf_counter()
        player.plan(heard[: (measure - 1) * MEASURE], measure)
        took.append((1000 * (time.process_time() - began), 1000 * (time.perf_counter() - began_at)))
    return took


def main(
    model: Annotated[Path | None, typer.Option(help="a model file; without one a network has fresh weights")] = None,
    width: Annotated[int, typer.Option(min=1, help="of fresh weights")] = 256,
    measures: Annotated[int, typer.Option(min=20, help="of a session")] = 40,
    tempo: Annotated[float, typer.Option(min=20, help="quarters a minute, of the bar")] = 120.0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads")] = 1,
) -> None:
    """Print milliseconds a measure."""
    torch.set_num_threads(threads)
    settings = AutoregressiveParts.model_validate({"width": width, "training": TRAINING})
    system = read_band(model) if model else AutoregressivePartsSystem(settings, len(VOICES), CLASSES).eval()
    tenth = 100 * MEASURE * step_seconds(tempo)
    print(f"a tenth of a bar at {tempo:g} is {tenth:.0f} ms")
    for own_past in (True, False):
        took = planned(BandPlayer(system, PlayerSettings(draw=DrawSettings(0.9, 0.95), own_past=own_past)), measures)
        # the band's own measures fill the context from here on
        for name, part in (("beginning", took[:8]), ("later", took[8:])):
            print(f"{'reads' if own_past else 'does not read'} its own past, {name}:")
            for words, each in zip(("processor", "clock"), zip(*part, strict=True), strict=True):
                middle = statistics.median(each)
                print(f"  {words} {middle:.0f} ms ({min(each):.0f} to {max(each):.0f}), {middle / tenth:.0%} of it")


if __name__ == "__main__":
    typer.run(main)
