"""How fast the engines draw: samples a second as ratios to a cached eager torch step, side by side in one run.

    python benchmarks/sampling.py --shapes A --batches 1 --batches 16

All variants take turns, so that a machine whose speed drifts slows all of them alike; figures are medians over
rounds, and a ratio is the median of the rounds' own ratios. Weights are random: speed does not depend on them.
Shape A: 20 layers, dilations 1 to 512 twice, 2 taps, 64 residual, 128 gate and 256 skip channels. Shape B: 30 layers,
3 taps, 512 residual, 1,024 gate and 256 skip channels. demo: the local model of config.yaml. All have 256 classes and
are conditioned. A batch of one runs on one thread, larger ones on --threads; the eager step always on one, which is
where it is fastest.

Two limits of the machine are measured in the same run, on one thread: the speed of a large matrix product, and the
speed at which as many bytes as the model has weights are read again and again. A batch of one reads all its weights
at every step, so the second bounds it; the first bounds large batches.
"""

import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pandas as pd
import torch
import typer
from eager import EagerStep
from torch import Tensor

from descant.commands.set_up import set_up_torch
from descant.config.loading import load
from descant.config.models import EngineName, Precision
from descant.config.networks import WaveNetShape
from descant.errors import EngineError
from descant.layers.wavenet import WaveNet
from descant.sampling.choose import build_engine
from descant.sampling.engine import DrawSettings, EngineSettings
from descant.sampling.generate import sequences, uniforms
from descant.sampling.graph import GraphEngine
from descant.sampling.weights import rounded_weights, step_weights
from descant.systems.wavenet import build_wavenet

ROOT = Path(__file__).parent.parent
HOP, CONDITIONING, CLASSES = 16, 32, 256
BASE = "eager torch step"
CHECKED_STEPS = 48
MATRIX = 2048


