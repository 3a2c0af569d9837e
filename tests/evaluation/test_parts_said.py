"""What networks say of a piece is what they draw, fill and validate by."""

from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from chorales import chorale
from torch import Tensor

from descant.config.part_models import RMVAE, AutoregressiveParts, RecurrentShape
from descant.evaluation.parts_models import NOTHING
from descant.evaluation.parts_row import music_of
from descant.evaluation.parts_said import missing_voices, said_by, silent_measure
from descant.evaluation.parts_scores import SETS
from descant.layers.part_lstm import ranks_of
from descant.sampling.rmvae import fill, go_on
from descant.scores.parts import CLASSES, HELD
from descant.seeds import derive_seed
from descant.systems.autoregressive_parts import AutoregressivePartsSystem, outer_first
from descant.systems.base import System
from descant.systems.rmvae import RMVAESystem

S = TypeVar("S", bound=System)
TRAINING = {"steps": 1, "batch": 1, "window": 64}
ALONE = {voice: SETS.index((voice,)) for voice in range(4)}


def loud(built: S) -> S:
    """Fresh weights say nearly the same of everything."""
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return built.eval()


def autoregressive(**over: Any) -> AutoregressivePartsSystem:
    torch.manual_seed(0)
    section = AutoregressiveParts.model_validate({"width": 8, "context": 4, "training": TRAINING, **over})
    return loud(AutoregressivePartsSystem(section, 4, CLASSES))


@pytest.fixture
def rmvae(monkeypatch: pytest.MonkeyPatch) -> "type[RMVAESystem]":
    monkeypatch.setattr("descant.layers.rmvae.RECURRENT", {"small": RecurrentShape((6, 5), (4, 1), (8,), (8, 1))})
    return RMVAESystem


def built_rmvae(kind: "type[RMVAESystem]", offset: int) -> RMVAESystem:
    torch.manual_seed(0)
    return loud(kind(RMVAE.model_validate({"training": TRAINING, "offset": offset}), 4, CLASSES))


def tokens_of(grid: np.ndarray) -> Tensor:
    return torch.from_numpy(grid.astype(np.int64))[None]


@pytest.mark.parametrize("latent", [0, 3])
@torch.inference_mode()
def test_an_autoregressive_network_says_the_likeliest_tokens_of_its_own_logits(latent: int) -> None:
    built, grid = autoregressive(latent=latent), chorale(3, 1)
    said, silence = said_by(built, grid, 1, 1), silent_measure(torch.device("cpu"))
    ranks = ranks_of(outer_first(4))

    def likeliest_of(tokens: Tensor, fixed: Tensor) -> Tensor:
        return built.network(tokens, fixed, ranks)[0].argmax(-1)

    assert (said.following[:16] == NOTHING).all()
    for at in (16, 32):
        own = tokens_of(np.concatenate([grid[:at], said.following[at : at + 16]]))
        whole = torch.cat([silence, own], 1)
        fixed = torch.zeros_like(whole, dtype=torch.bool)
        fixed[:, : at + 16] = True
        assert torch.equal(likeliest_of(whole, fixed)[:, at + 16 :], own[:, at:])
    for voice in range(4):
        own = tokens_of(grid)
        own[..., voice] = torch.from_numpy(said.filled[:, voice])
        whole = torch.cat([silence, own], 1)
        fixed = torch.ones_like(whole, dtype=torch.bool)
        fixed[:, 16:, voice] = False
        assert torch.equal(likeliest_of(whole, fixed)[:, 16:, voice], own[..., voice])
    assert said.divergence.shape == ((3,) if latent else (0,)) and (said.divergence >= 0).all()


