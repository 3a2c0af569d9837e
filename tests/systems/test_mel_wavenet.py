"""The WaveNet vocoder: causal, its conditioning by blocks that of the whole, and it learns to hear its mel frames."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import input_of
from torch import Tensor, nn

from descant.audio import mulaw
from descant.config.mel import MEL
from descant.config.models import EngineName
from descant.config.networks import WaveNetShape
from descant.config.training import Training
from descant.config.vocoders import MelWaveNet
from descant.errors import SequenceError
from descant.sampling.engine import DrawSettings, EngineSettings
from descant.sampling.levels import LevelSettings, draw_level
from descant.systems.base import STEPS
from descant.systems.mel_wavenet import MelWaveNetSystem, build_mel_wavenet
from descant.systems.registry import KINDS

BANDS, STEP = 5, 12
STRIDES = [(12,), (3, 4), (2, 2), (4,)]


@pytest.fixture(scope="module")
def build(
    tiny_shape: Callable[..., WaveNetShape], tiny_training: Callable[..., Training]
) -> Callable[..., MelWaveNetSystem]:
    """``build(strides, classes=16, step=12, **shape)``."""

    def build(strides: tuple[int, ...], classes: int = 16, step: int = STEP, **shape: Any) -> MelWaveNetSystem:
        torch.manual_seed(sum(strides))
        upsampling = {"strides": strides, "channels": 4}
        section = MelWaveNet(upsampling=upsampling, local_model=tiny_shape(**shape), training=tiny_training())
        mel = input_of(MEL, classes=0, channels=BANDS, hop=step)
        return build_mel_wavenet(section, {STEPS: input_of(classes=classes), MEL: mel}).eval()

    return build


def frames(batch: int, count: int, seed: int = 1) -> Tensor:
    """Log-mel between silence and loud."""
    return -11.5 + 13 * torch.rand(batch, count, BANDS, generator=torch.Generator().manual_seed(seed))


def hear(system: MelWaveNetSystem) -> MelWaveNetSystem:
    """Weights that let the local model depend on its conditioning and its positions, as after training."""
    assert system.local_model.condition is not None and system.local_model.position is not None
    with torch.no_grad():
        for parameter in (system.local_model.condition.weight, system.local_model.position.weight):
            nn.init.normal_(parameter, generator=torch.Generator().manual_seed(3))
    return system


@pytest.mark.parametrize("strides", STRIDES)
def test_an_entry_of_the_conditioning_is_a_hop_of_the_network(
    build: Callable[..., MelWaveNetSystem], strides: tuple[int, ...]
) -> None:
    system = build(strides)
    assert (system.hop, system.given_classes, system.given_channels) == (STEP, 0, BANDS)
    assert system.network.hop * torch.tensor(strides).prod() == STEP
    held = system.conditioning(frames(2, 3), 0, 3)
    assert held.shape == (2, 3 * STEP // system.network.hop, system.network.conditioning_channels)


@pytest.mark.parametrize("strides", STRIDES)
@torch.no_grad()
def test_logits_depend_on_no_present_step_and_on_frames_within_reach_only(
    build: Callable[..., MelWaveNetSystem], strides: tuple[int, ...]
) -> None:
    system, mel = hear(build(strides)), frames(1, 8)
    steps = torch.randint(16, (1, 8 * STEP), generator=torch.Generator().manual_seed(2))
    at, own = 3 * STEP + 5, 3

    def logits(steps: Tensor, mel: Tensor) -> Tensor:
        return system.network(steps, system.conditioning(mel, 0, 8))[0, at]

    before = logits(steps, mel)
    future = steps.clone()
    future[:, at:] = (future[:, at:] + 1) % 16
    assert torch.equal(logits(future, mel), before)
    # the past, which the logits see as well, sees frames of its own: what is after reach is seen by none
    heard = []
    for frame in range(8):
        other = mel.clone()
        other[:, frame] += 1
        heard.append(not torch.equal(logits(steps, other), before))
    assert heard[own] and not any(heard[own + system.reach.right + 1 :])


@pytest.mark.parametrize("strides", STRIDES)
@settings(max_examples=15)
@given(data=st.data())
def test_conditioning_of_a_block_is_that_of_the_whole(
    build: Callable[..., MelWaveNetSystem], strides: tuple[int, ...], data: st.DataObject
) -> None:
    system = build(strides)
    count = data.draw(st.integers(1, 12), label="frames")
    start = data.draw(st.integers(0, count - 1), label="start")
    stop = data.draw(st.integers(start + 1, count), label="stop")
    mel, rate = frames(2, count, count), STEP // system.network.hop
    whole, block = system.conditioning(mel, 0, count), system.conditioning(mel, start, stop)
    torch.testing.assert_close(block, whole[:, start * rate : stop * rate], rtol=1e-5, atol=1e-6)


def test_fresh_weights_take_no_notice_of_the_mel_and_learn_to(build: Callable[..., MelWaveNetSystem]) -> None:
    system, generator = build((2, 2), step=4), torch.Generator().manual_seed(4)
    # each frame's steps are one value, which only the frame says
    values = torch.randint(16, (8, 20), generator=generator)
    batch = {STEPS: values.repeat_interleave(4, 1), MEL: (values / 2 - 9.0)[..., None].expand(-1, -1, BANDS)}
    with torch.no_grad():
        assert float(system.validate(batch, generator)["gap"]) == 0
    optimizer = torch.optim.Adam(system.parameters(), 0.01)
    losses = []
    for _ in range(150):
        optimizer.zero_grad()
        result = system.train()(batch, generator)
        result.loss.backward()
        optimizer.step()
        losses.append(float(result.metrics["bits"]))
    assert losses[-1] < 0.5 * losses[0]
    assert all(parameter.grad is not None for parameter in system.modulator.parameters())
    with torch.no_grad():
        figures = system.eval().validate(batch, generator)
    assert next(iter(figures)) == system.headline and float(figures["gap"]) > 0.3


@pytest.mark.parametrize("engine", ["native", "numba"])
@pytest.mark.parametrize("strides", STRIDES)
def test_engines_draw_what_the_reference_does(
    build: Callable[..., MelWaveNetSystem], tmp_path: Path, strides: tuple[int, ...], engine: EngineName
) -> None:
    if engine == "native" and not any(shutil.which(name) for name in ("c++", "g++", "clang++")):
        pytest.skip("no C++ compiler")
    system, mel = hear(build(strides)), frames(2, 9)

    def drawn(name: EngineName, steps: int) -> np.ndarray:
        settings = LevelSettings(1, DrawSettings(0.9), EngineSettings(name), 1e9)
        return draw_level(system, mel, 2, steps, settings, tmp_path / f"{name}{steps}")

    # all frames, and some of which the last is cut short
    for steps in (9 * STEP, 7 * STEP - 5):
        expected = drawn("reference", steps)
        assert len(np.unique(expected)) > 2
        assert np.array_equal(drawn(engine, steps), expected)


def test_a_predictor_may_stand_inside(build: Callable[..., MelWaveNetSystem]) -> None:
    prediction = {"order": 16, "window": 64, "every": 16}
    system = hear(build((4,), mulaw.CLASSES, linear_prediction=prediction))
    kind = KINDS["mel_wavenet"]
    shape = WaveNetShape(linear_prediction=prediction)
    assert kind.streams(MelWaveNet(local_model=shape, training={"steps": 1, "batch": 1, "window": 128})) == (
        "steps",
        "predicted",
        "past",
        "mel",
    )
    steps = torch.randint(mulaw.CLASSES, (2, 4 * STEP), generator=torch.Generator().manual_seed(1))
    predictor = system.network.predictor(2)
    assert predictor is not None
    batch = {STEPS: steps, MEL: frames(2, 4), "predicted": torch.from_numpy(predictor.follow(steps.numpy()))}
    result = system(batch, torch.Generator())
    result.loss.backward()
    assert torch.isfinite(result.loss) and system.network.condition is not None
    assert float(system.network.condition.weight.grad.abs().sum()) > 0
    expected = system.network.bits(steps, system.conditioning(batch[MEL], 0, 4)).mean()
    torch.testing.assert_close(result.metrics["bits"], expected.detach())


@pytest.mark.parametrize("wrong", [{"classes": 16, "channels": 0}, {"channels": 0}, {"hop": 1024}, {"hop": 600}])
def test_what_is_no_mel_spectrogram_is_refused(
    tiny_shape: Callable[..., WaveNetShape], tiny_training: Callable[..., Training], wrong: dict[str, int]
) -> None:
    section = MelWaveNet(local_model=tiny_shape(), training=tiny_training())
    mel = input_of(MEL, **{"classes": 0, "channels": BANDS, "hop": 128} | wrong)
    with pytest.raises(SequenceError, match="no mel spectrogram"):
        build_mel_wavenet(section, {STEPS: input_of(), MEL: mel})


def test_strides_must_divide_the_step_of_a_frame(
    tiny_shape: Callable[..., WaveNetShape], tiny_training: Callable[..., Training]
) -> None:
    section = MelWaveNet(upsampling={"strides": (8, 16)}, local_model=tiny_shape(), training=tiny_training())
    mel = input_of(MEL, classes=0, channels=BANDS, hop=64)
    with pytest.raises(SequenceError, match=r"64 steps apart, but upsampling\.strides multiply to 128"):
        build_mel_wavenet(section, {STEPS: input_of(), MEL: mel})
