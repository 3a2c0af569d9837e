"""A level drawn: what the full forward pass says step by step, from nothing, given codes or frames, after a prime."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from descant.config.networks import ADA, WaveNetShape
from descant.config.training import Training
from descant.config.vocoders import MelWaveNet
from descant.layers.convolution import Reach
from descant.sampling.draw import draw
from descant.sampling.engine import DrawSettings, EngineSettings
from descant.sampling.generate import sequences, uniforms
from descant.sampling.levels import LevelSettings, draw_level
from descant.systems.ada import ADASystem
from descant.systems.drawable import Drawable
from descant.systems.mel_wavenet import MelWaveNetSystem
from descant.systems.wavenet import WaveNetSystem

CLASSES, BATCH = 9, 2
DRAW = DrawSettings(0.9, 0.95)
SETTINGS = LevelSettings(3, DRAW, EngineSettings("reference"), 1e9)
CODES = torch.randint(8, (BATCH, 7), generator=torch.Generator().manual_seed(2))
FRAMES = -11.5 + 13 * torch.rand(BATCH, 7, 5, generator=torch.Generator().manual_seed(2))


@pytest.fixture(params=["nothing", "codes", "frames", "frames at a lower rate"])
def level(
    request: pytest.FixtureRequest,
    tiny_shape: Callable[..., WaveNetShape],
    tiny_training: Callable[..., Training],
    tiny_ada: Callable[..., ADA],
    lively: Callable[[nn.Module], nn.Module],
) -> tuple[Drawable, Tensor | None]:
    """A system, and what it is given."""
    torch.manual_seed(1)
    if request.param == "nothing":
        prior = WaveNetSystem(tiny_shape(), CLASSES).eval()
        lively(prior)
        return prior, None
    if request.param.startswith("frames"):
        strides = (2,) if request.param.endswith("rate") else (2, 2)
        section = MelWaveNet(
            upsampling={"strides": strides, "channels": 4}, local_model=tiny_shape(), training=tiny_training()
        )
        vocoder = MelWaveNetSystem(section, CLASSES, FRAMES.shape[2], 4).eval()
        assert vocoder.network.condition is not None
        nn.init.normal_(vocoder.network.condition.weight, std=0.2)
        lively(vocoder)
        return vocoder, FRAMES
    ada = ADASystem(tiny_ada(), CLASSES).eval()
    lively(ada)
    return ada, CODES


@torch.inference_mode()
def by_full_passes(system: Drawable, given: Tensor | None, steps: int, prime: Tensor) -> np.ndarray:
    """What is drawn when every step takes a forward pass over all steps before it."""
    numbers, drawn = uniforms(SETTINGS.seed, sequences(BATCH), 0, steps), prime
    held = None if given is None else system.conditioning(given, 0, given.shape[1])
    for step in range(prime.shape[1], steps):
        # what stands after a step changes nothing at it
        rest = torch.zeros(BATCH, -(-steps // system.hop) * system.hop - step, dtype=torch.int64)
        logits = system.network(torch.cat([drawn, rest], dim=1), held)[:, step]
        drawn = torch.cat([drawn, draw(logits, numbers[:, step], DRAW.temperature, DRAW.top_p)[:, None]], dim=1)
    return drawn.numpy()


@pytest.mark.parametrize(("steps", "primed"), [(28, 0), (28, 12), (26, 12), (28, 28)])
def test_it_is_what_full_passes_draw(
    level: tuple[Drawable, Tensor | None], tmp_path: Path, steps: int, primed: int
) -> None:
    system, given = level
    prime = torch.randint(CLASSES, (BATCH, primed), generator=torch.Generator().manual_seed(4))
    drawn = draw_level(system, given, BATCH, steps, SETTINGS, tmp_path, prime=prime if primed else None)
    assert drawn.shape == (BATCH, steps) and len(np.unique(drawn)) > 2
    assert np.array_equal(drawn[:, :primed], prime.numpy())
    assert np.array_equal(drawn, by_full_passes(system, given, steps, prime))


def test_a_prime_changes_what_follows_it(level: tuple[Drawable, Tensor | None], tmp_path: Path) -> None:
    system, given = level
    drawn = [
        draw_level(system, given, BATCH, 28, SETTINGS, tmp_path / str(number), prime=torch.full((BATCH, 12), number))
        for number in range(CLASSES)
    ]
    assert len({steps[:, 12:].tobytes() for steps in drawn}) > 1


def test_a_drawable_system_says_what_it_is_given(level: tuple[Drawable, Tensor | None]) -> None:
    system, given = level
    if given is None:
        assert (system.given_classes, system.given_channels, system.hop, system.reach) == (0, 0, 1, Reach(0, 0))
        with pytest.raises(NotImplementedError):
            system.conditioning(CODES, 0, 1)
    else:
        assert system.hop == 4 and system.reach.right > 0
        assert (system.given_classes, system.given_channels) == ((8, 0) if given is CODES else (0, 5))
