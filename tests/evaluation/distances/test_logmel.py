"""Log-mel statistics: what a known sound gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.evaluation.distances.kinds import LOGMEL
from descant.evaluation.distances.logmel import BANDS, LogMel

RATE = 16000


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


@given(st.floats(0.1, 1.0), st.sampled_from([8000, 16000, 22050, 48000]))
def test_any_excerpt_from_a_tenth_of_a_second_gives_finite_numbers(seconds: float, rate: int) -> None:
    for audio in (noise(1)[: round(seconds * rate)], np.zeros(round(seconds * rate), dtype=np.float32)):
        found = LogMel().embed(audio, rate)
        assert found.shape == (LOGMEL.dimensions,) and found.dtype == np.float32 and np.isfinite(found).all()


def test_half_the_amplitude_is_six_decibels_less_and_nothing_else() -> None:
    loud, soft = LogMel().embed(noise(3), RATE), LogMel().embed(noise(3) / 2, RATE)
    np.testing.assert_allclose((loud - soft)[:BANDS], 20 * np.log10(2), atol=1e-3)
    np.testing.assert_allclose((loud - soft)[BANDS:], 0, atol=1e-3)


def test_silence_lies_on_the_floor_and_does_not_change() -> None:
    found = LogMel().embed(np.zeros(RATE, dtype=np.float32), RATE)
    assert found[:BANDS] == pytest.approx(-90) and not found[BANDS:].any()


def test_a_steady_sine_is_loudest_in_its_band_and_a_broken_one_changes_more() -> None:
    time = np.arange(2 * RATE) / RATE
    steady = (0.5 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)
    broken = steady * (np.floor(time * 10) % 2).astype(np.float32)
    whole, parts = LogMel().embed(steady, RATE), LogMel().embed(broken, RATE)
    assert np.argmax(whole[:BANDS]) == np.argmax(parts[:BANDS])
    assert parts[2 * BANDS :].mean() > 3 * whole[2 * BANDS :].mean()
