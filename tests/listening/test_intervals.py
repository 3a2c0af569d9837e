"""Intervals cover what they say they cover; the usual ones do not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from descant.listening.intervals import (
    Cells,
    classical_sem,
    difference_interval,
    holm,
    mean_interval,
    preference_interval,
)

MEAN = 3.0


def full(raters: int, items: int) -> tuple[np.ndarray, np.ndarray]:
    rater, item = np.indices((raters, items))
    return rater.ravel(), item.ravel()


def subsets(raters: int, items: int, heard: int) -> tuple[np.ndarray, np.ndarray]:
    """Each rater hears some of the items, each item as often as any other."""
    places = np.arange(raters * heard)
    return places // heard, places * 7 % items


def draw(raters: np.ndarray, items: np.ndarray, random: np.random.Generator) -> Cells:
    values = MEAN + random.normal(0, 0.5, raters.max() + 1)[raters] + random.normal(0, 0.4, items.max() + 1)[items]
    return Cells(np.clip(np.rint(values + random.normal(0, 0.8, len(values))), 1, 5), raters, items)


@pytest.mark.parametrize(
    "design",
    [full(10, 10), full(20, 20), full(17, 30), full(48, 24), subsets(20, 20, 7), subsets(48, 24, 3), full(12, 3)],
    ids=["10x10", "20x20", "17x30", "48x24", "20x20, 7 heard", "48x24, 3 heard", "12x3"],
)
def test_the_two_way_interval_covers_92_to_98_percent(design: tuple[np.ndarray, np.ndarray]) -> None:
    random, covered, draws = np.random.default_rng(1), 0, 600
    for _ in range(draws):
        found = mean_interval(draw(*design, random), 0.95)
        assert found.low is not None and found.high is not None
        covered += found.low <= MEAN <= found.high
    # 600 draws have a standard error of 0.9 points; benchmarks/listening_intervals.py takes 4,000
    assert 0.92 <= covered / draws <= 0.98


def test_the_pooled_interval_does_not() -> None:
    random, covered, design = np.random.default_rng(1), 0, full(20, 20)
    for _ in range(300):
        cells = draw(*design, random)
        sem = classical_sem(cells.values)
        assert sem is not None
        covered += abs(cells.values.mean() - MEAN) <= 1.96 * sem
    assert covered / 300 < 0.65


def test_no_difference_is_found_in_about_5_percent() -> None:
    random, found, (raters, items) = np.random.default_rng(2), 0, full(20, 12)
    for _ in range(400):
        # what a rater thinks of one system, and an item's luck in it, is that system's own
        difference = difference_interval(draw(raters, items, random), draw(raters, items, random), 0.95)
        assert difference.p is not None
        found += difference.p < 0.05
    assert 0.02 <= found / 400 <= 0.08


def test_a_difference_is_paired_by_raters_and_items() -> None:
    random, (raters, items) = np.random.default_rng(3), full(20, 10)
    shared = 3 + random.normal(0, 2, 20)[raters] + random.normal(0, 2, 10)[items]
    first, second = (Cells(shared + shift + random.normal(0, 0.1, 200), raters, items) for shift in (0.2, 0.0))
    paired = difference_interval(first, second, 0.95)
    apart = difference_interval(first, Cells(second.values, raters + 100, items + 100), 0.95)
    assert paired.error is not None and apart.error is not None
    assert paired.p is not None and paired.p < 1e-4
    assert apart.error > 20 * paired.error


def test_one_rating_by_each_of_many_is_the_ordinary_t_interval() -> None:
    random = np.random.default_rng(4)
    values = random.normal(3, 1, 200)
    found = mean_interval(Cells(values, np.arange(200), np.arange(200)), 0.95)
    ordinary = stats.t.interval(0.95, 199, values.mean(), stats.sem(values))
    # the factor G / (G - 1) is once for each of two ways
    assert (found.low, found.high) == pytest.approx(ordinary, abs=1e-3)


@given(st.integers(2, 8), st.integers(2, 8), st.integers(0, 99))
def test_names_of_raters_and_items_and_the_order_do_not_matter(raters: int, items: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    cells = draw(*full(raters, items), random)
    order = random.permutation(len(cells.values))
    renamed = Cells(cells.values[order], 7 * cells.raters[order] + 3, 1000 - cells.items[order])
    first, second = mean_interval(cells, 0.95), mean_interval(renamed, 0.95)
    assert first.low == pytest.approx(second.low) and first.high == pytest.approx(second.high)


def test_one_rater_or_one_item_has_no_interval() -> None:
    for raters, items in (full(1, 9), full(9, 1)):
        found = mean_interval(Cells(np.arange(9.0), raters, items), 0.95)
        assert (found.value, found.error, found.low, found.high, found.p) == (4.0, None, None, None, None)
    assert classical_sem(np.array([3.0])) is None


@pytest.mark.parametrize("value", [3.0, 3.1])
def test_ratings_that_are_all_alike_show_no_interval(value: float) -> None:
    alike = Cells(np.full(9, value), *full(3, 3))
    found = mean_interval(alike, 0.95)
    assert found.value == pytest.approx(value) and (found.error, found.low, found.high, found.p) == (None,) * 4
    # nor that two systems differ beyond chance, however few ratings there are
    apart = difference_interval(alike, Cells(np.full(9, 2.0), *full(3, 3)), 0.95)
    assert apart.value == pytest.approx(value - 2) and (apart.low, apart.p) == (None, None)


@pytest.mark.parametrize("won", [0.5, -0.5])
def test_a_preference_of_all_is_tested_exactly(won: float) -> None:
    found = preference_interval(Cells(np.full(40, won), *full(8, 5)), 0.95)
    exact = stats.binomtest(5 if won > 0 else 0, 5)
    span = exact.proportion_ci(0.95, "exact")
    assert (found.low, found.high) == pytest.approx((span.low - 0.5, span.high - 0.5))
    assert found.p == pytest.approx(exact.pvalue)
    assert preference_interval(Cells(np.full(5, won), *full(1, 5)), 0.95).p is None


@settings(max_examples=6)
@given(st.lists(st.none() | st.floats(0, 1), max_size=12))
def test_holm_is_what_the_library_says(p_values: list[float | None]) -> None:
    adjusted = holm(p_values)
    tested = [p for p in p_values if p is not None]
    assert [p is None for p in adjusted] == [p is None for p in p_values]
    found = [p for p in adjusted if p is not None]
    assert found == pytest.approx(list(multipletests(tested, method="holm")[1]) if tested else [])


def test_holm_by_hand() -> None:
    assert holm([0.01, None, 0.04, 0.03, 0.9]) == pytest.approx([0.04, None, 0.09, 0.09, 0.9])
