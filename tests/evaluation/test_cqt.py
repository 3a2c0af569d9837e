"""Correlation of constant-Q spectra: librosa's and numpy's, 1 for the same at any level, less for other pitches."""

import warnings

import librosa
import numpy as np
import pytest

from descant.evaluation.cqt import BINS, FLOOR_DB, LEAST_RATE, cqt_correlation, log_cqt

RATE = 16000


def melody(*notes: int, noise: float = 1e-4, seed: int = 1) -> np.ndarray:
    """Decaying tones of some MIDI pitches, a quarter of a second each, and noise."""
    count, random = RATE // 4, np.random.default_rng(seed)
    time = np.arange(count) / RATE
    tones = [0.3 * np.exp(-6 * time) * np.sin(2 * np.pi * librosa.midi_to_hz(note) * time) for note in notes]
    return np.concatenate(tones) + noise * random.standard_normal(count * len(notes))


TUNE = melody(60, 64, 67, 72, 67, 64, 60, 48)


@pytest.mark.parametrize("level", [0.01, 1.0, 3.0])
def test_the_same_at_any_level_is_one(level: float) -> None:
    assert cqt_correlation(TUNE, level * TUNE, RATE) == pytest.approx(1, abs=1e-4)


def test_it_is_the_mean_of_pearson_correlations_of_librosa_s_levels() -> None:
    other = melody(60, 64, 65, 72, 69, 64, 62, 48)
    levels = []
    for audio in (TUNE, other):
        transform = librosa.cqt(audio.astype(np.float32), sr=RATE, hop_length=512, n_bins=84)
        levels.append(librosa.amplitude_to_db(np.abs(transform), ref=np.max, amin=1e-12, top_db=100.0))
    expected = np.mean([np.corrcoef(*pair)[0, 1] for pair in zip(*levels, strict=True)])
    assert cqt_correlation(TUNE, other, RATE) == pytest.approx(expected, abs=1e-3)


def test_other_pitches_in_as_much_noise_are_farther() -> None:
    true, same = (melody(60, 64, 67, 72, 67, 64, 60, 48, noise=0.01, seed=seed) for seed in (1, 2))
    near = cqt_correlation(true, same, RATE)
    far = cqt_correlation(true, melody(61, 66, 70, 73, 70, 66, 61, 50, noise=0.01, seed=3), RATE)
    assert near is not None and far is not None and near > far + 0.05


def test_levels_are_between_the_floor_and_zero() -> None:
    levels = log_cqt(TUNE, RATE)
    assert levels.shape == (BINS, 1 + len(TUNE) // 512)
    assert levels.max() == 0 and levels.min() >= FLOOR_DB
    # C4 is three octaves above the lowest
    assert levels[:, 2].argmax() == 36


def test_where_nothing_changes_there_is_nothing_to_correlate() -> None:
    silence = np.zeros(len(TUNE))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cqt_correlation(silence, TUNE, RATE) is None
        assert cqt_correlation(TUNE, silence, RATE) == 0
    assert cqt_correlation(TUNE, TUNE, LEAST_RATE - 1) is None
    assert cqt_correlation(TUNE, TUNE, LEAST_RATE) == pytest.approx(1)
