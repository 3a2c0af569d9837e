"""What bf16, torch.compile and the layout gain in training: ratios to an eager fp32 step, side by side in one run.

    python benchmarks/training.py --output speeds

A step is the training loop's own: loading, forward, backward, clipping, optimizer, moving average. All variants of a
network take turns, so that a machine whose speed drifts slows all of them alike; figures are medians over rounds, and
a ratio is the median of the rounds' own ratios, with the least and the most. Windows are of random steps: speed does
not depend on them.

Sizes. demo: the networks of config.yaml. medium: 20 layers of 64 channels, 2 taps. large: the paper's 30 layers of 3
taps in half its width, 256 channels. paper: the large WaveNet and the hop-8 ADA of config/paper.yaml with its batch,
for a GPU. ADAs have these as their local models.

- of peak: arithmetic of the step's forward and backward passes, as torch counts it, by that of a large matrix product
  of the same precision in the same time, measured in every round.
- loading: share of the step spent on the windows; then the same of the network's fastest variant when the windows lie
  on the disk and not in memory.
- channels first: the same WaveNet of Conv1d, as it is usually written; its logits are checked against ours.
- linear prediction: the same network with a linear predictor inside; the ratio says what its inputs, its loss and the
  stream of predictions that it reads cost.
- MiB: on a GPU, what the training keeps and its step takes on top, at most.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer
from torch.utils.flop_counter import FlopCounterMode
from training_cases import BASE, CLASSES, Network, Variant, build_system, networks, variants

from descant.commands.set_up import set_up_torch
from descant.sequences import Labels, PackedSequence, SequenceWriter, open_sequence
from descant.systems.base import PREDICTED, STEPS, Batch
from descant.training.devices import Devices
from descant.training.loop import Trainer, TrainingData
from descant.training.noise import torch_generator
from descant.training.windows import Windows

TRACK_STEPS, TRACKS = 1 << 22, 32
SIZES = ["demo", "medium", "large"]


def random_streams(
    folder: Path, length: int = TRACK_STEPS, tracks: int = TRACKS, names: Sequence[str] = (STEPS, PREDICTED)
) -> dict[str, PackedSequence]:
    """Random steps, so many that few windows of a run lie where others did, and random predictions of them."""
    random = np.random.default_rng(0)
    with (
        SequenceWriter(folder / STEPS, CLASSES, hop=1, sample_rate=16000) as steps,
        SequenceWriter(folder / PREDICTED, 0, hop=1, sample_rate=16000, channels=2, dtype=np.float32) as predicted,
    ):
        for number in range(tracks + 1):
            place = f"{number:016x}", "train" if number else "validation", Labels()
            steps.add(*place, [random.integers(CLASSES, size=length, dtype=np.uint8)])
            # a sample, and a scale: both positive is as good as any
            if PREDICTED in names:
                predicted.add(*place, [random.uniform(1e-3, 1, (length, 2)).astype(np.float32)])
    return {name: open_sequence(folder / name) for name in names}


class Clocked(Windows):
    """Windows that measure how long the training waited for them."""

    seconds = 0.0

    def batch(self, step: int, first: int, count: int) -> dict[str, torch.Tensor]:
        began = time.perf_counter()
        drawn = super().batch(step, first, count)
        self.seconds += time.perf_counter() - began
        return drawn

    def expect(self, step: int, first: int, count: int) -> None:
        began = time.perf_counter()
        super().expect(step, first, count)
        self.seconds += time.perf_counter() - began


class Steps:
    """The training loop's own steps of one network in one way, timed."""

    def __init__(self, network: Network, variant: Variant, given: Mapping[str, PackedSequence], gpus: int) -> None:
        self._cuda = gpus > 0
        before = self._allocated()
        settings = network.training.model_copy(update={"precision": variant.precision, "compile": variant.compiled})
        system = build_system(network, variant)
        streams = given if variant.predicted else {STEPS: given[STEPS]}
        self._windows = Clocked(streams, "train", settings.window, 0)
        data = TrainingData(self._windows, Windows(streams, "validation", settings.window, 0))
        # the folder is written to by Trainer.run only
        self._trainer = Trainer(system, settings, data, Path("unused"), 0, Devices.of(gpus))
        self.first = self.run(2)
        self._kept = self._allocated() - before

    def _allocated(self) -> int:
        return torch.cuda.memory_allocated() if self._cuda else 0

    def run(self, count: int) -> float:
        """Do so many steps and return their seconds."""
        if self._cuda:
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
            self._start = self._allocated()
        self._windows.seconds, began = 0.0, time.perf_counter()
        for _ in range(count):
            self._trainer._train_step()
            self._trainer.step += 1
        if self._cuda:
            torch.cuda.synchronize()
        took = time.perf_counter() - began
        self.loading = self._windows.seconds / took
        return took

    def memory(self) -> int | None:
        """Bytes that this training keeps and the last steps took on top; None on a CPU."""
        return self._kept + torch.cuda.max_memory_allocated() - self._start if self._cuda else None


def product_flops(precision: str, device: torch.device) -> float:
    """Arithmetic a second of a large matrix product, the best of a few."""
    size = 8192 if device.type == "cuda" else 2048
    dtype = torch.bfloat16 if precision == "bf16-mixed" else torch.float32
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    times = []
    for _ in range(4):
        began = time.perf_counter()
        left @ right
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return 2 * size**3 / min(times)


def pass_flops(network: Network, batch: Batch, device: torch.device) -> int:
    """Arithmetic of the matrix products of a forward and a backward pass."""
    system = network.build(None).to(device)
    with FlopCounterMode(display=False) as counter, torch.autocast(device.type, torch.bfloat16, device.type == "cuda"):
        on_device = {name: tensor.to(device) for name, tensor in batch.items()}
        system(on_device, torch_generator("flops")).loss.backward()
    return counter.get_total_flops()


