"""What torch.compile and bf16 gain in training: steps a second as ratios to eager fp32, side by side in one run.

    python benchmarks/training.py --rounds 5

All variants take turns, so that a machine whose speed drifts slows all of them alike; medians are over rounds. The
last column is the share of this machine's own matrix-product speed (sgemm, one thread, measured in the same run)
that the fp32 arithmetic of the step would need: forward and backward are counted as three forward passes.
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
from lightning_fabric import Fabric

from descant.config.networks import ADA, WaveNetShape
from descant.config.root import load
from descant.systems.ada import ADASystem
from descant.systems.base import System
from descant.systems.wavenet import WaveNetSystem
from descant.training.noise import torch_generator

ROOT = Path(__file__).parent.parent
MATRIX = 1024


@dataclass(frozen=True)
class Shape:
    name: str
    build: Callable[[], System]
    batch: int
    window: int


@dataclass(frozen=True)
class Variant:
    name: str
    precision: str
    compiled: bool


def shapes() -> list[Shape]:
    config = load(ROOT / "config.yaml")
    ada: ADA = config.adas["vqvae8"]
    nv = WaveNetShape(
        stacks=2,
        layers_per_stack=10,
        kernel=2,
        start_kernel=1,
        residual_channels=64,
        gate_channels=128,
        skip_channels=256,
    )
    return [
        Shape("demo WaveNet", lambda: WaveNetSystem(config.priors["large"].wavenet, 256), 4, 1024),
        Shape("demo ADA, hop 8", lambda: ADASystem(ada, 256), 4, 1024),
        Shape("20 layers, 64 channels", lambda: WaveNetSystem(nv, 256), 2, 2048),
    ]


def variants() -> list[Variant]:
    plain = [Variant("eager fp32", "32-true", False), Variant("eager bf16", "bf16-mixed", False)]
    if not shutil.which("g++"):
        return plain
    return [*plain, Variant("compile fp32", "32-true", True), Variant("compile bf16", "bf16-mixed", True)]


def stepper(shape: Shape, variant: Variant) -> Callable[[int], float]:
    """A function that does one training step on random windows and returns its seconds."""
    fabric = Fabric(accelerator="cpu", devices=1, precision=variant.precision)
    torch.manual_seed(0)
    system = shape.build()
    optimizer = torch.optim.AdamW(system.parameters(), lr=1e-3)
    module, optimizer = fabric.setup(torch.compile(system) if variant.compiled else system, optimizer)
    windows = torch.randint(256, (shape.batch, shape.window), generator=torch_generator("windows"))

    def step(number: int) -> float:
        began = time.perf_counter()
        fabric.backward(module(windows, torch_generator("noise", number)).loss)
        fabric.clip_gradients(module, optimizer, max_norm=1.0)
        optimizer.step()
        optimizer.zero_grad()
        return time.perf_counter() - began

    return step


def matrix_flops() -> float:
    left, right = torch.randn(MATRIX, MATRIX), torch.randn(MATRIX, MATRIX)
    began = time.perf_counter()
    for _ in range(10):
        left @ right
    return 10 * 2 * MATRIX**3 / (time.perf_counter() - began)


def step_flops(shape: Shape) -> float:
    """Arithmetic of one training step: torch's own count of a forward pass, times 3."""
    from torch.utils.flop_counter import FlopCounterMode

    system = shape.build()
    with FlopCounterMode(display=False) as counter:
        system(torch.zeros(shape.batch, shape.window, dtype=torch.int64), torch_generator("flops"))
    return 3.0 * counter.get_total_flops()


def main(
    rounds: Annotated[int, typer.Option(min=3, help="rounds; the median over them is told")] = 5,
    steps: Annotated[int, typer.Option(min=1, help="steps a round and variant")] = 4,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads")] = 1,
) -> None:
    """Print a table of training speeds."""
    torch.set_num_threads(threads)
    rows = []
    for shape in shapes():
        steppers = {variant.name: stepper(shape, variant) for variant in variants()}
        warm_up = {}
        for name, step in steppers.items():
            began = time.perf_counter()
            step(0)
            step(1)
            warm_up[name] = time.perf_counter() - began
        seconds: dict[str, list[float]] = {name: [] for name in steppers}
        peaks = []
        for number in range(rounds):
            peaks.append(matrix_flops())
            for name, step in steppers.items():
                seconds[name].append(sum(step(number * steps + each) for each in range(steps)) / steps)
        flops, peak = step_flops(shape), statistics.median(peaks)
        base = seconds["eager fp32"]
        for name, times in seconds.items():
            ratios = [reference / each for reference, each in zip(base, times, strict=True)]
            rows.append(
                {
                    "shape": shape.name,
                    "variant": name,
                    "steps/s": f"{1 / statistics.median(times):.2f}",
                    "ratio": f"{statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]",
                    "first two steps, s": f"{warm_up[name]:.1f}",
                    "share of sgemm": f"{flops / statistics.median(times) / peak:.0%}",
                }
            )
    print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    typer.run(main)
