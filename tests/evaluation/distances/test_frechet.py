"""The Fréchet distance: exact where it is known, and stable where covariances are singular."""

import numpy as np
import pytest
import scipy.linalg
from embedded_sets import drawn_set, set_of
from hypothesis import given
from hypothesis import strategies as st

from descant.evaluation.distances.frechet import Moments, frechet_distance, moments


def psd(random: np.random.Generator, dimensions: int, rank: int) -> np.ndarray:
    root = random.standard_normal((dimensions, rank)) * random.uniform(0.01, 3)
    return root @ root.T


def test_a_set_is_no_distance_from_itself() -> None:
    for excerpts in (drawn_set(np.random.default_rng(0), 300, 1, 20), drawn_set(np.random.default_rng(0), 6, 2, 40)):
        fitted = moments(excerpts, np.ones(len(excerpts.names)))
        assert frechet_distance(fitted, fitted) < 1e-8


def test_it_is_finite_and_not_negative_for_a_thousand_random_pairs() -> None:
    random = np.random.default_rng(1)
    for _ in range(1000):
        dimensions = int(random.integers(1, 9))
        first, second = (
            Moments(
                random.standard_normal(dimensions), psd(random, dimensions, int(random.integers(1, dimensions + 1)))
            )
            for _ in range(2)
        )
        found = frechet_distance(first, second)
        assert np.isfinite(found) and found >= 0
        assert found == pytest.approx(frechet_distance(second, first), rel=1e-7, abs=1e-7)


@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_it_is_exact_for_diagonal_gaussians(dimensions: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    means, deviations = random.standard_normal((2, dimensions)), random.uniform(0, 2, (2, dimensions))
    exact = np.sum((means[0] - means[1]) ** 2) + np.sum((deviations[0] - deviations[1]) ** 2)
    first, second = (Moments(mean, np.diag(sd**2)) for mean, sd in zip(means, deviations, strict=True))
    assert frechet_distance(first, second) == pytest.approx(exact, rel=1e-9, abs=1e-12)


def test_it_is_what_scipys_matrix_root_gives() -> None:
    random = np.random.default_rng(2)
    first, second = (Moments(random.standard_normal(8), psd(random, 8, 12)) for _ in range(2))
    root = np.real(scipy.linalg.sqrtm(first.covariance @ second.covariance))
    theirs = np.sum((first.mean - second.mean) ** 2) + np.trace(first.covariance + second.covariance - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(theirs, rel=1e-8)


def test_a_rotation_of_both_changes_nothing() -> None:
    random = np.random.default_rng(3)
    rotation, _ = np.linalg.qr(random.standard_normal((10, 10)))
    first, second = drawn_set(random, 40, 1, 10), drawn_set(random, 40, 1, 10, 0.5)
    ones = np.ones(40)
    straight = frechet_distance(moments(first, ones), moments(second, ones))
    turned = [moments(set_of(excerpts.values @ rotation), ones) for excerpts in (first, second)]
    assert frechet_distance(*turned) == pytest.approx(straight, rel=1e-6)


def test_fewer_excerpts_than_dimensions_give_a_number() -> None:
    random = np.random.default_rng(4)
    first, second = drawn_set(random, 5, 1, 60), drawn_set(random, 7, 1, 60)
    found = frechet_distance(moments(first, np.ones(5)), moments(second, np.ones(7)))
    assert np.isfinite(found) and found > 0


@pytest.mark.parametrize(("groups_a_dimension", "least", "most"), [(1, 0.35, 1.0), (10, 0.0, 0.1)])
def test_equal_populations_look_apart_unless_there_are_many_groups(
    groups_a_dimension: int, least: float, most: float
) -> None:
    random, dimensions = np.random.default_rng(6), 30
    groups, found = groups_a_dimension * dimensions, []
    for _ in range(10):
        fitted = [moments(drawn_set(random, groups, 1, dimensions), np.ones(groups)) for _ in range(2)]
        found.append(frechet_distance(*fitted) / dimensions)
    assert least < np.mean(found) < most


def test_moments_are_numpys_where_every_group_is_one_excerpt_and_groups_count_alike() -> None:
    values = np.random.default_rng(5).standard_normal((9, 4))
    fitted = moments(set_of(values), np.ones(9))
    np.testing.assert_allclose(fitted.mean, values.mean(axis=0))
    np.testing.assert_allclose(fitted.covariance, np.cov(values.T))
    # what is drawn twice counts as two
    weights = np.array([2.0, 0, 1, 1, 1, 1, 1, 1, 1])
    again = moments(set_of(values), weights)
    np.testing.assert_allclose(again.covariance, np.cov(np.repeat(values, weights.astype(int), axis=0).T))
    long = set_of(np.concatenate([np.tile(values[:1], (5, 1)), values[1:]]), [0] * 5 + list(range(1, 9)))
    np.testing.assert_allclose(moments(long, np.ones(9)).covariance, fitted.covariance)
