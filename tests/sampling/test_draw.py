"""The draw: the inverse of the distribution it is asked for, and never anything outside it."""

import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from descant.sampling.draw import draw, most_probable, nucleus

LOGITS = st.lists(st.floats(-20, 20), min_size=1, max_size=12)
UNIFORMS = st.floats(0, 1, exclude_max=True)
LAST = math.nextafter(1.0, 0.0)


def one(logits: list[float], uniform: float, temperature: float = 1.0, top_p: float = 1.0) -> int:
    uniforms = torch.tensor([uniform], dtype=torch.float64)
    return int(draw(torch.tensor([logits]), uniforms, temperature, top_p))


def many(logits: Tensor, uniforms: Tensor, temperature: float = 1.0, top_p: float = 1.0) -> np.ndarray:
    drawn = draw(logits.expand(len(uniforms), -1), uniforms, temperature, top_p)
    return np.bincount(drawn.numpy(), minlength=len(logits))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_frequencies_are_those_of_the_softmax(temperature: float) -> None:
    logits = torch.tensor([0.3, -1.0, 2.0, 0.0, 1.2, -0.5])
    uniforms = torch.rand(20_000, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    expected = torch.softmax(logits.double() / temperature, -1).numpy() * len(uniforms)
    assert scipy.stats.chisquare(many(logits, uniforms, temperature), expected).pvalue > 1e-3


@given(logits=LOGITS, temperature=st.floats(0.2, 5))
def test_even_uniforms_give_every_class_its_share_to_one_draw(logits: list[float], temperature: float) -> None:
    grid = (torch.arange(500, dtype=torch.float64) + 0.5) / 500
    expected = torch.softmax(torch.tensor(logits).double() / temperature, -1).numpy() * 500
    assert np.abs(many(torch.tensor(logits), grid, temperature) - expected).max() <= 1 + 1e-6


@given(logits=LOGITS, low=UNIFORMS, high=UNIFORMS, top_p=st.floats(0.05, 1))
def test_a_larger_uniform_never_gives_a_smaller_class(
    logits: list[float], low: float, high: float, top_p: float
) -> None:
    low, high = sorted((low, high))
    assert one(logits, low, top_p=top_p) <= one(logits, high, top_p=top_p)


@given(logits=LOGITS, uniform=st.one_of(UNIFORMS, st.sampled_from([0.0, 5e-324, LAST])), top_p=st.floats(0.01, 1))
def test_what_is_drawn_is_in_range_and_in_the_nucleus(logits: list[float], uniform: float, top_p: float) -> None:
    drawn = one(logits, uniform, top_p=top_p)
    assert 0 <= drawn < len(logits)
    kept = nucleus(torch.softmax(torch.tensor([logits]).double(), -1), top_p)[0]
    assert kept[drawn] > 0


@pytest.mark.parametrize("uniform", [0.0, 0.5, LAST])
def test_classes_of_no_probability_are_never_drawn(uniform: float) -> None:
    nothing = float("-inf")
    assert one([nothing, nothing, 1.0, nothing], uniform) == 2
    assert one([nothing, 0.0, nothing, 0.0, nothing], uniform) == (1 if uniform < 0.5 else 3)


@given(logits=st.lists(st.integers(-20, 20), min_size=1, max_size=9, unique=True), uniform=UNIFORMS)
def test_a_low_temperature_and_a_small_nucleus_both_give_the_most_probable(logits: list[int], uniform: float) -> None:
    best = int(np.argmax(logits))
    values = [float(logit) for logit in logits]
    assume(uniform <= 1 - 1e-9 and uniform >= 1e-9)
    assert one(values, uniform, temperature=1e-2) == best
    assert one(values, uniform, top_p=1e-9) == best


@given(weights=st.lists(st.integers(1, 50), min_size=1, max_size=10), top_p=st.floats(0.01, 0.999))
def test_the_nucleus_is_the_fewest_most_probable_classes_that_reach_top_p(weights: list[int], top_p: float) -> None:
    exact = [Fraction(weight, sum(weights)) for weight in weights]
    # the oracle: the shortest prefix of the stable order, in exact arithmetic
    order = sorted(range(len(exact)), key=lambda number: (-exact[number], number))
    reached, expected = Fraction(0), []
    for number in order:
        assume(abs(float(reached) - top_p) > 1e-9)
        if reached >= top_p:
            break
        expected.append(number)
        reached += exact[number]
    probabilities = torch.tensor([[float(share) for share in exact]], dtype=torch.float64)
    kept = nucleus(probabilities, top_p)[0]
    assert kept.nonzero().flatten().tolist() == sorted(expected)
    assert torch.equal(kept[expected], probabilities[0, expected]), "what is kept keeps its proportions"


def test_within_the_nucleus_the_proportions_stay() -> None:
    logits = torch.tensor([3.0, 2.0, 1.0, 0.0, -3.0])
    uniforms = torch.rand(20_000, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    counts = many(logits, uniforms, top_p=0.85)
    assert counts[2:].sum() == 0
    expected = torch.softmax(logits[:2].double(), -1).numpy() * len(uniforms)
    assert scipy.stats.chisquare(counts[:2], expected).pvalue > 1e-3


def test_a_batch_draws_each_row_by_its_own_number() -> None:
    logits = torch.randn(50, 7, generator=torch.Generator().manual_seed(3))
    uniforms = torch.rand(50, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    together = draw(logits, uniforms, 0.9, 0.8)
    assert together.dtype == torch.int64
    alone = [int(draw(logits[n : n + 1], uniforms[n : n + 1], 0.9, 0.8)) for n in range(50)]
    assert together.tolist() == alone


@given(logits=LOGITS, uniform=UNIFORMS, top_k=st.integers(1, 12), top_p=st.floats(0.05, 1))
def test_top_k_draws_from_the_most_probable_as_if_there_were_no_others(
    logits: list[float], uniform: float, top_k: int, top_p: float
) -> None:
    probabilities = torch.softmax(torch.tensor(logits).double(), -1)
    best = sorted(range(len(logits)), key=lambda number: -probabilities[number])[:top_k]
    kept = most_probable(probabilities, top_k)
    assert set(kept.nonzero().flatten().tolist()) <= set(best) and float(kept.sum()) == pytest.approx(1)
    numbers = torch.tensor([uniform]).double()
    assert int(draw(torch.tensor([logits]), numbers, 1.0, top_p, top_k)) in best
    alone = [value if number in best else -torch.inf for number, value in enumerate(logits)]
    # floats may part the two where the uniform number lies on an edge
    assume(float((kept.cumsum(-1) - uniform).abs().min()) > 1e-6)
    assert int(draw(torch.tensor([logits]), numbers, 1.0, 1.0, top_k)) == one(alone, uniform)
