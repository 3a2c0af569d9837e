"""Intervals cover as often as they say, and resample groups, not what is in them."""

import numpy as np
import pytest

from descant.statistics import FEWEST_TRACKS, Bootstrap, Interval, mean_interval, ratio_interval


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
