"""Factorised attention: equal to dense attention under a mask, blind to all else; rotations by their closed form."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from small_transformers import BLOCK, REACH, looked_at
from torch import Tensor

from descant.layers.attention import (
    WAYS,
    FactorisedAttention,
    Way,
    attend_previous,
    attend_strided,
    rotate,
    rotation,
    rotations,
)

HEADS, WIDTH, CHANNELS = 2, 8, 6


def layer_of(way: Way, seed: int = 0) -> FactorisedAttention:
    torch.manual_seed(seed)
    return FactorisedAttention(CHANNELS, WIDTH, HEADS, way, BLOCK, REACH).double()


def dense(layer: FactorisedAttention, hidden: Tensor) -> Tensor:
    """The same layer by one attention over the whole sequence, what is not looked at masked."""
    time = hidden.shape[1]
    turned = rotations(layer.way, torch.arange(time), BLOCK, WIDTH // HEADS)
    queries, keys, values = (part.transpose(1, 2) for part in layer.rotated(hidden, turned))
    mask = looked_at(layer.way, time)
    mixed = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask | ~mask.any(1, keepdim=True))
    # what looks at nothing gets nothing
    mixed = mixed * mask.any(1)[:, None]
    out: Tensor = layer.out(mixed.transpose(1, 2).flatten(2))
    return out


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("blocks", [1, 2, 3, 7])
def test_it_equals_dense_attention_under_a_mask(way: Way, blocks: int) -> None:
    layer, hidden = layer_of(way), torch.randn(2, blocks * BLOCK, CHANNELS, dtype=torch.float64)
    turned = rotations(way, torch.arange(blocks * BLOCK), BLOCK, WIDTH // HEADS)
    torch.testing.assert_close(layer(hidden, turned), dense(layer, hidden), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("way", WAYS)
def test_a_layer_sees_exactly_what_it_is_to_look_at(way: Way) -> None:
    time = 5 * BLOCK
    layer, turned = layer_of(way), rotations(way, torch.arange(time), BLOCK, WIDTH // HEADS)
    hidden = torch.randn(1, time, CHANNELS, dtype=torch.float64, requires_grad=True)
    seen = torch.zeros(time, time, dtype=torch.bool)
    for at in range(time):
        (gradient,) = torch.autograd.grad(layer(hidden, turned)[0, at].square().sum(), hidden)
        seen[at] = gradient[0].abs().amax(-1) > 0
    expected = looked_at(way, time)
    # and itself, which asks, where there is anything to look at
    assert torch.equal(seen, expected | torch.diag(expected.any(1)))


@given(st.integers(0, 10**6), st.integers(0, 300), st.integers(0, 2**31))
@settings(deadline=None, max_examples=30)
def test_scores_of_rotated_vectors_follow_the_closed_form(start: int, distance: int, seed: int) -> None:
    """A pair of channels is a complex number times e^{i p θ}; a product depends on the distance alone."""
    width, numbers = 8, np.random.default_rng(seed)
    query, key = numbers.standard_normal((2, width))
    positions = torch.tensor([start + distance, start])
    turned = rotate(
        torch.tensor(np.stack([query, key]), dtype=torch.float32)[None, :, None], rotation(positions, width)
    )
    rates = 10000.0 ** (-2 * np.arange(width // 2) / width)
    as_complex = [vector[: width // 2] + 1j * vector[width // 2 :] for vector in (query, key)]
    expected = np.sum(as_complex[0] * np.conj(as_complex[1]) * np.exp(1j * distance * rates)).real
    assert float(turned[0, 0, 0] @ turned[0, 1, 0]) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("way", WAYS)
def test_a_sequence_moved_by_whole_blocks_is_looked_at_alike(way: Way) -> None:
    """What a cache relies on when a window rolls on."""
    layer, hidden = layer_of(way), torch.randn(1, 2 * BLOCK, CHANNELS, dtype=torch.float64)
    here, far = (
        layer(hidden, rotations(way, first + torch.arange(2 * BLOCK), BLOCK, WIDTH // HEADS))
        for first in (0, 10_000 * BLOCK)
    )
    torch.testing.assert_close(here, far, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("cut", [1, 2, 5])
def test_a_past_that_was_kept_stands_for_the_blocks_before(cut: int) -> None:
    torch.manual_seed(1)
    queries, keys, values = torch.randn(3, 2, 6, BLOCK, HEADS, 3, dtype=torch.float64)
    tail = (queries[:, cut:], keys[:, cut:], values[:, cut:])
    earlier = (keys[:, max(0, cut - REACH) : cut], values[:, max(0, cut - REACH) : cut])
    whole = attend_strided((queries, keys, values), REACH)
    torch.testing.assert_close(attend_strided(tail, REACH, earlier), whole[:, cut:])
    last = (keys[:, cut - 1 : cut], values[:, cut - 1 : cut])
    torch.testing.assert_close(attend_previous(tail, last), attend_previous((queries, keys, values))[:, cut:])
