"""A walk step by step, in any pieces, far beyond the context, is the full pass; what it keeps is counted."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_transformers import BLOCK, REACH, strong
from torch import Tensor

from descant.layers.attention import WAYS
from descant.layers.transformer import Transformer
from descant.layers.transformer_walk import TransformerWalk

CONTEXT = BLOCK * REACH
# over three contexts: every buffer has gone round
TIME = 3 * CONTEXT + 7


def given_of(network: Transformer, rows: int = 2, time: int = TIME) -> tuple[Tensor, Tensor]:
    numbers = torch.Generator().manual_seed(3)
    steps = torch.randint(network.classes, (rows, time), generator=numbers)
    return steps, torch.randn(rows, time, network.channels, generator=numbers, dtype=torch.float64)


@pytest.mark.parametrize("layers", [1, 2, 3, 7])
def test_step_by_step_equals_the_full_pass(layers: int) -> None:
    network = strong(layers, conditioned=True).double()
    steps, conditions = given_of(network)
    walk, logits = TransformerWalk(network, 2), []
    with torch.inference_mode():
        for at in range(TIME):
            logits.append(walk.next_logits(conditions[:, at : at + 1]))
            walk.previous = steps[:, at]
        torch.testing.assert_close(torch.stack(logits, dim=1), network(steps, conditions), rtol=0, atol=1e-6)


@given(st.lists(st.integers(1, 2 * CONTEXT + 1), max_size=8))
@settings(deadline=None, max_examples=40)
def test_any_pieces_equal_the_full_pass(pieces: list[int]) -> None:
    network = strong(4, conditioned=True).double()
    steps, conditions = given_of(network)
    walk, logits, done = TransformerWalk(network, 2), [], 0
    with torch.inference_mode():
        for piece in [*pieces, TIME]:
            part = slice(done, done + piece)
            logits.append(walk.follow(steps[:, part], conditions[:, part]))
            done = min(TIME, done + piece)
        assert walk.step == TIME
        torch.testing.assert_close(torch.cat(logits, dim=1), network(steps, conditions), rtol=0, atol=1e-6)


@pytest.mark.parametrize("stop", range(0, 2 * CONTEXT, 3))
def test_a_state_is_all_that_the_next_steps_depend_on(stop: int) -> None:
    network = strong(4, conditioned=True)
    steps, conditions = (part if part.dtype == torch.int64 else part.float() for part in given_of(network))
    with torch.inference_mode():
        walk = TransformerWalk(network, 2)
        walk.follow(steps[:, :stop], conditions[:, :stop])
        state = walk.state()
        expected = walk.follow(steps[:, stop:], conditions[:, stop:])
        other = TransformerWalk(network, 2)
        other.follow(steps[:, :5], conditions[:, :5])
        other.load_state(state)
        assert torch.equal(other.follow(steps[:, stop:], conditions[:, stop:]), expected)


def test_jukebox_s_small_prior_keeps_a_third_of_what_dense_attention_would() -> None:
    """48 layers of heads 256 wide together, 64 blocks of 128: 134 MiB a sample in 16 bits, against 384."""
    walk = TransformerWalk(Transformer(2, 2, 3, 1, 256, 2, 128, 64), 1)
    # of each way one layer here and 16 there, in half the bytes of float32
    mebibytes = 16 * walk.bytes / 2**20 / 2
    dense = 48 * 2 * 8192 * 256 * 2 / 2**20
    assert (mebibytes, dense) == (134.0, 384.0)
    lengths = {"own": 128, "previous": 256, "strided": 8192}
    assert {way: walk.keys[way][0, 0].numel() // 256 for way in WAYS} == lengths
