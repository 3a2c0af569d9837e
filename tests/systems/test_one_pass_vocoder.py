"""Vocoders of one pass: blocks that equal the whole, noise by its place, gradients everywhere, and they learn."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import input_of

from descant.audio.mel import log_mel
from descant.config.mel import MEL, ROLL, Mel
from descant.config.training import Training
from descant.config.vocoders import OnePassVocoder
from descant.errors import SequenceError
from descant.modelfacts import Input
from descant.modelfile import read_model
from descant.sequences import Labels, SequenceWriter, open_sequence
from descant.systems.base import WAVEFORM
from descant.systems.one_pass_vocoder import OnePassVocoderSystem, build_one_pass_vocoder
from descant.systems.registry import KINDS
from descant.systems.restore import restore
from descant.training.devices import Devices
from descant.training.history import read_history
from descant.training.session import Session, train_to_file

BANDS, STEP, RATE, ROWS = 20, 128, 16000, 6
HEADS = ["oscillators", "istft"]


def section(training: Training, head: str, **over: Any) -> OnePassVocoder:
    return OnePassVocoder(**{"head": head, "channels": 16, "blocks": 2, "training": training, **over})


def inputs() -> dict[str, Input]:
    waveform = input_of(WAVEFORM, classes=0, sample_rate=RATE)
    mel, roll = (
        input_of(name, classes=0, channels=channels, hop=STEP, sample_rate=RATE)
        for name, channels in ((MEL, BANDS), (ROLL, ROWS))
    )
    return {WAVEFORM: waveform, MEL: mel, ROLL: roll}


@pytest.fixture(scope="module")
def build(tiny_training: Callable[..., Training]) -> Callable[..., OnePassVocoderSystem]:
    """``build(head, reads_roll)``: weights that are heard."""

    def build(head: str, reads_roll: bool = False) -> OnePassVocoderSystem:
        torch.manual_seed(1)
        system = build_one_pass_vocoder(section(tiny_training(), head, reads_roll=reads_roll), inputs()).eval()
        with torch.no_grad():
            system.head.outputs.weight *= 3
        return system

    return build


def frames(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-11.5, 1, (count, BANDS)).astype(np.float16)


def keys(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, (count, ROWS)).astype(np.float16)


@pytest.mark.parametrize(("head", "reads_roll"), [("oscillators", False), ("istft", False), ("oscillators", True)])
@settings(max_examples=10)
@given(data=st.data())
def test_blocks_are_the_whole(
    build: Callable[..., OnePassVocoderSystem], head: str, reads_roll: bool, data: st.DataObject
) -> None:
    system = build(head, reads_roll)
    count, block = data.draw(st.integers(1, 60), label="frames"), data.draw(st.integers(1, 60), label="block")
    mel, roll, parts = frames(count, count), keys(count, count) if reads_roll else None, []
    for size in (1 << 20, block):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("descant.systems.one_pass_vocoder.BLOCK_FRAMES", size)
            parts.append(list(system.synthesise(mel, roll, 7)))
    (whole,), blocks = parts
    assert whole.shape == (count * STEP,) and whole.dtype == np.float32
    assert len(blocks) == -(-count // block)
    np.testing.assert_allclose(np.concatenate(blocks), whole, rtol=0, atol=2e-5 * np.abs(whole).max())


@pytest.mark.parametrize("head", HEADS)
def test_a_seed_is_its_noise_and_nothing_else(build: Callable[[str], OnePassVocoderSystem], head: str) -> None:
    system, mel = build(head), frames(30)
    first, again, other = (np.concatenate(list(system.synthesise(mel, None, seed))) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert np.array_equal(first, other) == (head == "istft")


def test_what_is_played_is_heard_where_it_is_read(build: Callable[..., OnePassVocoderSystem]) -> None:
    system, mel, roll = build("istft", True), frames(40), np.zeros((40, ROWS), np.float16)
    played = roll.copy()
    played[20, 3] = 1
    without, with_key = (np.concatenate(list(system.synthesise(mel, one, 1))) for one in (roll, played))
    changed = np.flatnonzero(without != with_key) // STEP
    assert {19, 20, 21} <= set(changed.tolist())
    assert changed.min() >= 20 - system.reach.right and changed.max() <= 20 + system.reach.left


@pytest.mark.parametrize("head", HEADS)
def test_every_part_gets_a_gradient(build: Callable[[str], OnePassVocoderSystem], head: str) -> None:
    system = build(head).train()
    random = torch.Generator().manual_seed(2)
    batch = {MEL: torch.from_numpy(frames(2 * 40).reshape(2, 40, BANDS).astype(np.float32))}
    batch[WAVEFORM] = 3000 * torch.randn(2, 40 * STEP, generator=random)
    result = system(batch, random)
    result.loss.backward()
    assert next(iter(result.metrics)) == system.headline
    for name, parameter in system.named_parameters():
        assert parameter.grad is not None and float(parameter.grad.abs().sum()) > 0, name
        assert bool(parameter.grad.isfinite().all()), name


def test_the_mel_loss_weighs_what_it_is_set_to(
    build: Callable[[str], OnePassVocoderSystem],
) -> None:
    system = build("istft")
    batch = {MEL: torch.zeros(1, 40, BANDS), WAVEFORM: 3000 * torch.randn(1, 40 * STEP)}
    losses = []
    for weight in (0.0, 2.0):
        system.mel_weight = weight
        with torch.no_grad():
            losses.append(system(batch, torch.Generator()))
    assert float(losses[1].loss - losses[0].loss) == pytest.approx(2 * float(losses[0].metrics["mel_l1"]), rel=1e-5)


def mel_of(audio: np.ndarray) -> np.ndarray:
    return np.concatenate(list(log_mel([audio], RATE, Mel(bands=BANDS, step=STEP)))).astype(np.float32)


def write_tones(folder: Path) -> dict[str, Any]:
    """Two short tracks of steady chords, and their mel frames."""
    time, streams = np.arange(48 * STEP) / RATE, {}
    audio = [
        sum(0.1 * np.sin(2 * np.pi * hertz * time) for hertz in chord) for chord in ((220, 330, 440), (220, 277, 330))
    ]
    samples = [np.round(one * 32768).astype(np.int16) for one in audio]
    for name, form, tracks in (
        (WAVEFORM, (0, 1, RATE, 0, "int16"), samples),
        (MEL, (0, STEP, RATE, BANDS, "float16"), [mel_of(one / 32768) for one in samples]),
    ):
        with SequenceWriter(folder / name, *form) as writer:
            for number, (split, steps) in enumerate(zip(("train", "validation"), tracks, strict=True)):
                writer.add(f"{number:016x}", split, Labels(), [steps])
        streams[name] = open_sequence(folder / name)
    return streams


@pytest.mark.parametrize("head", HEADS)
def test_it_learns_and_comes_back_from_its_file(
    tiny_training: Callable[..., Training], tmp_path: Path, head: str
) -> None:
    streams = write_tones(tmp_path)
    training = tiny_training(steps=60, batch=2, window=32 * STEP, learning_rate=0.005, validate_every=20)
    session = Session("one_pass_vocoder", section(training, head, mel_weight=0.1), tmp_path / "runs", 1, Devices())
    train_to_file(session, streams, tmp_path / "model", tmp_path / "metrics.csv")
    rows = [row for row in read_history(tmp_path / "metrics.csv") if row.metric == "stft"]
    train, validation = ([row.value for row in rows if row.split == split] for split in ("train", "validation"))
    assert train[-1] < 0.7 * train[0] and validation[-1] < validation[0]
    system = restore(read_model(tmp_path / "model"), OnePassVocoderSystem)
    mel = streams[MEL].data[:48]
    made = np.concatenate(list(system.synthesise(mel, None, 1)))
    own, true = mel_of(made), np.asarray(mel, dtype=np.float32)
    assert np.abs(own - true).mean() < np.abs(true - true.mean()).mean()


def test_what_is_no_mel_spectrogram_is_refused(tiny_training: Callable[..., Training]) -> None:
    kind, settings = KINDS["one_pass_vocoder"], section(tiny_training(), "istft")
    assert kind.streams(settings) == (WAVEFORM, MEL)
    waveform = input_of(WAVEFORM, classes=0, sample_rate=RATE)
    with pytest.raises(SequenceError, match="no mel spectrogram"):
        kind.build(settings, {WAVEFORM: waveform, MEL: input_of(MEL, classes=0, channels=0, hop=STEP)})


def test_a_roll_of_other_frames_is_refused(tiny_training: Callable[..., Training]) -> None:
    kind, settings = KINDS["one_pass_vocoder"], section(tiny_training(), "istft", reads_roll=True)
    assert kind.streams(settings) == (WAVEFORM, MEL, ROLL)
    other = input_of(ROLL, classes=0, channels=ROWS, hop=2 * STEP, sample_rate=RATE)
    with pytest.raises(SequenceError, match=r"62\.5 frames a second"):
        kind.build(settings, {**inputs(), ROLL: other})
