"""Pulse: clicks have their tempo, noise has none, other octaves are the same tempo."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_sounds import RATE, clicks, noise

from descant.evaluation.structure.features import measure_features
from descant.evaluation.structure.pulse import abstention, beat_grid, find_pulse, fold, tempo_variation


def onset(audio: np.ndarray) -> np.ndarray:
    return measure_features(audio, RATE).onset


@pytest.mark.parametrize("seconds", [4.0, 10.0])
@pytest.mark.parametrize("bpm", [72, 90, 120, 133])
def test_clicks_have_their_tempo(bpm: int, seconds: float) -> None:
    pulse = find_pulse(onset(clicks(bpm, seconds)))
    assert pulse.bpm == pytest.approx(bpm, rel=0.015)
    assert pulse.clarity is not None and pulse.clarity > 0.7


def test_twice_as_fast_is_the_same_tempo() -> None:
    assert find_pulse(onset(clicks(180, 8.0))).bpm == pytest.approx(90, rel=0.015)
    assert find_pulse(onset(clicks(50, 12.0))).bpm == pytest.approx(100, rel=0.015)


@pytest.mark.parametrize("seconds", [2.0, 4.0, 8.0, 24.0])
def test_white_noise_has_no_pulse(seconds: float) -> None:
    found = [find_pulse(onset(noise(seed, seconds))) for seed in range(20)]
    assert sum(pulse.bpm is not None for pulse in found) <= 1
    assert np.mean([pulse.clarity for pulse in found]) < 0.8 * abstention(round(100 * seconds))


@pytest.mark.parametrize("audio", [np.zeros(4 * RATE), np.ones(RATE // 10), np.zeros(1), clicks(120, 0.5)])
def test_silence_and_what_is_too_short_have_none(audio: np.ndarray) -> None:
    pulse = find_pulse(onset(audio.astype(np.float32)))
    assert pulse.bpm is None and pulse.clarity is None


@given(st.floats(1, 1000), st.integers(-3, 3))
def test_folding_lands_in_the_octave_and_forgets_octaves(bpm: float, octaves: int) -> None:
    assert 70 <= fold(bpm) < 140
    ratio = np.log2(fold(bpm * 2.0**octaves) / fold(bpm))
    assert min(abs(ratio), 1 - abs(ratio)) == pytest.approx(0, abs=1e-9)


def test_a_steady_tempo_varies_less_than_one_that_changes() -> None:
    steady = onset(clicks(100, 12.0))
    changing = onset(np.concatenate([clicks(80, 6.0), clicks(110, 6.0)]))
    of_steady, of_changing = tempo_variation(steady, 100.0), tempo_variation(changing, 95.0)
    assert of_steady is not None and of_steady < 0.01
    assert of_changing is not None and of_changing == pytest.approx(0.16, abs=0.06)


def test_beats_fall_on_the_clicks() -> None:
    edges = beat_grid(onset(clicks(120, 8.0)), 120.0, 8.0)
    assert np.median(np.diff(edges)) == pytest.approx(0.25, abs=0.02)
    for beat in np.arange(1.0, 7.0, 0.5):
        assert np.abs(edges - beat).min() < 0.06
    assert edges[0] >= 0 and edges[-1] <= 8 and (np.diff(edges) > 0).all()
