"""Activations and durations: their losses in closed form, and notes that come back from what is said of them."""

from math import log

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from grids import any_rolls
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from descant.layers.polyphony import (
    activation_and_duration,
    activation_nats,
    duration_errors,
    features,
    likeliest,
    note_figures,
)


def surely(roll: Tensor) -> Tensor:
    """What a network says that is sure of a roll."""
    begins, durations = features(roll).unbind(-2)
    return torch.stack([20 * begins - 10, durations], -2)


def said_of(shape: torch.Size, seed: int) -> Tensor:
    noise = torch.Generator().manual_seed(seed)
    return activation_and_duration(torch.randn(*shape[:-1], 256, generator=noise, dtype=torch.float64))


@given(any_rolls(), st.floats(-0.49, 0.49))
def test_what_is_said_surely_comes_back(roll: np.ndarray, off: float) -> None:
    tokens = torch.from_numpy(roll.astype("int64"))
    said = surely(tokens)
    # durations are read to the nearest sixteenth
    said[..., 1, :] += off / 16
    assert torch.equal(likeliest(said), tokens)
    figures = note_figures(said, tokens)
    assert float(figures["f1"]) == bool(tokens.any())
    assert float(figures["duration_error"]) == pytest.approx(abs(off) * bool(tokens.any()), abs=1e-4)


@given(any_rolls(), st.integers(0, 100))
def test_losses_are_a_cross_entropy_of_each_pitch_and_an_error_of_each_note(roll: np.ndarray, seed: int) -> None:
    tokens = torch.from_numpy(roll.astype("int64"))
    said = said_of(tokens.shape, seed)
    probability, begins = said[..., 0, :].sigmoid(), (tokens > 0).double()
    by_torch = F.binary_cross_entropy(probability, begins, reduction="none").sum(-1)
    torch.testing.assert_close(activation_nats(said, tokens), by_torch)
    by_hand = sum(
        (float(said[step, voice, 1, pitch]) - int(tokens[step, voice, pitch]) / 16) ** 2
        for step, voice, pitch in torch.nonzero(tokens).tolist()
    )
    assert float(duration_errors(said, tokens).sum()) == pytest.approx(by_hand)


@given(any_rolls(), st.integers(0, 100))
def test_f1_is_that_of_sets(roll: np.ndarray, seed: int) -> None:
    tokens = torch.from_numpy(roll.astype("int64"))
    said = surely(tokens) * 0.05 + said_of(tokens.shape, seed)
    guessed, true = ({tuple(at) for at in torch.nonzero(one).tolist()} for one in (likeliest(said), tokens))
    expected = 2 * len(guessed & true) / max(1, len(guessed) + len(true))
    assert float(note_figures(said, tokens)["f1"]) == pytest.approx(expected, rel=1e-5)


def test_an_untrained_head_says_that_few_notes_begin_and_last_a_quarter() -> None:
    said = activation_and_duration(torch.zeros(256, dtype=torch.float64))
    assert float(activation_nats(said, torch.zeros(128, dtype=torch.int64))) == pytest.approx(-128 * log(127 / 128))
    torch.testing.assert_close(said[1], torch.full((128,), 0.25, dtype=torch.float64))
    assert bool((activation_and_duration(torch.full((256,), -9.0))[1] == 0).all()), "a rectifier"
