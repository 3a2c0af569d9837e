"""Playing scores: seconds of music a second of one core, of each part of the chain and of all of it.

    python benchmarks/play.py

The networks have the shapes of those that ship, or of files laid over config.yaml, and fresh weights: speed does not
depend on what they have learnt. The score has eight notes a second at random. Parts take turns; figures are medians
over rounds, in multiples of real time, with the least and the most.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import torch
import typer

from descant.audio.files import write_flac
from descant.config.loading import load
from descant.config.mel import MEL, ROLL
from descant.config.vocoders import OnePassVocoder
from descant.modelfacts import Input, LabelFacts
from descant.scores.roll import HIGHEST, LOWEST, ROWS, roll_blocks
from descant.sequences import INSTRUMENT
from descant.systems.base import WAVEFORM
from descant.systems.mel2mel import build_mel2mel
from descant.systems.one_pass_vocoder import build_one_pass_vocoder

ROOT = Path(__file__).parent.parent
NOTES_PER_SECOND = 8
Arrays = list[np.ndarray[Any, np.dtype[Any]]]

CONFIGS = [ROOT / "config" / "pretrained" / "instruments.yaml"]


def random_roll(seconds: float, rate: float) -> Iterator[np.ndarray[Any, np.dtype[np.float16]]]:
    random, count = np.random.default_rng(0), round(seconds * NOTES_PER_SECOND)
    onset = random.uniform(0, seconds - 1, count)
    pitch, velocity = random.integers(LOWEST, HIGHEST + 1, count), random.integers(30, 120, count)
    return roll_blocks(onset, onset + random.uniform(0.1, 1, count), pitch, velocity, round(seconds * rate), rate)


def main(
    config: Annotated[list[Path], typer.Option(help="laid over config.yaml, one over the other")] = CONFIGS,
    seconds: Annotated[float, typer.Option(min=10, help="of the score")] = 120.0,
    rounds: Annotated[int, typer.Option(min=3, help="rounds; it prints medians over them")] = 5,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads")] = 1,
) -> None:
    """Print a table; vocoders that draw are measured by benchmarks/sampling.py."""
    torch.set_num_threads(threads)
    experiment = load(ROOT / "config.yaml", *config)
    rate, step = experiment.audio.sample_rate, experiment.mel.step
    of = {"classes": 0, "sample_rate": rate, "fingerprint": ""}
    labels = {INSTRUMENT: LabelFacts(names=("one",), digest="")}
    inputs = {
        MEL: Input(stream=MEL, name=MEL, channels=experiment.mel.bands, hop=step, labels=labels, **of),
        ROLL: Input(stream=ROLL, name=ROLL, channels=ROWS, hop=step, **of),
        WAVEFORM: Input(stream=WAVEFORM, name=WAVEFORM, channels=0, hop=1, **of),
    }
    players = {name: build_mel2mel(each, inputs).eval() for name, each in experiment.mel2mels.items()}
    vocoders = {
        name: build_one_pass_vocoder(each, inputs).eval()
        for name, each in experiment.vocoders.items()
        if isinstance(each, OnePassVocoder)
    }
    with TemporaryDirectory() as folder:
        made: dict[str, Arrays] = {"roll": [], "mel": []}

        def compose() -> None:
            made["roll"] = [np.concatenate(list(random_roll(seconds, rate / step)))]

        def play(name: str) -> Callable[[], None]:
            def played() -> None:
                system = players[name]
                points = system.timbres.table.weight.detach()
                made["mel"] = list(system.perform(made["roll"][0], lambda start, stop: points.expand(stop - start, -1)))

            return played

        def sound(name: str) -> Callable[[], None]:
            def sounded() -> None:
                roll = made["roll"][0] if vocoders[name].reads_roll else None
                blocks = vocoders[name].synthesise(np.concatenate(made["mel"]), roll, 1)
                write_flac(Path(folder) / "played.flac", blocks, rate, 1)

            return sounded

        parts = {"roll": compose} | {name: play(name) for name in players} | {name: sound(name) for name in vocoders}
        took: dict[str, list[float]] = {name: [] for name in parts}
        for _ in range(rounds + 1):
            for name, part in parts.items():
                began = time.perf_counter()
                part()
                took[name].append(time.perf_counter() - began)
    # the first round sets libraries up
    took = {name: times[1:] for name, times in took.items()}
    for mel2mel in players:
        for vocoder in vocoders:
            chain = zip(took["roll"], took[mel2mel], took[vocoder], strict=True)
            took[f"roll, {mel2mel} and {vocoder}"] = [sum(times) for times in chain]
    for name, times in took.items():
        speeds = [seconds / one for one in times]
        print(f"{name}: {statistics.median(speeds):.0f} x real time [{min(speeds):.0f}, {max(speeds):.0f}]")


if __name__ == "__main__":
    typer.run(main)
