"""The RMVAE of polyphonic voices: its bound in closed form, missing voices, and what it learns."""

from math import log
from pathlib import Path
from typing import Any

import pytest
import torch
from chorales import pack_rolls, roll_of
from small_models import input_of
from torch import Tensor

from descant.config.part_models import RMVAE, AutoregressiveParts
from descant.errors import SequenceError
from descant.modelfile import read_model
from descant.systems.autoregressive_parts import build_autoregressive_parts
from descant.systems.polyphonic_rmvae import PolyphonicRMVAESystem, build_rmvae
from descant.systems.restore import restore
from descant.systems.rmvae import BaseRMVAE
from descant.training.devices import Devices
from descant.training.history import read_history
from descant.training.noise import torch_generator
from descant.training.session import Session, train_to_file

TRAINING = {"steps": 100, "batch": 4, "window": 48}
SILENT = {"scale": 0, "rhythm": 0, "semitone": 0, "tone": 0, "tritone": 0, "input_noise": 0}
VERSIONS = pytest.mark.parametrize("version", ["recurrent", "convolutional"])


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few units over measures."""
    for shapes in ("descant.layers.rmvae.RECURRENT", "descant.layers.rmvae.CONVOLUTIONAL"):
        module, name = shapes.rsplit(".", 1)
        whole = getattr(__import__(module, fromlist=[name]), name)
        monkeypatch.setattr(shapes, {"small": whole["small"]._replace(measure_lstm=(16, 2))})


def system(**over: Any) -> PolyphonicRMVAESystem:
    torch.manual_seed(0)
    settings = RMVAE.model_validate({"latent": 5, "training": TRAINING, **over})
    built = build_rmvae(settings, {"parts": input_of("parts", classes=256, channels=256)})
    assert isinstance(built, PolyphonicRMVAESystem) and built.voices == 2
    return built


def music(measures: int = 3) -> Tensor:
    return torch.stack([torch.from_numpy(roll_of(measures, seed).astype("int64")) for seed in range(2)])


def packed(tokens: Tensor) -> dict[str, Tensor]:
    return {"parts": tokens.flatten(2)}


@VERSIONS
@torch.no_grad()
def test_a_missing_voice_changes_nothing_and_later_measures_neither(version: str) -> None:
    built, tokens, kept = system(version=version).eval(), music(), torch.ones(2, 3, 2, dtype=torch.bool)
    said = built.predict(tokens, kept)
    assert said.shape == (2, 3, 16, 2, 2, 128)
    other, without = tokens.clone(), kept.clone()
    other[:, :, 1] = 3
    without[..., 1] = False
    assert torch.equal(built.predict(other, without), built.predict(tokens, without))
    assert not torch.equal(built.predict(tokens, without), said)
    other = tokens.clone()
    other[:, 16:32] = 0
    after = built.predict(other, kept)
    assert torch.equal(after[:, 0], said[:, 0]) and not torch.equal(after[:, 1], said[:, 1])


@pytest.mark.parametrize("weight", [0.0, 2.0])
def test_the_bound_is_that_of_hand(weight: float, monkeypatch: pytest.MonkeyPatch) -> None:
    built, tokens = system(**SILENT, duration=weight, kl_weight=0), music()
    # all activations are a half, all durations half a measure
    said = torch.stack([torch.zeros(128), torch.full((128,), 0.5)])
    monkeypatch.setattr(
        built.network, "decode", lambda latents, noise: said.expand(*latents.shape[:2], 16, 2, 2, 128).clone()
    )
    durations = tokens[:, 16:][tokens[:, 16:] > 0]
    nats = 128 * log(2)
    error = float((durations / 16 - 0.5).square().sum()) / (2 * 32 * 2)
    result = built(packed(tokens), torch_generator("n"))
    assert next(iter(result.metrics)) == built.headline
    assert float(result.metrics["nll_bound"]) == pytest.approx(nats)
    assert float(result.metrics["duration"]) == pytest.approx(weight * error)
    # both voices play alike often, so that each set of them has the same mean
    assert result.loss.item() == pytest.approx(nats + weight * error, rel=1e-5)
    figures = built.validate(packed(tokens), torch_generator("n"))
    assert float(figures["nll_bound"]) == pytest.approx(nats)
    assert float(figures["duration_error"]) == pytest.approx(float((durations - 8).abs().float().mean()))
    # what is said begins everywhere
    assert float(figures["f1"]) == pytest.approx(2 * len(durations) / (len(durations) + 2 * 32 * 2 * 128))
    found, kl = built.bound(tokens, torch.ones(1, 2, dtype=torch.bool), torch_generator("n"))
    assert found.shape == (1, 2, 2, 16, 2) and kl.shape == (1, 2, 2)
    assert float(found.mean()) == pytest.approx(nats)


@VERSIONS
def test_gradients_reach_every_weight(version: str) -> None:
    built = system(version=version, kl_from=0, kl_until=0)
    built(packed(music(8)), torch_generator("n")).loss.backward()
    assert not [name for name, one in built.named_parameters() if one.grad is None or not one.grad.any()]


def test_noise_flips_activations() -> None:
    tokens = music()
    flipped = system(input_noise=0.5).noisy(tokens, torch_generator("n"))
    share = float(((flipped > 0) != (tokens > 0)).float().mean())
    assert share == pytest.approx(0.5, abs=0.02)
    kept = (flipped > 0) & (tokens > 0)
    assert torch.equal(flipped[kept], tokens[kept]) and int(flipped[tokens == 0].max()) == 1


def test_it_learns_and_comes_back_from_its_file(tmp_path: Path) -> None:
    training = {"steps": 30, "batch": 4, "window": 32, "learning_rate": 0.01, "validate_every": 15}
    settings = RMVAE.model_validate({"latent": 5, "training": training, "kl_weight": 0.1, **SILENT})
    session = Session("rmvae", settings, tmp_path / "runs", 1, Devices())
    train_to_file(session, {"parts": pack_rolls(tmp_path)}, tmp_path / "model.safetensors", tmp_path / "metrics.csv")
    rows = [row for row in read_history(tmp_path / "metrics.csv") if row.split == "validation"]
    bounds = [row.value for row in rows if row.metric == "nll_bound"]
    assert bounds[-1] < bounds[0] < 4
    assert {"duration", "duration_error", "f1", "kl", "scale"} <= {row.metric for row in rows}
    restored = restore(read_model(tmp_path / "model.safetensors"), BaseRMVAE)
    assert isinstance(restored, PolyphonicRMVAESystem) and int(restored.steps_done) == 30


def test_what_is_no_polyphonic_music_is_refused() -> None:
    with pytest.raises(SequenceError, match="200 channels"):
        build_rmvae(
            RMVAE.model_validate({"training": TRAINING}), {"parts": input_of("parts", classes=256, channels=200)}
        )
    single = AutoregressiveParts.model_validate({"training": TRAINING})
    with pytest.raises(SequenceError, match="one note at a time") as refused:
        build_autoregressive_parts(single, {"parts": input_of("parts", classes=256, channels=256)})
    assert "rmvae" in refused.value.cure
