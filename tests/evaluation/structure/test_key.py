"""Key: scales are in their keys, every key by transposing; noise and silence have little or none."""

import numpy as np
import pytest
from known_sounds import RATE, noise, tones

from descant.evaluation.structure.features import cells, even_grid, measure_features
from descant.evaluation.structure.key import key_measures
from descant.scores.key import MAJOR, NAMES, find_key

SCALE = [60, 62, 64, 65, 67, 69, 71, 72]


def of_audio(audio: np.ndarray) -> np.ndarray:
    features = measure_features(audio, RATE)
    return cells(features.chroma, features.silent, np.array([0.0, features.seconds]))[:, 0]


def test_a_c_major_scale_is_in_c_major() -> None:
    key = find_key(of_audio(tones([*SCALE, 60, 64, 67, 60], 6.0)))
    assert key is not None and key.name == "C major" and key.strength > 0.8


@pytest.mark.parametrize("shift", [1, 5, 9])
def test_a_transposed_scale_is_in_the_transposed_key(shift: int) -> None:
    key = find_key(of_audio(tones([pitch + shift for pitch in [*SCALE, 60, 64, 67, 60]], 6.0)))
    assert key is not None and key.name == NAMES[shift]


@pytest.mark.parametrize("chroma", [np.ones(12), np.zeros(12), np.full(12, np.nan)])
def test_flat_or_silent_has_no_key(chroma: np.ndarray) -> None:
    assert find_key(chroma) is None
    measured = key_measures(chroma[:, None], chroma)
    assert measured == {"key_strength": None, "key_stability": None}


def test_white_noise_is_in_a_key_less_than_a_scale_is() -> None:
    def strength(audio: np.ndarray) -> float:
        features = measure_features(audio, RATE)
        windows = cells(features.chroma, features.silent, even_grid(8.0, 2.0))
        found = key_measures(windows, windows.mean(1))["key_strength"]
        assert found is not None
        return found

    assert strength(tones([60, 64, 67, 72] * 8, 8.0)) > strength(noise(1, 8.0)) + 0.15


def test_a_modulation_lowers_stability() -> None:
    c, f_sharp = np.array(MAJOR), np.roll(MAJOR, 6)
    stays = np.stack([c] * 4, 1)
    leaves = np.stack([c, c, c, f_sharp], 1)
    assert key_measures(stays, stays.mean(1))["key_stability"] == 1
    assert key_measures(leaves, leaves.mean(1))["key_stability"] == 0.75
