"""How loud networks of audio are when they draw freely, second by second, beside the music that they learnt.

    python benchmarks/free_run.py results/sequences/audio pretrained/piano/*/model.safetensors --seconds 60

Each network draws from nothing, with ``sampling.limit_loudness`` and without, and with it at a lower temperature. A
second more than 12 dB louder than the music's mean has blown up, one more than 12 dB quieter is nearly silent; of the
music itself the same shares are printed first.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import typer

from descant.audio import mulaw
from descant.modelfile import read_model
from descant.prediction.loudness import loudest_level
from descant.sampling.choose import build_engine
from descant.sampling.engine import DrawSettings, EngineSettings
from descant.seeds import counter_uniforms
from descant.sequences import PackedSequence, open_sequence
from descant.systems.drawable import Drawable
from descant.systems.restore import restore

APART = 12.0
QUIETEST = 1e-5


def seconds_of(classes: npt.NDArray[np.integer], rate: int) -> npt.NDArray[np.float64]:
    """Levels of whole seconds, decibels, of ``(..., time)``."""
    whole = mulaw.SAMPLES[classes[..., : classes.shape[-1] // rate * rate]].astype(np.float64)
    return 20 * np.log10(np.maximum(np.sqrt(np.square(whole.reshape(-1, rate)).mean(axis=1)), QUIETEST))


def row(name: str, levels: npt.NDArray[np.float64], mean: float) -> dict[str, object]:
    """What is printed of levels of seconds, beside the music's mean."""
    return {
        "drawn by": name,
        f"louder by {APART:g} dB": f"{np.mean(levels > mean + APART):.0%}",
        f"quieter by {APART:g} dB": f"{np.mean(levels < mean - APART):.0%}",
        "median, dB": f"{np.median(levels) - mean:+.1f}",
        "loudest, dB": f"{levels.max() - mean:+.1f}",
    }


def music_of(audio: PackedSequence) -> npt.NDArray[np.float64]:
    """Levels of the seconds of the train split."""
    return np.concatenate(
        [seconds_of(np.asarray(audio.steps(track)), audio.sample_rate) for track in audio.tracks("train")]
    )


def main(
    sequence: Annotated[Path, typer.Argument(help="packed mu-law audio that the networks learnt")],
    models: Annotated[list[Path], typer.Argument(help="model files of plain WaveNets")],
    seconds: Annotated[int, typer.Option(min=1, help="of each sample")] = 60,
    count: Annotated[int, typer.Option(min=1, help="samples")] = 2,
    temperature: Annotated[float, typer.Option(help="the other one, beside 1")] = 0.9,
    seed: int = 1,
) -> None:
    """Print a table in Markdown."""
    torch.set_num_threads(1)
    audio = open_sequence(sequence)
    music, loudest = music_of(audio), loudest_level(audio)
    mean = float(10 * np.log10(np.mean(10 ** (music / 10))))
    rows = [row("the music itself", music, mean)]
    uniforms = np.stack([counter_uniforms(seed, number, 0, seconds * audio.sample_rate) for number in range(count)])
    for path in models:
        # mypy takes no abstract class for a value, https://github.com/python/mypy/issues/4717
        network = restore(read_model(path), Drawable).network  # type: ignore[type-abstract]
        for words, draw in {
            "no limit": DrawSettings(),
            "limited": DrawSettings(loudest=loudest),
            f"limited, temperature {temperature:g}": DrawSettings(temperature, loudest=loudest),
        }.items():
            engine = build_engine(network, count, draw, EngineSettings())
            drawn = engine.generate(torch.from_numpy(uniforms), None).numpy()
            rows.append(row(f"{path.parent.name}, {words}", seconds_of(drawn, audio.sample_rate), mean))
    print(pd.DataFrame(rows).to_markdown(index=False))


if __name__ == "__main__":
    typer.run(main)
