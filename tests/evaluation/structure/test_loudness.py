"""Level: pyloudnorm's own figures, ramps of known drift, silence, clipping and DC."""

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_sounds import RATE, noise

from descant.audio import mulaw
from descant.evaluation.structure.loudness import level_measures, loudness


@pytest.mark.parametrize("seconds", [0.4, 1.0, 5.0])
def test_loudness_is_pyloudnorms(seconds: float) -> None:
    audio = noise(1, seconds)
    assert loudness(audio, RATE) == pyloudnorm.Meter(RATE).integrated_loudness(audio.astype(np.float64))


def test_a_full_scale_sine_of_1_khz_is_at_minus_3_lufs() -> None:
    sine = np.sin(2 * np.pi * 997 * np.arange(4 * 48000) / 48000)
    assert loudness(sine, 48000) == pytest.approx(-3.01, abs=0.1)


@given(st.floats(-24, 24).filter(lambda drift: abs(drift) > 0.1))
def test_a_ramp_drifts_by_two_thirds_of_itself(decibel: float) -> None:
    # the middles of the outer thirds are two thirds apart
    ramp = 10 ** (np.linspace(-decibel / 2, decibel / 2, 6 * RATE) / 20)
    level = level_measures(0.1 * ramp * np.sin(2 * np.pi * 1000 * np.arange(6 * RATE) / RATE), RATE)
    assert level["loudness_drift_db"] == pytest.approx(2 / 3 * decibel, abs=0.02 * abs(decibel) + 0.05)


def test_rms_detects_a_short_step_of_20_db() -> None:
    short = np.concatenate([noise(1, 0.1, level=0.01), noise(2, 0.1), noise(1, 0.1, level=0.1)])
    assert level_measures(short, RATE)["loudness_drift_db"] == pytest.approx(20, abs=1e-3)


@pytest.mark.parametrize("audio", [np.zeros(2 * RATE), mulaw.decode(np.full(2 * RATE, 128, np.uint8))])
def test_silence_has_no_loudness(audio: np.ndarray) -> None:
    level = level_measures(audio, RATE)
    assert level["loudness_lufs"] is None and level["loudness_drift_db"] is None and level["silent_share"] == 1


def test_clipping_and_dc() -> None:
    square = np.sign(np.sin(np.arange(RATE) * 0.05)) * np.where(np.arange(RATE) < RATE // 4, 1.0, 0.5)
    level = level_measures(square + 0.0, RATE)
    assert level["clipped_share"] == pytest.approx(0.25, abs=0.01)
    assert level_measures(noise(1, 1.0) * 0.1 + 0.2, RATE)["dc"] == pytest.approx(0.2, abs=1e-3)
    assert level_measures(mulaw.decode(np.full(100, 255, np.uint8)), RATE)["clipped_share"] == 1
    assert level_measures(mulaw.decode(np.full(100, 254, np.uint8)), RATE)["clipped_share"] == 0
