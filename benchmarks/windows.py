"""What parallel windows gain and what their joins cost, level by level under one prior.

    python benchmarks/windows.py --prior PRIOR.safetensors --ada UPPER.safetensors --ada LOWER.safetensors out

The top codes are drawn from the prior; below them each level is drawn from end to end and in windows, in turns, and
seconds are medians over rounds. Three joins of the same windows are compared: ours (where both agreed for longest), a
plain cut at the end of the warm-up, and for audio a linear crossfade over its last 8 ms. A join costs

- bits: of the receptive field after the cut (and of the fade) given what the join put before it, less those given
  what the window itself had before it; 0 when the model cannot notice that anything was joined.
- seam: the difference of the two samples at the cut (the mean over the fade), by that of all samples around it. Where
  the windows agree before the cut, it is a difference that the later window drew itself.
- spectral distance: root mean square, in dB, between the spectra of the 512 samples before and after the cut.

The last two are printed for the sequence drawn from end to end at the same places too. ``coupled`` is the share of
windows that equal the one before over the last receptive field of the warm-up: from there on nothing was joined at all.
"""

import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import typer
from matplotlib.ticker import LogLocator, NullLocator, ScalarFormatter
from torch import Tensor

from descant.audio import mulaw
from descant.config.models import Windows
from descant.layers.bits import bits_per_step
from descant.modelfile import read_model
from descant.sampling.engine import DrawSettings, EngineSettings
from descant.sampling.levels import LevelSettings, draw_level, draw_windows, level_layout
from descant.sampling.windows import Layout, meeting
from descant.systems.ada import ADASystem
from descant.systems.restore import restore
from descant.systems.wavenet import WaveNetSystem

