"""Distortion measures: what they say of gains, noise of a known level, and nothing at all."""

import numpy as np
import pytest
import scipy.signal
import torch
from hypothesis import given
from hypothesis import strategies as st

from descant.audio import mulaw
from descant.evaluation.distortion import (
    FLOOR_DBFS,
    log_spectral_distance,
    log_spectrum,
    snr_db,
    spectral_convergence_db,
)
from descant.layers import spectral as layers

RATE = 16000


def noise(seed: int, samples: int = RATE, rms: float = 0.1) -> np.ndarray:
    return rms * np.random.default_rng(seed).standard_normal(samples)


@given(seed=st.integers(0, 1000), level=st.floats(-60, 60))
def test_noise_of_a_known_level_has_that_ratio(seed: int, level: float) -> None:
    signal, other = noise(seed), noise(seed + 1)
    other *= np.sqrt(np.sum(signal**2) / np.sum(other**2)) * 10 ** (-level / 20)
    assert snr_db(signal, signal + other) == pytest.approx(level, abs=1e-6)


@given(seed=st.integers(0, 1000), gain=st.floats(0.01, 100))
def test_a_common_gain_changes_no_ratio(seed: int, gain: float) -> None:
    signal, other = noise(seed, 500), noise(seed + 1, 500)
    assert snr_db(gain * signal, gain * other) == pytest.approx(snr_db(signal, other), abs=1e-9)


def test_what_is_not_defined_is_absent() -> None:
    signal = noise(1)
    assert snr_db(signal, signal) is None
    assert snr_db(np.zeros(100), signal[:100]) is None
    # nothing at all in place of the signal: as much noise as signal
    assert snr_db(signal, np.zeros(RATE)) == pytest.approx(0)


def test_unrelated_audio_of_the_same_level_has_minus_three() -> None:
    assert snr_db(noise(1), noise(2)) == pytest.approx(-10 * np.log10(2), abs=0.1)


@given(gain=st.floats(0.1, 10), seed=st.integers(0, 1000))
def test_a_gain_is_its_own_spectral_distance(gain: float, seed: int) -> None:
    # loud enough that no bin lies at the floor
    signal = noise(seed, 8000, rms=1e6)
    assert log_spectral_distance(signal, gain * signal) == pytest.approx(abs(20 * np.log10(gain)), abs=1e-6)


@given(first=st.integers(0, 1000), second=st.integers(0, 1000), samples=st.integers(1, 5000))
def test_a_spectral_distance_is_symmetric_and_zero_for_equal_audio(first: int, second: int, samples: int) -> None:
    one, other = noise(first, samples), noise(second, samples)
    assert log_spectral_distance(one, one) == 0
    assert log_spectral_distance(one, other) == log_spectral_distance(other, one)
    assert np.isfinite(log_spectral_distance(one, np.zeros(samples)))


def test_the_log_spectrum_is_librosa_s_and_scipy_s() -> None:
    librosa = pytest.importorskip("librosa")
    signal = noise(4, 5000)
    full_scale = 1024 / 4
    ours = log_spectrum(signal)
    theirs = np.abs(librosa.stft(signal, n_fft=1024, hop_length=256, window="hann", center=True, pad_mode="constant"))
    floor = 10 ** (FLOOR_DBFS / 20)
    np.testing.assert_allclose(ours, 20 * np.log10(np.maximum(theirs.T / full_scale, floor)), atol=1e-4)
    window = scipy.signal.get_window("hann", 1024)
    transform = scipy.signal.ShortTimeFFT(window, 256, fs=RATE).stft(signal, p0=0, p1=1 + 5000 // 256)
    scipys = 20 * np.log10(np.maximum(np.abs(transform.T) / full_scale, floor))
    np.testing.assert_allclose(ours, scipys, atol=1e-6)


def test_a_full_scale_sine_is_at_zero() -> None:
    sine = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    assert log_spectrum(sine)[8:-8].max() == pytest.approx(0, abs=0.01)


def test_mulaw_alone_is_what_it_is_computed_to_be() -> None:
    # in each interval of companding the error of a middle value is uniform: its power is step² / 12
    random = np.random.default_rng(5)
    signal = random.uniform(-0.9, 0.9, 200_000)
    edges = (np.arange(255) + 0.5) / 255 * 2 - 1
    expanded = np.sign(edges) * np.expm1(np.abs(edges) * np.log(256)) / 255
    steps = np.diff(np.concatenate([[-1], expanded, [1]]))
    expected = np.mean(steps[mulaw.encode(signal)] ** 2 / 12)
    measured = snr_db(signal, mulaw.decode(mulaw.encode(signal)))
    assert measured == pytest.approx(10 * np.log10(np.mean(signal**2) / expected), abs=0.1)
    assert 30 < measured < 40


@pytest.mark.parametrize("rate", [16000, 22050, 44100])
def test_spectral_convergence_is_that_of_training(rate: int) -> None:
    signal, other = noise(1).astype(np.float32), noise(2).astype(np.float32)
    ours, theirs = (torch.from_numpy(audio)[None] for audio in (signal + 0.3 * other, signal))
    share = float(layers.spectral_convergence(ours, theirs, rate))
    found = spectral_convergence_db(signal, signal + 0.3 * other, rate)
    assert found == pytest.approx(20 * np.log10(share), abs=1e-3)


def test_spectral_convergence_of_half_the_signal_is_minus_six_and_of_none_zero() -> None:
    signal = noise(1)
    assert spectral_convergence_db(signal, 0.5 * signal, RATE) == pytest.approx(-6.02, abs=0.01)
    assert spectral_convergence_db(signal, -0.9 * signal, RATE) == pytest.approx(-20, abs=0.01), "phase does not count"
    assert spectral_convergence_db(signal, np.zeros(RATE), RATE) == pytest.approx(0)
    assert spectral_convergence_db(np.zeros(RATE), signal, RATE) is None
    assert spectral_convergence_db(signal, signal, RATE) is None
