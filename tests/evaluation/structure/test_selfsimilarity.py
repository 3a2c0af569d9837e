"""Self-similarity: what returns is a stripe at its lag; noise is like nothing; silence has none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_sounds import RATE, noise, tones

from descant.evaluation.structure.features import cells, even_grid, measure_features
from descant.evaluation.structure.selfsimilarity import (
    by_lag,
    chroma_similarity,
    continuity,
    repetition,
    timbre_similarity,
)

BAR = [60, 64, 67, 71, 62, 65, 69, 61]


def chroma_lags(audio: np.ndarray) -> np.ndarray:
    features = measure_features(audio, RATE)
    return by_lag(chroma_similarity(cells(features.chroma, features.silent, even_grid(features.seconds))))


def test_repeated_bars_make_a_stripe_at_their_lag() -> None:
    bar = tones(BAR, 2.0)
    lags = chroma_lags(np.tile(bar, 4))
    in_range = lags[4:-4]
    assert 4 + int(np.nanargmax(in_range)) in (8, 16, 24)
    assert lags[8] > 0.95 and lags[16] > 0.95
    assert lags[4] < 0.5


def test_repetition_is_higher_than_in_a_random_order() -> None:
    random = np.random.default_rng(2)
    repeated = repetition(chroma_lags(np.tile(tones(BAR, 2.0), 4)), 4)
    mixed = repetition(chroma_lags(tones([int(p) for p in random.permutation(BAR * 4)], 8.0)), 4)
    assert repeated is not None and mixed is not None and repeated > mixed + 0.3


@pytest.mark.parametrize("seed", range(3))
def test_white_noise_is_alike_at_no_lag(seed: int) -> None:
    lags = chroma_lags(noise(seed, 12))
    assert np.abs(np.nanmean(lags[2:40])) < 0.1


def test_held_tones_are_continuous_and_alternating_ones_are_not() -> None:
    held = continuity(chroma_lags(tones([60, 66, 61, 67], 8.0)))
    alternating = continuity(chroma_lags(tones([60, 66] * 16, 8.0)))
    assert held is not None and alternating is not None and held > 0.4 > alternating


def test_silence_has_no_similarity() -> None:
    features = measure_features(np.zeros(4 * RATE, np.float32), RATE)
    assert features.silent.all()
    grid = even_grid(features.seconds)
    for similarity in (
        chroma_similarity(cells(features.chroma, features.silent, grid)),
        timbre_similarity(cells(features.timbre, features.silent, grid)),
    ):
        assert similarity.shape == (16, 16) and np.isnan(similarity).all()
        assert continuity(by_lag(similarity)) is None and repetition(by_lag(similarity), 4) is None


def test_a_silent_half_does_not_count() -> None:
    music = tones(BAR, 2.0)
    features = measure_features(np.concatenate([music, np.zeros(2 * RATE, np.float32)]), RATE)
    similarity = chroma_similarity(cells(features.chroma, features.silent, even_grid(4.0)))
    assert np.isnan(similarity[9:]).all() and not np.isnan(similarity[:7, :7]).any()


@given(st.integers(0, 2**32 - 1), st.integers(2, 30), st.integers(0, 8))
def test_laws_of_the_matrices(seed: int, count: int, silent: int) -> None:
    random = np.random.default_rng(seed)
    for features, similar in (
        (random.random((12, count)), chroma_similarity),
        (random.standard_normal((13, count)), timbre_similarity),
    ):
        features[:, random.permutation(count)[:silent]] = np.nan
        matrix = similar(features)
        assert np.allclose(matrix, matrix.T, equal_nan=True)
        defined = matrix[~np.isnan(matrix)]
        assert (np.abs(defined) <= 1).all()
        diagonal = np.diagonal(matrix)
        assert np.allclose(diagonal[~np.isnan(diagonal)], 1)
        # scaled and shifted features are the same features
        assert np.allclose(similar(3 * features + 2), matrix, equal_nan=True)


@given(st.integers(0, 2**32 - 1), st.integers(1, 20))
def test_by_lag_is_the_mean_of_the_diagonals(seed: int, count: int) -> None:
    matrix = np.random.default_rng(seed).random((count, count))
    means = by_lag(matrix)
    for lag in range(count):
        expected = np.trace(matrix, lag) / (count - lag) if count - lag >= 4 else np.nan
        assert means[lag] == pytest.approx(expected, nan_ok=True)
