"""VQ-VAEs of the waveform: blocks equal the whole, codes are used and settle, gradients arrive, and they learn."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from waits import Waits
from waveforms import record

from descant.config.training import Training
from descant.config.vqvaes import VQVAE
from descant.layers.bottleneck import VectorQuantisation
from descant.modelfile import read_model
from descant.sequences import Labels
from descant.systems import vqvae
from descant.systems.base import WAVEFORM
from descant.systems.restore import restore
from descant.systems.vqvae import FULL_SCALE, VQVAESystem
from descant.training.devices import Devices
from descant.training.history import read_history
from descant.training.noise import torch_generator
from descant.training.session import Session, train_to_file

RATE, CLASSES = 4000, 16
CPU = torch.device("cpu")


def section(training: Training, codebook: dict[str, Any] | None = None, **over: Any) -> VQVAE:
    book = {"classes": CLASSES, "dimension": 4, "ema_decay": 0.9, **(codebook or {})}
    return VQVAE.model_validate(
        {"hop": 8, "channels": 8, "depth": 2, "codebook": book, "training": training.model_dump(), **over}
    )


@pytest.fixture(scope="module")
def build(tiny_training: Callable[..., Training]) -> Callable[..., VQVAESystem]:
    """``build(codebook, …)``: a system whose codebook has seen some music."""

    def build(codebook: dict[str, Any] | None = None, **over: Any) -> VQVAESystem:
        torch.manual_seed(1)
        system = VQVAESystem(section(tiny_training(), codebook, **over), RATE).eval()
        for part in system.modules():
            if isinstance(part, torch.nn.Conv1d):
                # blocks that do something
                torch.nn.init.kaiming_normal_(part.weight)
        with torch.no_grad():
            for step in range(4):
                result = system(batch(4, 512), torch_generator(step))
                system.finish_step(result.observed, torch_generator("finish", step))
        return system

    return build


def batch(rows: int, length: int, seed: int = 2) -> dict[str, Tensor]:
    """Windows of tones and noise, of 16-bit scale."""
    random = torch.Generator().manual_seed(seed)
    pitches = 100 + 900 * torch.rand(rows, 1, generator=random)
    tones = 0.3 * torch.sin(2 * torch.pi * pitches * torch.arange(length) / RATE)
    return {WAVEFORM: (FULL_SCALE * (tones + 0.01 * torch.randn(rows, length, generator=random))).round()}


def samples(length: int) -> npt.NDArray[np.int16]:
    return batch(1, length)[WAVEFORM][0].numpy().astype(np.int16)


@pytest.mark.parametrize("quantisers", [1, 3])
def test_codes_and_sound_have_the_shapes_they_state(build: Callable[..., VQVAESystem], quantisers: int) -> None:
    system = build({"quantisers": quantisers})
    with torch.no_grad():
        codes = system.encode(batch(2, 160)[WAVEFORM] / FULL_SCALE)
        assert codes.shape == ((2, 20, 3) if quantisers > 1 else (2, 20))
        assert system.code_channels == (3 if quantisers > 1 else 0) and system.codes == CLASSES
        assert int(codes.min()) >= 0 and int(codes.max()) < CLASSES
        assert system.decode(codes).shape == (2, 160)


@pytest.mark.parametrize("quantisers", [1, 2])
@given(data=st.data())
@settings(max_examples=15)
def test_blocks_equal_the_whole(build: Callable[..., VQVAESystem], quantisers: int, data: st.DataObject) -> None:
    system = build({"quantisers": quantisers})
    length = data.draw(st.integers(1, 900), label="samples")
    block = data.draw(st.integers(1, 400), label="block")
    audio = samples(length)
    padded = np.concatenate([audio, np.repeat(audio[-1:], -length % 8)]).astype(np.float32) / FULL_SCALE
    with torch.no_grad():
        whole = system.encode(torch.from_numpy(padded)[None])[0].numpy()
        sound = system.decode(torch.from_numpy(whole)[None])[0].numpy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vqvae, "BLOCK_STEPS", block)
        codes = np.concatenate(list(system.code_blocks(audio, CPU)))
        made = np.concatenate(list(system.sound_blocks(codes, CPU)))
    np.testing.assert_array_equal(codes, whole)
    np.testing.assert_allclose(made, sound, rtol=1e-5, atol=1e-6 * np.abs(sound).max())


def test_no_block_grows_with_the_track(build: Callable[..., VQVAESystem], monkeypatch: pytest.MonkeyPatch) -> None:
    system, longest = build(), []
    monkeypatch.setattr(vqvae, "BLOCK_STEPS", 400)
    for part in (system.encoder, system.decoder):
        part.register_forward_pre_hook(lambda module, given: longest.append(given[0].shape[1]))
    peaks = []
    for length in (2000, 20000):
        longest.clear()
        list(system.sound_blocks(np.concatenate(list(system.code_blocks(samples(length), CPU))), CPU))
        peaks.append(max(longest))
    assert peaks[0] == peaks[1] < 1000


@pytest.mark.parametrize("loss", [{}, {"spectrum": "log_mel", "peaks": 0.02}])
@pytest.mark.parametrize("quantisers", [1, 2])
def test_every_weight_gets_a_gradient(build: Callable[..., VQVAESystem], quantisers: int, loss: dict[str, Any]) -> None:
    system = build({"quantisers": quantisers}, loss=loss).train()
    result = system(batch(3, 512), torch_generator("noise"))
    result.loss.backward()
    assert all(float(parameter.grad.abs().sum()) > 0 for parameter in system.parameters() if parameter.grad is not None)
    assert not [name for name, parameter in system.named_parameters() if parameter.grad is None]
    assert next(iter(result.metrics)) == system.headline
    with torch.no_grad():
        assert next(iter(system.validate(batch(3, 512), torch_generator("noise")))) == system.headline


def test_the_loss_does_not_depend_on_how_loud_the_music_is(build: Callable[..., VQVAESystem]) -> None:
    system = build(loss={"peaks": 0.02})
    true = batch(3, 512)[WAVEFORM] / FULL_SCALE
    made = true + 0.1 * torch.randn(3, 512, generator=torch.Generator().manual_seed(3))
    loud, quiet = (system._losses(level * made, level * true) for level in (1.0, 0.1))
    torch.testing.assert_close(loud, quiet, rtol=1e-3, atol=0)
    errors = (made - true).square()
    assert float(loud["waveform"]) == pytest.approx(float(errors.mean() / true.square().mean()))
    # 512 samples have 2 peaks
    largest = errors.sort(dim=1).values[:, -2:].mean()
    assert float(loud["peaks"]) == pytest.approx(0.02 * float(largest / true.square().mean()))


def test_silence_is_learnt_from(build: Callable[..., VQVAESystem]) -> None:
    system = build().train()
    result = system({WAVEFORM: torch.zeros(2, 512)}, torch_generator("noise"))
    result.loss.backward()
    figures = [result.loss, *result.metrics.values()]
    assert all(bool(figure.isfinite()) for figure in figures)
    assert all(bool(parameter.grad.isfinite().all()) for parameter in system.parameters() if parameter.grad is not None)


def test_codes_that_are_used_alike_have_the_perplexity_of_their_number(build: Callable[..., VQVAESystem]) -> None:
    system = build()
    assert isinstance(system.codebook, VectorQuantisation)
    # every code once: the vectors are the codebook itself
    bottled = system.codebook(system.codebook.codebook[None].clone())
    figures = system._figures(torch.zeros(1, 512), torch.ones(1, 512), bottled)
    assert float(figures["perplexity"]) == pytest.approx(CLASSES)
    assert float(figures[system.headline]) == pytest.approx(0, abs=0.01), "silence in place of music is 0 dB"


def test_the_codebook_follows_a_step_without_fetching_a_number(build: Callable[..., VQVAESystem]) -> None:
    system = build()
    observed = system(batch(2, 256), torch_generator("step", 0)).observed
    # the first step asks whether the codebook has begun
    system.finish_step(observed, torch_generator("finish", 0))
    with Waits() as waits:
        system.finish_step(observed, torch_generator("finish", 1))
    assert not waits.places


def test_no_code_is_restarted_at_the_end(tiny_training: Callable[..., Training]) -> None:
    training = tiny_training(steps=20, schedule={"warmup_steps": 1})
    torch.manual_seed(1)
    # all but the commonest are restarted whenever they may be
    system = VQVAESystem(section(training, {"restart_below": 1.0}), RATE).train()
    assert isinstance(system.codebook, VectorQuantisation)
    alike = []
    for step in range(20):
        observed = system(batch(4, 512, seed=step), torch_generator(step)).observed
        plain = VQVAESystem(section(training, {"restart_below": 0.0}), RATE)
        plain.load_state_dict(system.state_dict())
        for one in (system, plain):
            one.finish_step(observed, torch_generator("finish", step))
        assert isinstance(plain.codebook, VectorQuantisation)
        alike.append(torch.equal(plain.codebook.codebook, system.codebook.codebook))
    # the first step takes the codebook from the music
    assert alike == [True] + [False] * 17 + [True] * 2


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_training: Callable[..., Training]) -> Path:
    """Folder of a training on tones, with its session's files."""
    folder = tmp_path_factory.mktemp("vqvae")
    time = np.arange(RATE) / RATE
    tones = [0.3 * np.sin(2 * np.pi * pitch * time) for pitch in (220.0, 330.0, 440.0, 330.0)]
    splits = ["train", "train", "train", "validation"]
    dealt = enumerate(zip(splits, tones, strict=True))
    rows = [(f"{number:064x}", split, tone, Labels()) for number, (split, tone) in dealt]
    streams = {WAVEFORM: record(folder / "waveform", rows, RATE)}
    training = tiny_training(
        steps=120, window=1024, batch=4, learning_rate=0.003, validate_every=40, validation_batches=1
    )
    session = Session("vqvae", section(training), folder / "runs", 1, Devices())
    train_to_file(session, streams, folder / "model.safetensors", folder / "metrics.csv")
    return folder