def forget_pages(path: Path) -> None:
    """Have the kernel drop a file's pages from memory, so that they are read from the disk again."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(network: Network, folder: Path, rounds: int, count: int, gpus: int) -> list[dict[str, object]]:
    """One row a variant."""
    device, training = torch.device("cuda" if gpus else "cpu"), network.training
    streams = {name: open_sequence(folder / name) for name in (STEPS, PREDICTED)}
    found = variants(channels_first=network.kind == "WaveNet", predicted=True)
    steps = {each.name: Steps(network, each, streams, gpus) for each in found}
    batch = Windows({STEPS: streams[STEPS]}, "train", training.window, 0).batch(0, 0, training.batch)
    flops = training.accumulate * pass_flops(network, batch, device)
    seconds: dict[str, list[float]] = {each.name: [] for each in found}
    loading: dict[str, list[float]] = {each.name: [] for each in found}
    memory: dict[str, int | None] = {}
    peaks: dict[str, list[float]] = {each.precision: [] for each in found}
    from_disk = []
    for _ in range(rounds):
        for precision in peaks:
            peaks[precision].append(product_flops(precision, device))
        for name, each in steps.items():
            seconds[name].append(each.run(count) / count)
            loading[name].append(each.loading)
            memory[name] = each.memory()
        quickest = steps[min(seconds, key=lambda name: seconds[name][-1])]
        forget_pages(folder / STEPS / "data.npy")
        # the step after forgetting was expected before it
        quickest.run(1)
        quickest.run(count)
        from_disk.append(quickest.loading)
    torch.compiler.reset()
    rows = []
    for each in found:
        median = statistics.median(seconds[each.name])
        ratios = [base / mine for base, mine in zip(seconds[BASE], seconds[each.name], strict=True)]
        taken = memory[each.name]
        rows.append(
            {
                "size": network.size,
                "network": network.kind,
                "variant": each.name,
                "steps/s": 1 / median,
                "samples/s": training.accumulate * training.batch * training.window / median,
                "ratio": statistics.median(ratios),
                "least": min(ratios),
                "most": max(ratios),
                "of peak": flops / median / statistics.median(peaks[each.precision]),
                "first two steps, s": steps[each.name].first,
                "MiB": None if taken is None else taken / 2**20,
                "loading": statistics.median(loading[each.name]),
                "loading from disk": statistics.median(from_disk),
            }
        )
    speeds = ", ".join(f"{name} {statistics.median(values) / 1e9:.0f}" for name, values in peaks.items())
    print(f"{network.size} {network.kind}: matrix products {speeds} GFLOP/s")
    return rows


def as_text(table: pd.DataFrame) -> str:
    shown = table.drop(columns=["least", "most"]).dropna(axis="columns", how="all")
    shown["steps/s"] = table["steps/s"].map("{:.3g}".format)
    shown["samples/s"] = table["samples/s"].map("{:,.0f}".format)
    shown["ratio"] = [f"{row.ratio:.2f} [{row.least:.2f}, {row.most:.2f}]" for row in table.itertuples(index=False)]
    shown["of peak"] = table["of peak"].map("{:.0%}".format)
    shown["first two steps, s"] = table["first two steps, s"].map("{:.1f}".format)
    for name in ("loading", "loading from disk"):
        shown[name] = table[name].map("{:.2%}".format)
    lines = [list(shown.columns), ["---"] * len(shown.columns), *shown.astype(str).to_numpy().tolist()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def draw_plot(table: pd.DataFrame, path: Path) -> None:
    # a GPU's machine, which only measures, may lack it
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    groups = list(table.groupby(["size", "network"], sort=False))
    figure, axes = plt.subplots(
        len(groups), 1, figsize=(8, 0.5 + 0.32 * len(table) + 0.7 * len(groups)), layout="constrained",
        height_ratios=[len(group) for _, group in groups], squeeze=False, sharex=True,
    )  # fmt: skip
    for axis, ((size, network), group) in zip(axes[:, 0], groups, strict=True):
        spread = [group["ratio"] - group["least"], group["most"] - group["ratio"]]
        bars = axis.barh(group["variant"], group["ratio"], xerr=spread, color="#4c72b0", ecolor="#999999")
        axis.bar_label(bars, [f"  {share:.0%} of peak" for share in group["of peak"]], fontsize=8)
        axis.set_xlim(0, float(table["most"].max()) * 1.3)
        axis.invert_yaxis()
        axis.axvline(1, color="#333333", linewidth=0.8)
        axis.set_title(f"{size} {network}", fontsize=10, loc="left")
    axes[-1, 0].set_xlabel("steps a second, as a ratio to eager fp32")
    figure.savefig(path, dpi=110)


def main(
    size: Annotated[list[str], typer.Option("--sizes", help="demo, medium, large, paper; several times")] = SIZES,
    rounds: Annotated[int, typer.Option(min=3, help="rounds; it prints medians over them")] = 5,
    steps: Annotated[int, typer.Option(min=1, help="steps a round and variant")] = 2,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads")] = 1,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    output: Annotated[Path | None, typer.Option(help="folder for training.csv and training.png")] = None,
) -> None:
    """Print a table of training speeds; with a folder, write it there with a plot."""
    gpus = int(device == "cuda")
    set_up_torch(threads, gpus, compiled=True)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        random_streams(Path(folder))
        for name in size:
            for network in networks(name):
                rows += measure(network, Path(folder), rounds, steps, gpus)
    table = pd.DataFrame(rows)
    print(as_text(table))
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        table.to_csv(output / "training.csv", index=False, float_format="%.6g")
        draw_plot(table, output / "training.png")


if __name__ == "__main__":
    typer.run(main)
