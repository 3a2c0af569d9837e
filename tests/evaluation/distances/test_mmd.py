"""MMD²: the direct sum, no bias, groups that count alike, and intervals that cover."""

import numpy as np
import pytest
from embedded_sets import drawn_set, set_of
from hypothesis import given
from hypothesis import strategies as st

from descant.evaluation.distances.embed import EmbeddedSet
from descant.evaluation.distances.mmd import Kernels, mean_kernels, median_distance, mmd2, squared_distances
from descant.statistics import draw_groups, expanded_quantiles, halve_groups


def kernels(first: EmbeddedSet, second: EmbeddedSet, bandwidth: float, is_paired: bool = False) -> Kernels:
    pairs = ((first, first), (second, second), (first, second))
    return Kernels(*(mean_kernels(*pair, bandwidth) for pair in pairs), is_paired)


def distance(first: EmbeddedSet, second: EmbeddedSet, bandwidth: float, is_paired: bool = False) -> float:
    of_groups = kernels(first, second, bandwidth, is_paired)
    return float(mmd2(of_groups, np.ones(len(first.names)), np.ones(len(second.names))))


def gaussian(one: np.ndarray, other: np.ndarray, bandwidth: float) -> float:
    return float(np.exp(-np.sum((one - other) ** 2) / (2 * bandwidth**2)))


