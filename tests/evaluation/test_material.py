"""Excerpts: what is cut is what was there; shuffling and noise keep what they must."""

from pathlib import Path

import numpy as np
import pytest
from waveforms import record, render

from descant.audio.clips import to_16_bit
from descant.errors import SamplingError
from descant.evaluation.material import Excerpt, drawn_excerpts, real_excerpts, shuffled, white_noise
from descant.sequences import Labels

RATE = 8000


def a_batch(rows: int, samples: int) -> np.ndarray:
    return np.random.default_rng(3).uniform(-1, 1, (rows, samples)).astype(np.float32)


@pytest.mark.parametrize("primed", [0, 300])
def test_excerpts_are_equal_parts_from_the_start_and_the_rest_is_left_out(tmp_path: Path, primed: int) -> None:
    batch = a_batch(2, primed + 2 * RATE + 5)
    cut = list(drawn_excerpts(render(tmp_path / "drawn", batch, RATE, primed), 0.5))
    assert [(part.group, part.start) for part in cut] == [(group, at / 2) for group in "01" for at in range(4)]
    whole = np.concatenate([part.audio for part in cut[:4]])
    assert np.array_equal(to_16_bit(whole), to_16_bit(batch[0, primed : primed + 2 * RATE]))


def test_samples_that_are_too_short_are_reported(tmp_path: Path) -> None:
    with pytest.raises(SamplingError, match=r"1\.00 s long, 3 s are asked for"):
        list(drawn_excerpts(render(tmp_path / "drawn", a_batch(1, RATE + 7), RATE, primed=7), 3))


def test_shuffling_keeps_every_sample_and_changes_the_order() -> None:
    excerpt = Excerpt("a", 1.0, a_batch(1, RATE)[0])
    other = shuffled(excerpt, RATE, 0.1, seed=1)
    assert np.array_equal(np.sort(other.audio), np.sort(excerpt.audio))
    assert not np.array_equal(other.audio, excerpt.audio)
    assert np.array_equal(other.audio, shuffled(excerpt, RATE, 0.1, seed=1).audio)
    assert not np.array_equal(other.audio, shuffled(excerpt, RATE, 0.1, seed=2).audio)


def test_noise_has_the_length_and_level_of_the_excerpt() -> None:
    excerpt = Excerpt("a", 0.0, (0.1 * a_batch(1, RATE)[0]).astype(np.float32))
    noise = white_noise(excerpt, seed=1)
    assert noise.audio.shape == excerpt.audio.shape
    assert np.std(noise.audio) == pytest.approx(np.sqrt(np.mean(excerpt.audio**2)), rel=0.05)


def test_of_many_excerpts_some_are_taken_at_even_distances(tmp_path: Path) -> None:
    cut = drawn_excerpts(render(tmp_path / "drawn", a_batch(2, 10 * RATE), RATE), 1, most=4)
    assert [(part.group, part.start) for part in cut] == [(group, at) for group in "01" for at in (0, 2, 5, 7)]


def test_of_many_tracks_some_are_taken_and_short_ones_are_not_counted(tmp_path: Path) -> None:
    lengths = [RATE if number % 2 else RATE // 2 for number in range(8)]
    tracks = [(f"{number:016x}", "test", a_batch(1, length)[0], Labels()) for number, length in enumerate(lengths)]
    cut = real_excerpts(record(tmp_path, tracks, RATE), "test", 1, tracks=2)
    assert [int(part.group, 16) for part in cut] == [1, 5]
