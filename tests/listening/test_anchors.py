"""Anchors are bad on their own scale only; fades and the high-pass leave the music."""

import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

from descant.listening import anchors

RATE = 16000


def band_power(audio: np.ndarray, low: float, high: float) -> float:
    frequencies, power = scipy.signal.welch(audio, RATE, nperseg=2048)
    return float(power[(frequencies >= low) & (frequencies < high)].sum())


def test_the_fidelity_anchor_is_dull_and_noisy_by_what_was_asked() -> None:
    music = np.random.default_rng(0).standard_normal(4 * RATE)
    clean = anchors.degraded(music, RATE, 3500, 60, seed=1)
    assert band_power(clean, 5000, 8000) < 1e-3 * band_power(music, 5000, 8000)
    assert band_power(clean, 100, 2500) == pytest.approx(band_power(music, 100, 2500), rel=0.02)
    noisy = anchors.degraded(music, RATE, 3500, 10, seed=1)
    assert 10 * np.log10(np.mean(clean**2) / np.mean((noisy - clean) ** 2)) == pytest.approx(10, abs=0.1)


def test_the_filter_is_heard_at_low_rates_too() -> None:
    music = np.random.default_rng(0).standard_normal(8000)
    assert np.mean(anchors.degraded(music, 8000, 3500, 60, seed=1) ** 2) < 0.6 * np.mean(music**2)


@given(seed=st.integers(0, 1000), blocks=st.integers(8, 30))
def test_the_musicality_anchor_is_the_same_sound_in_another_order(seed: int, blocks: int) -> None:
    length = blocks * 400
    music = np.arange(length, dtype=np.float64)
    mixed = anchors.shuffled(music, RATE, 400 / RATE, seed)
    assert len(mixed) == length
    # the middle of a block is untouched by the joins and shows where it is from
    order = mixed[300::400] // 400
    assert sorted(order) == list(range(blocks))
    assert not (np.diff(order) == 1).any()


def test_shuffling_makes_no_clicks_and_keeps_the_spectrum() -> None:
    time = np.arange(4 * RATE) / RATE
    music = np.sin(2 * np.pi * 440 * time) + 0.5 * np.sin(2 * np.pi * 660 * time)
    mixed = anchors.shuffled(music, RATE, 0.5, 3)
    assert np.abs(np.diff(mixed)).max() < 1.5 * np.abs(np.diff(music)).max()
    assert band_power(mixed, 400, 700) == pytest.approx(band_power(music, 400, 700), rel=0.1)


@pytest.mark.parametrize("value", [1.0, -0.3, 0.0])
def test_a_model_that_hangs_at_one_value_is_silent(value: float) -> None:
    assert np.abs(anchors.without_rumble(np.full(RATE, value), RATE)).max() < 1e-9


def test_what_is_heard_passes() -> None:
    tone = np.sin(2 * np.pi * 100 * np.arange(RATE) / RATE)
    passed = anchors.without_rumble(tone, RATE)
    assert np.std(passed[RATE // 2 :]) == pytest.approx(np.std(tone[RATE // 2 :]), rel=0.01)


@given(length=st.integers(2, 3000), milliseconds=st.floats(0, 200))
def test_fades_are_at_the_ends_and_turned_round_alike(length: int, milliseconds: float) -> None:
    shaped = anchors.faded(np.ones(length), RATE, milliseconds)
    count = min(round(milliseconds * RATE / 1000), length // 2)
    assert len(shaped) == length
    assert np.allclose(shaped, shaped[::-1])
    assert (shaped[count : length - count] == 1).all()
    assert (np.diff(shaped[:count]) > 0).all()