@torch.inference_mode()
def test_its_nats_are_exact_and_of_what_is_missing() -> None:
    built, grid = autoregressive(), chorale(3, 1)
    said = said_by(built, grid, 1, 1)
    missing = missing_voices(torch.device("cpu")).numpy()
    assert np.array_equal(~np.isnan(said.nats), np.broadcast_to(missing[:, None], said.nats.shape))
    whole = torch.cat([silent_measure(torch.device("cpu")), tokens_of(grid)], 1)
    fixed = torch.zeros_like(whole, dtype=torch.bool)
    fixed[:, :16] = True
    # the logarithm of one product of conditionals; what is fixed before costs nothing
    assert np.allclose(said.nats[-1], built.nll(whole, fixed)[0, 16:].numpy(), atol=1e-5)
    fixed[..., [0, 1, 3]] = True
    assert np.allclose(said.nats[ALONE[2], :, 2], built.nll(whole, fixed)[0, 16:, 2].numpy(), atol=1e-5)
    # what comes later changes nothing of what is composed or goes on, but of what is filled
    other = grid.copy()
    other[32:] = chorale(1, 9)
    changed = said_by(built, other, 1, 1)
    assert np.allclose(said.nats[-1, :32], changed.nats[-1, :32], atol=1e-5)
    assert np.array_equal(said.following[:32], changed.following[:32])
    assert not np.allclose(said.nats[ALONE[2], :32, 2], changed.nats[ALONE[2], :32, 2], atol=1e-5)


@pytest.mark.parametrize("offset", [1, 2])
@torch.inference_mode()
def test_an_rmvae_says_what_it_goes_on_with_and_fills(rmvae: "type[RMVAESystem]", offset: int) -> None:
    built, grid = built_rmvae(rmvae, offset), chorale(11, 2)
    said, tokens, first = said_by(built, grid, 1, 1), tokens_of(grid), 16 * offset
    assert (said.following[:first] == NOTHING).all() and (said.filled[:first] == NOTHING).all()
    assert np.isnan(said.nats[:, :first]).all()
    for at in range(first, len(grid), 16):
        assert np.array_equal(said.following[at : at + 16], go_on(built, tokens[:, :at], 1)[0, at:].numpy())
    for voice in range(4):
        assert np.array_equal(said.filled[first:, voice], fill(built, tokens, [voice])[0, first:, voice].numpy())
    missing = missing_voices(torch.device("cpu")).numpy()
    assert np.array_equal(~np.isnan(said.nats[:, -1]), missing)
    assert said.divergence.shape == (11 - offset,)


@pytest.mark.parametrize("offset", [1, 2])
@torch.inference_mode()
def test_its_bound_is_that_of_its_validation(rmvae: "type[RMVAESystem]", offset: int) -> None:
    built, grid = built_rmvae(rmvae, offset), chorale(5, 2)
    said = said_by(built, grid, 1, 7)
    noise = torch.Generator().manual_seed(derive_seed(7, "bound", 0))
    figures = built.validate({"parts": tokens_of(grid)}, noise)
    assert np.nanmean(said.nats[-1]) == pytest.approx(float(figures["nll_bound"]), rel=1e-5)
    assert said.divergence.mean() == pytest.approx(float(figures["kl"]), rel=1e-5)
    # more draws: another mean of the same; and of voices that are there nothing but the past is looked at
    assert np.nanmean(said_by(built, grid, 3, 7).nats[-1]) == pytest.approx(np.nanmean(said.nats[-1]), rel=0.2)
    other = grid.copy()
    other[:, 2] = HELD
    assert np.allclose(said.filled[:, 2], said_by(built, other, 1, 7).filled[:, 2])


def test_a_piece_that_is_too_short_says_nothing(rmvae: "type[RMVAESystem]") -> None:
    grid = chorale(1, 2)
    said = said_by(built_rmvae(rmvae, 1), grid, 1, 1)
    assert np.isnan(said.nats).all() and (said.following == NOTHING).all() and not len(said.divergence)
    assert music_of(said, grid) == ({}, {}, 0)


def test_music_losses_by_hand() -> None:
    grid = np.full((32, 4), HELD, np.uint8)
    grid[16] = 72, 67, 64, 48
    said = said_by(autoregressive(), grid, 1, 1)
    following = np.full((32, 4), NOTHING)
    following[16:] = HELD
    # C and D begin together, a tone apart, on the first sixteenth; D is not in the measure
    following[16] = 72, 62, HELD, HELD
    own, true, measures = music_of(type(said)(said.nats, following, said.filled, said.divergence), grid)
    assert measures == 1
    # of 64 tokens: one earns and one costs by pitch class; both earn by their place
    assert own == pytest.approx({"scale": 0.0, "rhythm": -2 / 64, "harmony": 1 / 16})
    assert true == pytest.approx({"scale": -4 / 64, "rhythm": -4 / 64, "harmony": 0.0})
