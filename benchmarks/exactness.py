"""What bf16 and torch.compile do to what is learnt: held-out bits against eager fp32, same seed and same windows.

    python benchmarks/exactness.py results/sequences/audio

The WaveNet and the hop-8 ADA of config.yaml are trained with its settings on a packed sequence, once a seed and way.
All are then scored in eager fp32 on the same validation windows. ``difference`` is bits less those of eager fp32 with
the same seed: its mean over seeds, with the least and the most. ``between seeds`` is how far eager fp32 itself spreads
from seed to seed: a difference well below it is one that another seed would hide. Same weights: whether the way gave
the same bytes as eager fp32.
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pandas as pd
import torch
import typer
from torch import Tensor
from training_cases import BASE, Network, Variant, build_system, networks, variants

from descant.commands.set_up import set_up_torch
from descant.seeds import derive_seed
from descant.sequences import PackedSequence, open_sequence
from descant.systems.base import STEPS
from descant.systems.restore import load_weights
from descant.training.loop import Trainer, TrainingData
from descant.training.noise import torch_generator
from descant.training.windows import Windows

SCORED_BATCHES, BATCH = 16, 4


def trained_weights(network: Network, way: Variant, sequence: PackedSequence, seed: int) -> dict[str, Tensor]:
    """What a training keeps."""
    quiet = {"validate_every": network.training.steps, "checkpoint_every": network.training.steps}
    settings = network.training.model_copy(update={"precision": way.precision, "compile": way.compiled, **quiet})
    train, validation = (Windows({STEPS: sequence}, split, settings.window, seed) for split in ("train", "validation"))
    system = build_system(network, Variant("32-true", compiled=False), derive_seed(seed, "weights"))
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(system, settings, TrainingData(train, validation), Path(folder), seed)
        weights = trainer.run().weights
    torch.compiler.reset()
    return weights


@torch.inference_mode()
def held_out_bits(network: Network, weights: dict[str, Tensor], windows: Windows) -> float:
    """Mean bits a step, given true codes where there are codes."""
    system = network.build(None).eval()
    load_weights(system, weights)
    batches = (windows.batch(0, BATCH * number, BATCH) for number in range(SCORED_BATCHES))
    return sum(float(system.validate(each, torch_generator(0))["bits"]) for each in batches) / SCORED_BATCHES


def compare(network: Network, ways: list[Variant], sequence: PackedSequence, seeds: int) -> list[dict[str, object]]:
    """One row a way; prints the bits of every training as it ends."""
    windows = Windows({STEPS: sequence}, "validation", network.training.window, 0)
    bits: dict[str, list[float]] = {way.name: [] for way in ways}
    same = {way.name: True for way in ways}
    for seed in range(1, seeds + 1):
        base: dict[str, Tensor] = {}
        for way in ways:
            weights = trained_weights(network, way, sequence, seed)
            base = base or weights
            bits[way.name].append(held_out_bits(network, weights, windows))
            same[way.name] &= all(torch.equal(weights[name], base[name]) for name in base)
            print(f"{network.kind}, seed {seed}, {way.name}: {bits[way.name][-1]:.4f} bits", flush=True)
    rows = []
    for way in ways:
        differences = [mine - base for mine, base in zip(bits[way.name], bits[BASE], strict=True)]
        rows.append(
            {
                "network": network.kind,
                "way": way.name,
                "bits": sum(bits[way.name]) / seeds,
                "difference": sum(differences) / seeds,
                "least": min(differences),
                "most": max(differences),
                "between seeds": max(bits[BASE]) - min(bits[BASE]),
                "same weights": same[way.name],
            }
        )
    return rows


def main(
    sequence: Annotated[Path, typer.Argument(help="folder of packed audio, such as results/sequences/audio")],
    seeds: Annotated[int, typer.Option(min=2, help="trainings of each network and way")] = 3,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads")] = 1,
    steps: Annotated[
        int | None, typer.Option(min=100, help="of each training; those of config.yaml if left out")
    ] = None,
    compiled: Annotated[bool, typer.Option(help="torch.compile too")] = True,
) -> None:
    """Print a table of held-out bits."""
    set_up_torch(threads, gpus=0, compiled=True)
    opened, ways = open_sequence(sequence), [way for way in variants() if compiled or not way.compiled]
    chosen = [
        replace(each, training=each.training.model_copy(update={"steps": steps or each.training.steps}))
        for each in networks("demo")
    ]
    rows = [row for network in chosen for row in compare(network, ways, opened, seeds)]
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.4f}".format))


if __name__ == "__main__":
    typer.run(main)