def test_it_learns_tones_with_more_than_one_code(trained: Path) -> None:
    held_out = [row for row in read_history(trained / "metrics.csv") if row.split == "validation"]
    first, last = (
        {row.metric: row.value for row in held_out if row.step == step}
        for step in (held_out[0].step, held_out[-1].step)
    )
    assert last["spectral_convergence_db"] < first["spectral_convergence_db"] - 3
    assert last["perplexity"] > 4


def test_it_comes_back_from_its_file(trained: Path) -> None:
    system = restore(read_model(trained / "model.safetensors"), VQVAESystem)
    assert int(system.steps_done) == 120
    codes = np.concatenate(list(system.code_blocks(samples(1000), CPU)))
    assert codes.shape == (125,)


def test_a_training_that_starts_from_it_restarts_no_code(trained: Path, tiny_training: Callable[..., Training]) -> None:
    training = tiny_training(window=512, start_from=trained / "model.safetensors")
    session = Session("vqvae", section(training, {"restart_below": 1.0}), trained / "others", 1, Devices())
    streams = {WAVEFORM: record(trained / "again", [("a" * 64, "train", np.ones(2000) / 9, Labels())], RATE)}
    system = session.build(streams)
    assert isinstance(system, VQVAESystem) and isinstance(system.codebook, VectorQuantisation)
    before = system.codebook.usage.clone()
    observed = system(batch(1, 512), torch_generator("n")).observed
    system.finish_step(observed, torch_generator("n"))
    counted = torch.bincount(observed["codes"].flatten(), minlength=CLASSES).float()
    torch.testing.assert_close(system.codebook.usage, before.lerp(counted, 0.1))
