"""Brightness and level of mel spectrograms, the plane of a map, and the passage that is played on it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.audio.mel import band_edges, log_mel, power_spectrogram
from descant.config.mel import Mel
from descant.errors import SequenceError
from descant.evaluation.timbre import Plane, backward_step, choose_passage, grid, mean_energy, spectral_centroid
from descant.scores.roll import KEYS, ROWS
from descant.sequences import Labels, PackedSequence, SequenceWriter, open_sequence

RATE, BANDS = 16000, 80
EDGES = band_edges(RATE, BANDS)
FLOOR = -11.5


def frames(seed: int, count: int = 7) -> Any:
    return np.random.default_rng(seed).uniform(FLOOR, 2, (count, BANDS))


@pytest.mark.parametrize("low", [0.0, 0.5, 0.9])
def test_the_centroid_is_that_of_the_sound(low: float) -> None:
    """White noise through a low-pass filter of one pole, against the centroid of its Fourier transform."""
    audio = np.random.default_rng(1).normal(0, 0.1, RATE)
    for sample in range(1, len(audio)):
        audio[sample] += low * audio[sample - 1]
    mel = np.concatenate([*log_mel([audio], RATE, Mel())]).astype(np.float64)
    spectrum = np.sqrt(power_spectrogram(audio, 1024, 128)).mean(0)
    expected = (spectrum * np.linspace(0, RATE / 2, len(spectrum))).sum() / spectrum.sum()
    assert float(spectral_centroid(mel, EDGES)) == pytest.approx(expected, rel=0.02)


@given(st.integers(0, 99), st.floats(-30, 30))
def test_a_gain_moves_the_energy_by_as_much_and_the_centroid_not_at_all(seed: int, decibel: float) -> None:
    quiet = frames(seed)
    loud = quiet + decibel * np.log(10) / 20
    assert mean_energy(loud) - mean_energy(quiet) == pytest.approx(decibel, abs=1e-9)
    assert spectral_centroid(loud, EDGES) == pytest.approx(spectral_centroid(quiet, EDGES))


@pytest.mark.parametrize("band", [0, 40, 79])
def test_one_band_alone_is_its_own_centroid(band: int) -> None:
    mel = np.full((2, 3, BANDS), -60.0)
    mel[..., band] = 0
    np.testing.assert_allclose(spectral_centroid(mel, EDGES), EDGES[band + 1], rtol=1e-6)
    np.testing.assert_allclose(mean_energy(mel), 10 * np.log10(1 / BANDS))


def test_what_no_float_holds_is_measured_all_the_same() -> None:
    assert np.isfinite(spectral_centroid(frames(1) + 1e4, EDGES)) and np.isfinite(mean_energy(frames(1) - 1e4))


@pytest.mark.parametrize(
    ("values", "step"), [([1, 2, 4], 0), ([4, 2, 1], 0), ([1, 3, 2.5, 4], 0.5), ([4, 1, 3, 0], 2), ([1, 1], 0)]
)
def test_a_step_backward_is_one_against_the_whole_way(values: list[float], step: float) -> None:
    assert backward_step(values) == step


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 99))
def test_a_plane_holds_what_lies_in_it_and_a_map_holds_all(dimensions: int, instruments: int, seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(instruments, dimensions))
    plane = Plane.of(points)
    places = plane.places(points)
    assert 0 < plane.shown <= 1 + 1e-12
    if dimensions <= 2 or instruments <= 3:
        np.testing.assert_allclose(plane.points(places), points, atol=1e-12)
        assert plane.shown == pytest.approx(1)
    shown = grid(places, 0.25, 5)
    assert shown.shape == (5, 5, 2)
    assert (shown[0, 0] < places.min(0)).all() and (places.max(0) < shown[-1, -1]).all()
    side = shown[-1, -1] - shown[0, 0]
    assert side[0] == pytest.approx(side[1])
    kept = min(2, dimensions)
    np.testing.assert_allclose(plane.places(plane.points(shown))[..., :kept], shown[..., :kept], atol=1e-12)


def packed(folder: Path, *struck: tuple[str, list[int]]) -> PackedSequence:
    """Rolls of 40 frames, with keys struck in some of them."""
    with SequenceWriter(folder, 0, 128, RATE, channels=ROWS, dtype=np.float16) as writer:
        for number, (split, places) in enumerate(struck):
            roll = np.zeros((40, ROWS))
            roll[places, 5] = 0.5
            roll[:, KEYS + 5] = 0.5
            writer.add(f"track{number}", split, Labels(title=f"piece {number}"), [roll])
    return open_sequence(folder)


def test_the_passage_begins_with_the_first_note_of_the_test_tracks(tmp_path: Path) -> None:
    rolls = packed(tmp_path, ("train", [1]), ("test", []), ("test", [9, 30]), ("test", [2]))
    track, start, roll = choose_passage(rolls, 0.1)
    assert (track.track, start, roll.shape) == ("track2", 9, (12, ROWS))
    assert roll[0, 5] == 0.5 and roll.dtype == np.float32
    assert choose_passage(rolls, 60)[2].shape == (31, ROWS)


def test_without_a_note_there_is_no_passage(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match="no test track has a note"):
        choose_passage(packed(tmp_path, ("train", [1]), ("test", [])), 1)
