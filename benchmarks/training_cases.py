"""The networks whose training is measured, at three sizes and some configurations' own, and ways to train them."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from channels_first import ChannelsFirst, largest_difference

from descant.config.loading import load
from descant.config.networks import LinearPrediction, WaveNetShape
from descant.config.training import Training
from descant.systems.ada import ADASystem
from descant.systems.base import System
from descant.systems.wavenet import WaveNetSystem

ROOT = Path(__file__).parent.parent
CLASSES = 256
CHECKED_STEPS, EXACT_ENOUGH = 2048, 1e-5
BASE = "eager fp32"
Kind = Literal["WaveNet", "ADA, hop 8"]


@dataclass(frozen=True)
class Network:
    size: str
    kind: Kind
    build: Callable[[LinearPrediction | None], System]
    training: Training


@dataclass(frozen=True)
class Variant:
    precision: Literal["32-true", "bf16-mixed"]
    compiled: bool
    channels_first: bool = False
    predicted: bool = False

    @property
    def name(self) -> str:
        words = ("compile" if self.compiled else "eager", "bf16" if self.precision == "bf16-mixed" else "fp32")
        inside = ", linear prediction" if self.predicted else ""
        return " ".join(words) + (", channels first" if self.channels_first else "") + inside


def networks(size: str) -> list[Network]:
    """A WaveNet and an ADA whose local model is as large, with what trains them."""
    over = {"paper": "paper.yaml", "workstation": "workstation.yaml", "toy": "test/tiny.yaml"}.get(size)
    config = load(ROOT / "config.yaml", *([ROOT / "config" / over] if over else []))
    # without linear prediction
    local = config.adas["amae8"].local_model
    wavenet, ada = config.priors["codes"], config.adas["vqvae8"].model_copy(update={"local_model": local})
    common = {"layers_per_stack": 10, "start_kernel": 3, "skip_channels": 256}
    medium = WaveNetShape(**common, stacks=2, kernel=2, residual_channels=64, gate_channels=128)
    large = WaveNetShape(**common, stacks=3, kernel=3, residual_channels=256, gate_channels=512)
    shapes = {"medium": (medium, 64, 2, 2048), "large": (large, 128, 1, 2048)}
    shape, of_wavenet, of_ada = wavenet.wavenet, wavenet.training, ada.training
    if size in shapes:
        shape, channels, batch, window = shapes[size]
        wider = {
            name: getattr(ada, name).model_copy(update={"channels": channels}) for name in ("encoder", "modulator")
        }
        ada = ada.model_copy(update={"local_model": shape, **wider})
        of_wavenet = of_ada = ada.training.model_copy(update={"batch": batch, "window": window})

    def build_wavenet(prediction: LinearPrediction | None) -> System:
        return WaveNetSystem(shape.model_copy(update={"linear_prediction": prediction}), CLASSES)

    def build_ada(prediction: LinearPrediction | None) -> System:
        predicted = ada.local_model.model_copy(update={"linear_prediction": prediction})
        return ADASystem(ada.model_copy(update={"local_model": predicted}), CLASSES)

    return [Network(size, "WaveNet", build_wavenet, of_wavenet), Network(size, "ADA, hop 8", build_ada, of_ada)]


def variants(channels_first: bool = False, predicted: bool = False) -> list[Variant]:
    """All that work here, with the other layout or without; with linear prediction in one way or not at all."""
    compiler = shutil.which("g++") is not None
    every = [
        Variant(precision, compiled, layout)
        for layout in ((False, True) if channels_first else (False,))
        for compiled in ((False, True) if compiler else (False,))
        for precision in ("32-true", "bf16-mixed")
    ]
    return [*every, *([Variant("32-true", compiled=False, predicted=True)] if predicted else [])]


def build_system(network: Network, variant: Variant, seed: int = 0) -> System:
    """Fresh weights; in the other layout the same ones."""
    torch.manual_seed(seed)
    system = network.build(LinearPrediction() if variant.predicted else None)
    if variant.channels_first:
        assert isinstance(system, WaveNetSystem)
        ours = system.wavenet
        other = ChannelsFirst(ours)
        difference = largest_difference(ours, other, CHECKED_STEPS)
        if difference > EXACT_ENOUGH:
            raise SystemExit(f"{network.size}: the layouts' logits differ by {difference:.1e}")
        system.wavenet = other  # type: ignore[assignment]
    return system