@dataclass(frozen=True)
class Case:
    shape: str
    wavenet: WaveNet
    batch: int
    threads: int

    @property
    def device(self) -> torch.device:
        return self.wavenet.start.linear.weight.device

    def conditioning(self, steps: int) -> Tensor:
        held = torch.randn(self.batch, steps // HOP, CONDITIONING, generator=torch.Generator().manual_seed(1))
        with torch.inference_mode():
            return self.wavenet.layer_conditioning(held.to(self.device))


@dataclass(frozen=True)
class Variant:
    """A way to draw: ``run`` draws so many steps; the error is that of its logits, None where it has none."""

    name: str
    threads: int
    run: Callable[[int], None]
    error: float | None = None


def build_case(shape: str, batch: int, threads: int, device: str) -> Case:
    common = {"kernel": 2, "start_kernel": 1, "residual_channels": 64, "gate_channels": 128, "skip_channels": 256}
    known = {
        "A": WaveNetShape(**{**common, "stacks": 2}),
        "B": WaveNetShape(**{**common, "stacks": 3, "kernel": 3, "residual_channels": 512, "gate_channels": 1024}),
        "demo": load(ROOT / "config.yaml").adas["amae8"].local_model,
    }
    torch.manual_seed(0)
    wavenet = build_wavenet(known[shape], CLASSES, CONDITIONING, HOP).eval().to(device)
    return Case(shape, wavenet, batch, 1 if batch == 1 else threads)


def wait_for(device: torch.device) -> None:
    """Until a GPU has done what was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def naive(case: Case) -> Variant:
    """The whole receptive field again for every step."""
    field = -(-case.wavenet.receptive_field // HOP) * HOP
    steps = torch.randint(CLASSES, (case.batch, field), device=case.device)
    held = torch.randn(case.batch, field // HOP, CONDITIONING, device=case.device)

    @torch.inference_mode()
    def run(count: int) -> None:
        for _ in range(count):
            logits = case.wavenet(steps, held)[:, -1]
            drawn = torch.multinomial(torch.softmax(logits, -1), 1)
            steps.copy_(torch.cat([steps[:, 1:], drawn], 1))
        wait_for(case.device)

    return Variant("naive recomputation", 1, run)


def eager(case: Case) -> Variant:
    step = EagerStep(step_weights(case.wavenet), case.batch, case.device)

    def run(count: int) -> None:
        step.generate(count, case.conditioning(count))
        wait_for(case.device)

    return Variant(BASE, 1, run)


def compiled(case: Case) -> Variant:
    """The graph engine's step, which keeps its state in tensors, through torch.compile."""
    built = GraphEngine(case.wavenet, case.batch, DrawSettings(), "float32")
    # it was captured from the step that is not compiled
    built.graph = None
    built._next_logits = torch.compile(built._next_logits, dynamic=False)  # type: ignore[method-assign]

    def run(count: int) -> None:
        built.generate(uniforms(1, sequences(case.batch), 0, count), case.conditioning(count))

    return Variant("torch.compile", 1, run)


def engine(case: Case, name: EngineName, precision: Precision) -> Variant:
    built = build_engine(case.wavenet, case.batch, DrawSettings(), EngineSettings(name, precision, case.threads))
    fresh = built.state()
    steps = torch.randint(CLASSES, (case.batch, CHECKED_STEPS), generator=torch.Generator().manual_seed(2))
    model = case.wavenet if precision == "float32" else rounded_weights(case.wavenet)
    held = torch.randn(case.batch, CHECKED_STEPS // HOP, CONDITIONING, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = model(steps.to(case.device), held.to(case.device)).float().cpu()
    error = float((built.follow(steps, case.conditioning(CHECKED_STEPS)) - expected).abs().max())
    built.load_state(fresh)

    def run(count: int) -> None:
        built.generate(uniforms(1, sequences(case.batch), 0, count), case.conditioning(count))

    return Variant(f"{name} {precision.replace('_', ' ')}", case.threads, run, error)


def variants(case: Case, slow: bool) -> list[Variant]:
    """All that work here; prints those that do not."""
    on_cpu: tuple[tuple[EngineName, Precision], ...] = (
        ("numba", "float32"),
        ("numba", "bfloat16_weights"),
        ("native", "float32"),
        ("native", "bfloat16_weights"),
        ("native", "bfloat16"),
    )
    on_gpu: tuple[tuple[EngineName, Precision], ...] = (
        ("graph", "float32"),
        ("graph", "bfloat16"),
        ("triton", "bfloat16_weights"),
    )
    found = [eager(case)]
    if slow:
        found += [naive(case)] if case.batch == 1 else []
        found += [compiled(case)] if shutil.which("g++") else []
    for name, precision in (("reference", "float32"), *(on_cpu if case.device.type == "cpu" else on_gpu)):
        try:
            found.append(engine(case, name, precision))
        except EngineError as error:
            print(f"  {name} {precision}: {error.problem}")
    return found


def steps_in(run: Callable[[int], None], seconds: float) -> int:
    """How many steps, a multiple of the hop, take about so many seconds."""
    count = HOP
    while True:
        began = time.perf_counter()
        run(count)
        took = time.perf_counter() - began
        if took > seconds / 4 or count > 1 << 20:
            return max(HOP, int(count * seconds / took) // HOP * HOP)
        count *= 4


def product_flops(device: torch.device, side: int = MATRIX) -> float:
    """Of a large float32 matrix product, one thread on a CPU."""
    left, right = torch.randn(side, side, device=device), torch.randn(side, side, device=device)
    return 2 * side**3 / _least_seconds(lambda: left @ right, device)


def read_bytes_per_second(size: int, device: torch.device) -> float:
    """Of reading as many bytes again and again, from whatever cache they fit, one thread on a CPU."""
    data = torch.ones(size // 4, device=device)
    return size / _least_seconds(data.sum, device)


def _least_seconds(work: Callable[[], Tensor], device: torch.device) -> float:
    times = []
    for _ in range(8):
        began = time.perf_counter()
        work()
        wait_for(device)
        times.append(time.perf_counter() - began)
    return min(times)


def measure(case: Case, rounds: int, seconds: float, slow: bool) -> list[dict[str, object]]:
    """One row a variant."""
    found = variants(case, slow)
    counts = {}
    for variant in found:
        torch.set_num_threads(1)
        counts[variant.name] = steps_in(variant.run, seconds)
    rates: dict[str, list[float]] = {variant.name: [] for variant in found}
    products, reads = [], []
    for _ in range(rounds):
        products.append(product_flops(case.device))
        reads.append(read_bytes_per_second(4 * case.wavenet.multiplications, case.device))
        for variant in found:
            began = time.perf_counter()
            variant.run(counts[variant.name])
            rates[variant.name].append(case.batch * counts[variant.name] / (time.perf_counter() - began))
    product, read = statistics.median(products), statistics.median(reads)
    print(f"shape {case.shape}: product {product / 1e9:.0f} GFLOP/s, reads its weights at {read / 1e9:.0f} GB/s")
    rows = []
    for variant in found:
        rate = statistics.median(rates[variant.name])
        ratios = [mine / base for mine, base in zip(rates[variant.name], rates[BASE], strict=True)]
        flops = 2 * case.wavenet.multiplications * rate
        size = 4 if "bfloat16" not in variant.name else 2
        row = {
            "shape": case.shape,
            "batch": case.batch,
            "variant": variant.name,
            "threads": variant.threads,
            "samples/s": rate,
            "ratio": statistics.median(ratios),
            "least": min(ratios),
            "most": max(ratios),
            "GFLOP/s": flops / 1e9,
            "of product": flops / product / variant.threads,
            "of reading": size * case.wavenet.multiplications * rate / read if case.batch == 1 else None,
            "logit error": variant.error,
        }
        rows.append(row)
    return rows


def as_text(table: pd.DataFrame) -> str:
    shown = table.copy()
    shown["samples/s"] = [f"{value:,.0f}" if value >= 10 else f"{value:.2g}" for value in table["samples/s"]]
    shown["ratio"] = [
        f"{row.ratio:.3g} [{row.least:.3g}, {row.most:.3g}]" for row in table.itertuples(index=False, name="Row")
    ]
    shown["GFLOP/s"] = table["GFLOP/s"].map("{:.3g}".format)
    for name in ("of product", "of reading"):
        shown[name] = ["" if pd.isna(value) else f"{value:.0%}" for value in table[name]]
    shown["logit error"] = ["" if pd.isna(value) else f"{value:.1e}" for value in table["logit error"]]
    shown = shown.drop(columns=["least", "most"])
    lines = [list(shown.columns), ["---"] * len(shown.columns), *shown.astype(str).to_numpy().tolist()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def draw_plot(table: pd.DataFrame, path: Path) -> None:
    # a GPU's machine, which only measures, may lack it
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    groups = list(table.groupby(["shape", "batch"], sort=False))
    figure, axes = plt.subplots(
        len(groups), 1, figsize=(8, 0.5 + 0.32 * len(table) + 0.7 * len(groups)), layout="constrained",
        height_ratios=[len(group) for _, group in groups], squeeze=False,
    )  # fmt: skip
    for axis, ((shape, batch), group) in zip(axes[:, 0], groups, strict=True):
        names = [f"{name} ({threads})" for name, threads in zip(group["variant"], group["threads"], strict=True)]
        spread = [group["ratio"] - group["least"], group["most"] - group["ratio"]]
        bars = axis.barh(names, group["ratio"], xerr=spread, color="#4c72b0", ecolor="#999999")
        axis.bar_label(bars, [f" {value:,.0f}/s" for value in group["samples/s"]], fontsize=8)
        axis.set_xscale("log")
        axis.set_xlim(right=float(group["most"].max()) * 4)
        axis.invert_yaxis()
        axis.axvline(1, color="#333333", linewidth=0.8)
        axis.set_title(f"shape {shape}, batch {batch}", fontsize=10, loc="left")
    axes[-1, 0].set_xlabel("samples a second, as a ratio to the eager torch step (threads in brackets)")
    figure.savefig(path, dpi=110)


def main(
    shape: Annotated[list[str], typer.Option(help="A, B or demo; can be given several times")] = ["A", "B", "demo"],  # noqa: B006
    batch: Annotated[list[int], typer.Option(min=1, help="sequences side by side; several times")] = [1, 16],  # noqa: B006
    rounds: Annotated[int, typer.Option(min=3, help="rounds; it prints medians over them")] = 5,
    seconds: Annotated[float, typer.Option(min=0.05, help="about so long a variant draws in a round")] = 1.0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of a batch above one")] = 2,
    slow: Annotated[bool, typer.Option(help="time recomputation and torch.compile too")] = True,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    output: Annotated[Path | None, typer.Option(help="folder for sampling.csv and sampling.png")] = None,
) -> None:
    """Print a table of sampling speeds; with a folder, write it there with a plot."""
    set_up_torch(1, int(device == "cuda"))
    rows = []
    for name in shape:
        for number in batch:
            rows += measure(build_case(name, number, threads, device), rounds, seconds, slow)
    table = pd.DataFrame(rows)
    print(as_text(table))
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        table.to_csv(output / "sampling.csv", index=False, float_format="%.6g")
        draw_plot(table, output / "sampling.png")


if __name__ == "__main__":
    typer.run(main)