@given(st.integers(2, 7), st.integers(2, 7), st.integers(0, 2**32 - 1), st.floats(0.3, 5))
def test_with_one_excerpt_a_group_it_is_the_sum_over_all_pairs(m: int, n: int, seed: int, bandwidth: float) -> None:
    random = np.random.default_rng(seed)
    x, y = random.standard_normal((m, 3)), random.standard_normal((n, 3)) + 1
    direct = sum(gaussian(x[i], x[j], bandwidth) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    direct += sum(gaussian(y[i], y[j], bandwidth) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    direct -= 2 * sum(gaussian(a, b, bandwidth) for a in x for b in y) / (m * n)
    assert distance(set_of(x), set_of(y), bandwidth) == pytest.approx(direct, abs=1e-12)


@given(st.lists(st.integers(1, 4), min_size=2, max_size=5), st.booleans(), st.integers(0, 2**32 - 1))
def test_of_groups_it_is_the_sum_over_pairs_of_groups(sizes: list[int], is_paired: bool, seed: int) -> None:
    random, groups = np.random.default_rng(seed), len(sizes)
    labels = [group for group, size in enumerate(sizes) for _ in range(size)]
    x, y = (set_of(random.standard_normal((len(labels), 2)) + n, labels) for n in (0, 1))

    def mean(one: EmbeddedSet, other: EmbeddedSet, g: int, h: int) -> float:
        pairs = [
            gaussian(a, b, 1.5)
            for a, i in zip(one.values, labels, strict=True)
            for b, j in zip(other.values, labels, strict=True)
            if (i, j) == (g, h)
        ]
        return sum(pairs) / len(pairs)

    apart = [(g, h) for g in range(groups) for h in range(groups) if g != h]
    across = apart if is_paired else [(g, h) for g in range(groups) for h in range(groups)]
    direct = sum(mean(x, x, *pair) + mean(y, y, *pair) for pair in apart) / len(apart)
    direct -= 2 * sum(mean(x, y, *pair) for pair in across) / len(across)
    assert distance(x, y, 1.5, is_paired) == pytest.approx(direct, abs=1e-12)


@pytest.mark.parametrize("each", [1, 4])
def test_it_is_zero_on_average_for_equal_populations_at_20_groups(each: int) -> None:
    random = np.random.default_rng(5)
    found = [distance(*(drawn_set(random, 20, each, 6) for _ in range(2)), 3.5) for _ in range(300)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(len(found))
    # the biased estimate would be about the mean of 1 - k(x, y) over 20, twice
    assert abs(np.mean(found)) < 0.01


def test_a_long_group_does_not_count_more() -> None:
    random = np.random.default_rng(1)
    values, other = random.standard_normal((6, 2)), set_of(random.standard_normal((5, 2)) + 1)
    once = set_of(values, [0, 0, 1, 1, 2, 2])
    often = set_of(np.concatenate([np.tile(values[:2], (9, 1)), values[2:]]), [0] * 18 + [1, 1, 2, 2])
    assert distance(often, other, 1.0) == pytest.approx(distance(once, other, 1.0), abs=1e-12)


def test_a_group_drawn_twice_is_no_pair_of_alikes() -> None:
    """Otherwise the bootstrap would lie above the estimate."""
    random = np.random.default_rng(2)
    of_groups = kernels(drawn_set(random, 12, 3, 4), drawn_set(random, 12, 3, 4), 2.5)
    value = float(mmd2(of_groups, np.ones(12), np.ones(12)))
    draws = mmd2(of_groups, draw_groups(12, 4000, 1, "first"), draw_groups(12, 4000, 1, "second"))
    assert abs(np.mean(draws) - value) < 0.15 * np.std(draws)


@pytest.mark.parametrize(("groups", "mean"), [((8, 5), 0.5), ((8, 5), 1.5), ((20, 20), 0.0), ((20, 20), 1.5)])
def test_the_interval_covers_the_true_distance_as_often_as_it_says(groups: tuple[int, int], mean: float) -> None:
    random, dimensions, bandwidth = np.random.default_rng(4), 8, 4.0
    # E k for Gaussians of unit variance a mean apart: the integral in closed form
    width = bandwidth**2 + 2
    scale = (bandwidth**2 / width) ** (dimensions / 2)
    true = 2 * scale * (1 - np.exp(-dimensions * mean**2 / (2 * width)))
    covered, tries = 0, 150
    for _ in range(tries):
        of_groups = kernels(
            drawn_set(random, groups[0], 3, dimensions, mean), drawn_set(random, groups[1], 3, dimensions), bandwidth
        )
        seed = int(random.integers(2**31))
        weights = [draw_groups(size, 300, seed, name) for size, name in zip(groups, "ab", strict=True)]
        low, high = expanded_quantiles(mmd2(of_groups, *weights), min(groups), 0.95)
        covered += low <= true <= high
    assert covered / tries >= 0.91


def test_all_halvings_together_are_zero_whatever_the_tracks() -> None:
    """This is why the floor is a quantile of them."""
    reference = drawn_set(np.random.default_rng(3), 6, 2, 3)
    own = mean_kernels(reference, reference, 2.0)
    halves = halve_groups(6, 20_000, 1)
    assert (halves.sum(axis=1) == 3).all()
    found = mmd2(Kernels(own, own, own, False), halves, 1 - halves)
    assert np.std(found) > 0.01 and abs(np.mean(found)) < 0.05 * np.std(found)


def test_it_is_not_defined_where_all_weight_is_on_one_group() -> None:
    random = np.random.default_rng(0)
    of_groups = kernels(drawn_set(random, 3, 2, 2), drawn_set(random, 3, 2, 2), 1.0)
    found = mmd2(of_groups, np.array([[3.0, 0, 0], [2, 1, 0]]), np.ones((2, 3)))
    assert np.isnan(found[0]) and np.isfinite(found[1])


def test_the_median_is_over_pairs_of_different_groups() -> None:
    reference = set_of(np.array([[0.0], [0.1], [3.0], [10.0]]), [0, 0, 1, 2])
    assert median_distance(reference) == pytest.approx(np.median([3, 10, 2.9, 9.9, 7]))
    assert median_distance(set_of(np.zeros((3, 1)), [0, 0, 0])) == 0


def test_the_farthest_excerpt_is_the_one_put_far_away() -> None:
    random = np.random.default_rng(8)
    reference, drawn = drawn_set(random, 6, 3, 4), drawn_set(random, 5, 2, 4)
    drawn.values[7] += 20
    found = squared_distances(drawn, reference, median_distance(reference))
    assert np.argmax(found) == 7 and (found > 0).all()
