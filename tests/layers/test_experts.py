"""Products of experts and their divergence against closed forms."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Normal, kl_divergence

from descant.layers.experts import LEAST_DEVIATION, Expert, ProductOfExperts, gaussian_kl, product_of_experts, sample
from descant.training.noise import torch_generator

ONE, FLAT = torch.ones(1), torch.full((1,), torch.inf)
gaussians = st.tuples(st.floats(-5, 5), st.floats(0.05, 5))


def experts_of(values: list[tuple[float, float]]) -> tuple[torch.Tensor, torch.Tensor]:
    both = torch.tensor(values, dtype=torch.float64)
    return both[:, :1], both[:, 1:]


def product(
    values: list[tuple[float, float]], kept: list[bool] | None = None, prior: torch.Tensor = ONE
) -> list[float]:
    mask = torch.tensor([True] * len(values) if kept is None else kept)
    return [float(part) for part in product_of_experts(*experts_of(values), mask, torch.zeros(1), prior)]


def test_precisions_add_and_means_are_weighted_by_them() -> None:
    # precisions 1, 4 and the prior's 1: mean (1 · 3 + 4 · 6) / 6, variance 1 / 6
    assert product([(3.0, 1.0), (6.0, 0.5)]) == pytest.approx([4.5, 6**-0.5])


@given(st.lists(gaussians, min_size=1, max_size=5), st.randoms())
def test_the_order_of_experts_does_not_matter(values: list[tuple[float, float]], random: object) -> None:
    shuffled = sorted(values, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert product(shuffled) == pytest.approx(product(values))


@given(st.lists(gaussians, min_size=1, max_size=4), st.sampled_from([(7.0, 0.1), (float("nan"), float("nan"))]))
def test_an_expert_that_is_dropped_changes_nothing(
    values: list[tuple[float, float]], dropped: tuple[float, float]
) -> None:
    assert product([*values, dropped], [True] * len(values) + [False]) == product(values)


@given(gaussians)
def test_one_expert_with_a_flat_prior_is_itself(expert: tuple[float, float]) -> None:
    assert product([expert], prior=FLAT) == pytest.approx(list(expert))


def test_with_no_expert_the_prior_is_left() -> None:
    assert product([(4.0, 0.1)], [False], 2 * ONE) == pytest.approx([0, 2])


@given(st.lists(gaussians, min_size=1, max_size=4), st.floats(-3, 3))
def test_it_is_the_normalised_product_of_the_densities(values: list[tuple[float, float]], at: float) -> None:
    mean, deviation = product(values)
    logs = [sum(Normal(*one).log_prob(torch.tensor(x)) for one in [*values, (0.0, 1.0)]) for x in (at, mean)]
    own = [Normal(mean, deviation).log_prob(torch.tensor(x)) for x in (at, mean)]
    assert float(logs[0] - logs[1]) == pytest.approx(float(own[0] - own[1]), rel=1e-3, abs=1e-2)


@given(gaussians, gaussians)
def test_the_divergence_is_that_of_gaussians(one: tuple[float, float], other: tuple[float, float]) -> None:
    parts = [torch.tensor([value], dtype=torch.float64) for value in (*one, *other)]
    expected = kl_divergence(Normal(*parts[:2]), Normal(*parts[2:]))
    assert float(gaussian_kl(*parts)) == pytest.approx(float(expected), rel=1e-6, abs=1e-9)


def test_the_divergence_from_a_standard_normal_is_that_of_the_thesis() -> None:
    mean, deviation = torch.tensor([0.5, -1.0]), torch.tensor([0.3, 2.0])
    expected = (-0.5 * (2 * deviation.log() - mean**2 - deviation**2 + 1)).sum()
    found = gaussian_kl(mean, deviation, torch.zeros(2), torch.ones(2))
    torch.testing.assert_close(found, expected)


def test_a_draw_has_the_deviation_that_it_is_given() -> None:
    # the thesis's code takes exp(deviation), so that its noise is never below 1
    drawn = sample(torch.full((20000,), 3.0), torch.full((20000,), 0.1), torch_generator("draw"))
    assert float(drawn.mean()) == pytest.approx(3, abs=0.01) and float(drawn.std()) == pytest.approx(0.1, rel=0.05)


def test_the_prior_begins_standard_and_is_learnt() -> None:
    layer = ProductOfExperts(3)
    torch.testing.assert_close(layer.prior_deviation, torch.ones(3))
    mean, deviation = layer(torch.randn(2, 4, 3), torch.rand(2, 4, 3) + 0.1, torch.ones(2, 4, dtype=torch.bool))
    (mean + deviation).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in layer.parameters())


def test_a_recurrent_product_has_the_one_before_as_one_more_expert() -> None:
    layer = ProductOfExperts(1)
    means, deviations = torch.tensor([[[[2.0]], [[5.0]]]]), torch.ones(1, 2, 1, 1)
    mean, deviation = layer.recurrent(means, deviations, torch.ones(1, 2, 1, dtype=torch.bool))
    # of the first measure with the prior: 1 with variance 1/2; of the second (5 + 2 · 1 + 0) / (1 + 2 + 1)
    torch.testing.assert_close(mean, torch.tensor([[[1.0], [7 / 4]]]))
    torch.testing.assert_close(deviation, torch.tensor([[[0.5**0.5], [0.5]]]))


def test_a_recurrent_product_of_missing_voices_remembers() -> None:
    layer, mask = ProductOfExperts(1), torch.tensor([[[True], [False], [False]]])
    means = torch.tensor([[[[2.0]], [[99.0]], [[-99.0]]]])
    mean, _ = layer.recurrent(means, torch.ones(1, 3, 1, 1), mask)
    torch.testing.assert_close(mean, torch.tensor([[[1.0], [2 / 3], [1 / 2]]]))


def test_an_expert_is_never_certain() -> None:
    mean, deviation = Expert(2, 3)(-1e6 * torch.ones(5, 2))
    assert mean.shape == deviation.shape == (5, 3) and bool((deviation >= LEAST_DEVIATION).all())
