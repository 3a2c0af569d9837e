"""Thresholds let through what they allow, and the false positives are counted on other tracks."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.evaluation.novelty.calibration import (
    LEAST_WINDOWS,
    Scored,
    calibrate,
    find_threshold,
    matches_left_out,
    with_planted,
)

RATE = 0.001


def gumbel(count: int, seed: int) -> np.ndarray:
    return np.asarray(scipy.stats.gumbel_r.rvs(loc=0.65, scale=0.03, size=count, random_state=seed))


def windows(scores: np.ndarray, tracks: int) -> list[Scored]:
    return [Scored(str(n % tracks), float(n), float(score)) for n, score in enumerate(scores)]


@pytest.mark.parametrize("count", [50, 300, 3000])
def test_the_threshold_is_the_quantile_of_an_extreme_value_law(count: int) -> None:
    thresholds = [find_threshold(gumbel(count, seed), RATE, 0.0) for seed in range(40)]
    passed = scipy.stats.gumbel_r.sf(thresholds, loc=0.65, scale=0.03)
    assert RATE / 3 < np.median(passed) < RATE * 2


def test_no_more_windows_lie_beyond_than_the_rate_makes_likely() -> None:
    scores = gumbel(1000, seed=1)
    scores[:40] = 0.99
    threshold = find_threshold(scores, RATE, 0.0)
    assert threshold > 0.99
    # a few that really repeat the training music do not blind the search
    few = gumbel(1000, seed=1)
    few[:2] = 0.99
    assert find_threshold(few, RATE, 0.0) < 0.95


@given(st.lists(st.floats(0, 1), min_size=LEAST_WINDOWS, max_size=200), st.floats(0, 1))
def test_a_threshold_is_never_under_the_least_nor_the_median(scores: list[float], least: float) -> None:
    threshold = find_threshold(np.array(scores), RATE, least)
    assert threshold >= least and threshold >= np.median(scores)
    assert sum(score >= threshold for score in scores) <= scipy.stats.binom.ppf(0.95, len(scores), RATE)


def test_a_track_that_repeats_the_training_music_is_a_false_positive_of_the_others() -> None:
    scored = [*windows(gumbel(200, seed=2), tracks=8), *(Scored("same", n, 0.98) for n in range(5))]
    assert {window.track for window in matches_left_out(scored, RATE, 0.8)} == {"same"}
    calibration = calibrate(scored, RATE, 0.8, most=1.0)
    assert calibration.false_positives == 5 and calibration.windows == 205 and calibration.tracks == 9


@pytest.mark.parametrize(("count", "tracks"), [(LEAST_WINDOWS - 1, 4), (100, 1), (0, 0)])
def test_too_little_held_out_music_is_reported(count: int, tracks: int) -> None:
    calibration = calibrate(windows(gumbel(count, seed=3), max(1, tracks)), RATE, 0.0, most=1.0)
    assert calibration.threshold is None
    assert f"{count} windows of {tracks} tracks" in calibration.failure


def test_a_search_that_misses_planted_copies_is_not_used() -> None:
    calibration = calibrate(windows(gumbel(200, seed=4), 8), RATE, 0.8, most=1.0)
    assert with_planted(calibration, [0.97] * 9 + [0.5]).found == 9
    blind = with_planted(calibration, [0.97] * 4 + [0.5] * 6)
    assert blind.threshold is None and "4 of 10 planted copies" in blind.failure
    assert with_planted(calibration, []).threshold is None


@settings(max_examples=5)
@given(st.integers(0, 100))
def test_scores_above_a_perfect_copy_make_a_search_useless(seed: int) -> None:
    wide = np.random.default_rng(seed).uniform(0, 1, 100)
    assert calibrate(windows(wide, 5), RATE, 0.0, most=1.0).threshold is None