FADE = 128
FRAME = 512
SCORED_AT_ONCE = 16
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Overlaps:
    """What two neighbouring windows drew at the same places: from the later one's start to a receptive field after
    its warm-up, int64 ``(joins, time)``; the earlier one ends with the warm-up, and the later one fills the rest.
    """

    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    warm_up: int
    field: int

    def joined(self, cuts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.where(np.arange(self.left.shape[1]) < cuts[:, None], self.left, self.right)

    def crossfaded(self) -> npt.NDArray[np.int64]:
        joined, fade = self.joined(np.full(len(self.left), self.warm_up)), slice(self.warm_up - FADE, self.warm_up)
        rising = (np.arange(FADE) + 0.5) / FADE
        left, right = (mulaw.decode(part[:, fade].astype(np.uint8)) for part in (self.left, self.right))
        joined[:, fade] = mulaw.encode(left * (1 - rising) + right * rising)
        return joined


@dataclass(frozen=True)
class Level:
    name: str
    system: ADASystem
    codes: Tensor
    is_audio: bool

    @property
    def field(self) -> int:
        return self.system.local_model.receptive_field

    def places(self, layout: Layout) -> tuple[list[int], int]:
        """First code of each overlap, and codes of each."""
        length = layout.warm_up - (-self.field // self.system.hop)
        return list(layout.starts[1:]), length

    def overlaps(self, drawn: npt.NDArray[np.unsignedinteger], layout: Layout) -> Overlaps:
        hop = self.system.hop
        length = self.places(layout)[1] * hop
        warm_up = layout.warm_up * hop
        lefts, rights = [], []
        for number, (before, start) in enumerate(pairwise(layout.starts)):
            right = drawn[number + 1][:length].astype(np.int64)
            left = drawn[number][(start - before) * hop :][:warm_up].astype(np.int64)
            lefts.append(np.concatenate([left, right[warm_up:]]))
            rights.append(right)
        return Overlaps(np.stack(lefts), np.stack(rights), warm_up, self.field)

    def at_places(self, whole: npt.NDArray[np.unsignedinteger], layout: Layout) -> npt.NDArray[np.int64]:
        """A whole sequence at the places of the overlaps."""
        starts, length = self.places(layout)
        hop = self.system.hop
        return np.stack([whole[start * hop : (start + length) * hop] for start in starts]).astype(np.int64)

    @torch.inference_mode()
    def bits(self, steps: npt.NDArray[np.int64], layout: Layout) -> Array:
        """Bits ``(joins, time)``; they are whole after the first receptive field."""
        starts, length = self.places(layout)
        scored = []
        for first in range(0, len(steps), SCORED_AT_ONCE):
            part = torch.from_numpy(steps[first : first + SCORED_AT_ONCE])
            held = [
                self.system.conditioning(self.codes, start, start + length)
                for start in starts[first : first + SCORED_AT_ONCE]
            ]
            scored.append(bits_per_step(self.system.local_model(part, torch.cat(held)), part))
        return torch.cat(scored).double().numpy()


def spectral_distances(audio: Array, cuts: npt.NDArray[np.int64]) -> float:
    frames = np.hanning(FRAME) * np.stack(
        [[row[cut - FRAME : cut], row[cut : cut + FRAME]] for row, cut in zip(audio, cuts, strict=True)]
    )
    decibels = 10 * np.log10(np.abs(np.fft.rfft(frames)) ** 2 + 1e-6)
    return float(np.sqrt(np.square(decibels[:, 0] - decibels[:, 1]).mean(-1)).mean())


def seam_difference(audio: Array, cuts: npt.NDArray[np.int64], fade: int) -> float:
    differences = np.abs(np.diff(audio, axis=1))
    seams = [row[cut - max(fade, 1) : cut].mean() for row, cut in zip(differences, cuts, strict=True)]
    return float(np.mean(seams) / differences.mean())


def joins(
    level: Level, drawn: npt.NDArray[np.unsignedinteger], whole: npt.NDArray[np.unsignedinteger], layout: Layout
) -> list[dict[str, object]]:
    """A row for each way to join the windows that were drawn."""
    overlaps = level.overlaps(drawn, layout)
    count, end, field = len(overlaps.left), overlaps.warm_up, overlaps.field
    agree = [meeting(left[:end], right[:end], field) for left, right in zip(overlaps.left, overlaps.right, strict=True)]
    ends = np.full(count, end)
    ways: list[tuple[str, npt.NDArray[np.int64], npt.NDArray[np.int64], int]] = [
        ("longest agreement", overlaps.joined(np.array(agree)), np.array(agree), 0),
        ("plain cut", overlaps.joined(ends), ends, 0),
    ]
    if level.is_audio and end - field >= FADE:
        ways.append(("crossfade", overlaps.crossfaded(), ends, FADE))
    left_bits, right_bits = level.bits(overlaps.left, layout), level.bits(overlaps.right, layout)
    whole_there = level.at_places(whole, layout)
    whole_bits = level.bits(whole_there, layout)
    coupled = (overlaps.left[:, end - field : end] == overlaps.right[:, end - field : end]).all(1).mean()
    rows = []
    for name, joined, cuts, fade in ways:
        bits = level.bits(joined, layout)
        excess = np.array(
            [
                bits[number, cut - fade : cut + field].sum()
                - left_bits[number, cut - fade : cut].sum()
                - right_bits[number, cut : cut + field].sum()
                for number, cut in enumerate(cuts)
            ]
        )
        after = [slice(cut, cut + field) for cut in cuts]
        row: dict[str, object] = {
            "join": name,
            "bits a join": excess.mean(),
            "standard error": excess.std(ddof=1) / count**0.5,
            "bits a step after it": np.mean([bits[number, part].mean() for number, part in enumerate(after)]),
            "there, end to end": np.mean([whole_bits[number, part].mean() for number, part in enumerate(after)]),
            "coupled": coupled,
        }
        if level.is_audio:
            row |= audio_figures(level, joined, whole_there, drawn, whole, layout, cuts, fade)
        rows.append(row)
    return rows


def audio_figures(
    level: Level,
    joined: npt.NDArray[np.int64],
    whole_there: npt.NDArray[np.int64],
    drawn: npt.NDArray[np.unsignedinteger],
    whole: npt.NDArray[np.unsignedinteger],
    layout: Layout,
    cuts: npt.NDArray[np.int64],
    fade: int,
) -> dict[str, object]:
    """Seam and spectral distance, with a frame of what lies around the overlap on either side."""
    hop, length = level.system.hop, joined.shape[1]
    around, whole_around = [], []
    for number, (before, start) in enumerate(pairwise(layout.starts)):
        first = (start - before) * hop
        around.append(
            np.concatenate(
                [
                    drawn[number][first - FRAME : first],
                    joined[number],
                    drawn[number + 1][length : length + FRAME],
                ]
            )
        )
        whole_around.append(whole[start * hop - FRAME : start * hop + length + FRAME])
    figures: dict[str, object] = {}
    for suffix, rows in (("", around), (", end to end", whole_around)):
        audio = mulaw.decode(np.stack(rows).astype(np.uint8)).astype(np.float64)
        figures[f"seam{suffix}"] = seam_difference(audio, cuts + FRAME, fade)
        figures[f"spectral distance{suffix}"] = spectral_distances(audio, cuts + FRAME)
    return figures


def plot(speeds: pd.DataFrame, costs: pd.DataFrame, path: Path) -> None:
    figure, (gain, cost) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for (level, warm_up), part in speeds.groupby(["level", "warm-up"], sort=False):
        gain.plot(part["windows"], part["speed-up"], marker="o", label=f"{level}, warm-up {warm_up:g}")
    gain.set(xscale="log", xlabel="windows", ylabel="times as fast as from end to end", ylim=(0, None))
    gain.xaxis.set_major_locator(LogLocator(base=2))
    gain.xaxis.set_major_formatter(ScalarFormatter())
    gain.xaxis.set_minor_locator(NullLocator())
    gain.legend()
    for (level, join), part in costs.groupby(["level", "join"], sort=False):
        cost.errorbar(
            part["warm-up"], part["bits a join"], part["standard error"], marker="o", label=f"{level}, {join}"
        )
    cost.set(xlabel="warm-up, receptive fields", ylabel="bits a join", ylim=(0, None))
    cost.legend(loc="center right")
    figure.savefig(path, dpi=150)


@dataclass(frozen=True)
class Drawn:
    """Windows as they were drawn, and the seconds of each round."""

    layout: Layout
    steps: npt.NDArray[np.unsignedinteger]
    seconds: list[float]


def draw_in_turns(level: Level, cases: list[Windows | None], rounds: int, settings: LevelSettings) -> list[Drawn]:
    layouts = [level_layout(level.system, level.codes.shape[1], windows) for windows in cases]
    seconds: list[list[float]] = [[] for _ in cases]
    last = []
    # the round before the first is a short one, in which is compiled what is to be compiled
    for number in range(rounds + 1):
        last = []
        for case, layout in enumerate(layouts):
            asked = layout if number else replace(layout, length=min(layout.length, 16))
            with tempfile.TemporaryDirectory() as folder:
                began = time.perf_counter()
                steps = draw_windows(
                    level.system, level.codes, 1, asked.length * level.system.hop, asked, settings, Path(folder)
                )
                if number:
                    seconds[case].append(time.perf_counter() - began)
                last.append(np.array(steps))
    return [Drawn(*each) for each in zip(layouts, last, seconds, strict=True)]


def measure(
    level: Level, counts: list[int], warm_ups: list[float], rounds: int, settings: LevelSettings
) -> tuple[pd.DataFrame, pd.DataFrame, npt.NDArray[np.unsignedinteger]]:
    """Speeds of all settings, what joins cost with the most windows, and the sequence drawn from end to end."""
    cases = [Windows(count=count, warm_up=warm_up) for warm_up in warm_ups for count in counts]
    whole, *windowed = draw_in_turns(level, [None, *cases], rounds, settings)
    speeds: list[dict[str, object]] = []
    costs: list[dict[str, object]] = []
    for windows, drawn in zip(cases, windowed, strict=True):
        ratios = [a / b for a, b in zip(whole.seconds, drawn.seconds, strict=True)]
        number = len(drawn.layout.starts)
        common: dict[str, object] = {"level": level.name, "warm-up": windows.warm_up, "windows": number}
        speeds.append(
            {
                **common,
                "drawn in vain": number * drawn.layout.length / whole.layout.length - 1,
                "seconds": statistics.median(drawn.seconds),
                "end to end, s": statistics.median(whole.seconds),
                "speed-up": statistics.median(ratios),
                "slowest": min(ratios),
                "fastest": max(ratios),
            }
        )
        if windows.count == max(counts) and number > 2:
            costs += [common | row for row in joins(level, drawn.steps, whole.steps[0], drawn.layout)]
    return pd.DataFrame(speeds), pd.DataFrame(costs), whole.steps[0]


def main(
    output: Annotated[Path, typer.Argument(help="folder for windows-speeds.csv, windows-joins.csv and windows.png")],
    prior: Annotated[Path, typer.Option(help="model file of the top codes' prior")],
    ada: Annotated[list[Path], typer.Option(help="model files of the ADAs, uppermost first")],
    seconds: Annotated[float, typer.Option(min=8, help="length of the audio")] = 16.0,
    count: Annotated[list[int], typer.Option(min=3, help="windows")] = [4, 16, 64],  # noqa: B006
    warm_up: Annotated[list[float], typer.Option(min=2, help="receptive fields")] = [2.0, 4.0, 8.0],  # noqa: B006
    rounds: Annotated[int, typer.Option(min=1, help="rounds; it prints the median over them")] = 3,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads")] = 2,
    seed: Annotated[int, typer.Option(help="of the draws")] = 1,
) -> None:
    """Print a table of speeds and of what joins cost."""
    torch.set_num_threads(1)
    settings = LevelSettings(seed, DrawSettings(), EngineSettings("auto", "float32", threads), 1e9)
    file = read_model(prior)
    with tempfile.TemporaryDirectory() as folder:
        length = max(1, round(seconds * file.facts.learnt.rate))
        drawn = np.array(draw_level(restore(file, WaveNetSystem), None, 1, length, settings, Path(folder)))
    speeds, costs = [], []
    for path in ada:
        file = read_model(path)
        below, codes = file.facts.learnt.name, torch.from_numpy(drawn.astype(np.int64))
        level = Level(below, restore(file, ADASystem), codes, below == "audio")
        speed, cost, whole = measure(level, count, warm_up, rounds, settings)
        speeds.append(speed)
        costs.append(cost)
        drawn = whole[None]
    tables = {"speeds": pd.concat(speeds), "joins": pd.concat(costs)}
    output.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(output / f"windows-{name}.csv", index=False)
        print(table.to_string(index=False, float_format="{:.3g}".format))
    plot(tables["speeds"], tables["joins"], output / "windows.png")


if __name__ == "__main__":
    typer.run(main)
