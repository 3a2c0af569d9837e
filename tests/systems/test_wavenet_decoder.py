"""A WaveNet below a level's codes: it learns to read them, and is scored and drawn as the lower half of an ADA is."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from small_models import input_of

from descant.config.decoders import WaveNetDecoder
from descant.config.networks import WaveNetShape
from descant.config.training import Training
from descant.errors import ModelFileError
from descant.evaluation.likelihood import ada_bits
from descant.sampling.engine import DrawSettings, EngineSettings
from descant.sampling.levels import LevelSettings, draw_level
from descant.systems.registry import KINDS
from descant.systems.wavenet_decoder import WaveNetDecoderSystem
from descant.training.noise import torch_generator

HOP, CLASSES, CODES = 4, 16, 8


@pytest.fixture
def system(tiny_shape: Callable[..., WaveNetShape], tiny_training: Callable[..., Training]) -> WaveNetDecoderSystem:
    settings = WaveNetDecoder.model_validate(
        {
            "embedding": 4,
            "modulator": {"channels": 8, "blocks": 1},
            "local_model": tiny_shape(),
            "training": tiny_training(),
        }
    )
    inputs = {"steps": input_of(classes=CLASSES), "upper": input_of("upper", classes=CODES, hop=HOP)}
    torch.manual_seed(1)
    built = KINDS["wavenet_decoder"].build(settings, {name: inputs[name] for name in ("steps", "upper")})
    assert isinstance(built, WaveNetDecoderSystem) and (built.hop, built.given_classes) == (HOP, CODES)
    with pytest.raises(ModelFileError, match="no multiple"):
        KINDS["wavenet_decoder"].build(settings, inputs | {"upper": input_of("upper", classes=CODES, hop=1)})
    return built


def music(count: int, codes: int = 24) -> dict[str, torch.Tensor]:
    """Steps that say nothing of one another, and codes that say all of them but one bit."""
    numbers = torch.Generator().manual_seed(count)
    upper = torch.randint(CODES, (count, codes), generator=numbers)
    own = torch.randint(2, (count, codes * HOP), generator=numbers)
    return {"steps": 2 * upper.repeat_interleave(HOP, 1) + own, "upper": upper}


def learn(system: WaveNetDecoderSystem, steps: int = 150) -> None:
    optimizer = torch.optim.Adam(system.parameters(), 0.02)
    for step in range(steps):
        optimizer.zero_grad()
        system(music(4 + step % 8), torch_generator("learn", step)).loss.backward()
        optimizer.step()
    system.eval()


def test_it_learns_what_the_codes_say_and_is_drawn_by_the_number_of_each_sequence(
    system: WaveNetDecoderSystem, tmp_path: Path
) -> None:
    learn(system)
    with torch.no_grad():
        figures = system.validate(music(20), torch_generator("validate"))
    # one bit a step is free
    assert 1 <= float(figures["bits"]) < 1.6 and float(figures["gap"]) > 1
    settings = LevelSettings(3, DrawSettings(0.9), EngineSettings("reference"), save_every_seconds=1e9)
    given = music(4)["upper"]
    drawn = draw_level(system, given, 4, 90, settings, tmp_path / "all")
    own = draw_level(system, given[[3, 1]], 2, 90, settings, tmp_path / "two", numbers=(3, 1))
    assert np.array_equal(own, drawn[[3, 1]])
    said = given.repeat_interleave(HOP, 1)[:, :90].numpy()
    assert (drawn // 2 == said).mean() > 0.9


def test_bits_of_windows_are_those_of_the_whole(system: WaveNetDecoderSystem) -> None:
    track = music(1, codes=60)
    steps, codes = track["steps"][0, :237].numpy(), track["upper"][0].numpy()
    bits = [ada_bits(system.eval(), steps, codes, window, torch.device("cpu")) for window in (16, 4096)]
    assert bits[0] == pytest.approx(bits[1], rel=1e-5)
