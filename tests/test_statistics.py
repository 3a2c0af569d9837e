"""Intervals cover as often as they say, and resample groups, not what is in them."""

import numpy as np
import pytest

from descant.statistics import FEWEST_TRACKS, Bootstrap, Interval, grouped_interval, mean_interval, ratio_interval


@pytest.mark.parametrize("tracks", [FEWEST_TRACKS, 30])
def test_the_interval_covers_the_mean_as_often_as_it_says(tracks: int) -> None:
    random, samples, covered = np.random.default_rng(0), np.full(tracks, 1000), 0
    for trial in range(400):
        found = ratio_interval(random.normal(4000.0, 300.0, size=tracks), samples, Bootstrap(400, 0.9, trial))
        assert found.low is not None and found.high is not None
        covered += found.low <= 4.0 <= found.high
    # 400 trials have a standard error of 1.5 points; the plain percentile interval of five tracks covers 79 %
    assert 0.855 <= covered / 400 <= 0.945


def test_tracks_are_resampled_not_samples() -> None:
    alike = ratio_interval(np.full(FEWEST_TRACKS, 40.0), np.full(FEWEST_TRACKS, 10), Bootstrap(200, 0.95, 1))
    assert (alike.value, alike.low, alike.high) == (4.0, 4.0, 4.0)


def test_a_mean_passes_over_what_was_not_measured() -> None:
    bootstrap = Bootstrap(200, 0.95, 1)
    assert mean_interval([1.0, float("nan"), 3.0], bootstrap) == Interval(2.0, None, None)
    assert mean_interval([float("nan")], bootstrap) is None


def test_values_of_groups_of_one_are_a_plain_mean() -> None:
    bootstrap, values = Bootstrap(300, 0.9, 1), [3.0, 1.0, 4.0, 1.5, 9.0, 2.6]
    assert grouped_interval(values, list("zyxwvu"), bootstrap) == mean_interval(values, bootstrap)


def test_what_is_of_one_group_is_resampled_together() -> None:
    bootstrap = Bootstrap(300, 0.9, 1)
    groups = [piece for piece in "abcde" for _ in range(4)]
    # each group is alike within, so it counts as one value, four times over
    values = [float(ord(piece)) for piece in groups]
    assert grouped_interval(values, groups, bootstrap) == mean_interval([float(ord(one)) for one in "abcde"], bootstrap)
    assert grouped_interval([None, 2.0, 4.0], ["a", "a", "b"], bootstrap) == Interval(3.0)
    assert grouped_interval([None, None], ["a", "b"], bootstrap) is None


def test_a_share_is_of_the_means_where_both_are_defined() -> None:
    bootstrap = Bootstrap(300, 0.9, 1)
    whole = [2.0, 4.0, 6.0, 8.0, 10.0, 7.0]
    half = grouped_interval([one / 2 for one in whole], list("abcdef"), bootstrap, of=whole)
    assert half is not None and (half.value, half.low, half.high) == pytest.approx((0.5, 0.5, 0.5))
    assert grouped_interval([1.0, 9.0], ["a", "b"], bootstrap, of=[2.0, None]) == Interval(0.5)
