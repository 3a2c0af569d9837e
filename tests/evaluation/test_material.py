"""Excerpts: what is cut is what was there; shuffling and noise keep what they must."""

from pathlib import Path

import numpy as np
import pytest

from descant.audio import mulaw
from descant.errors import SamplingError
from descant.evaluation.material import Excerpt, drawn_excerpts, read_drawn, real_excerpts, shuffled, white_noise
from descant.sequences import Labels, SequenceWriter, open_sequence

RATE = 8000


def a_batch(rows: int, samples: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (rows, samples)).astype(np.uint8)


def test_excerpts_are_equal_parts_from_the_start_and_the_rest_is_left_out() -> None:
    batch = a_batch(2, 2 * RATE + 5)
    cut = list(drawn_excerpts(batch, RATE, 0.5))
    assert [(part.group, part.start) for part in cut] == [(group, at / 2) for group in "01" for at in range(4)]
    assert np.array_equal(mulaw.encode(np.concatenate([part.audio for part in cut[:4]])), batch[0, : 2 * RATE])


def test_samples_that_are_too_short_are_told() -> None:
    with pytest.raises(SamplingError, match=r"1\.00 s long, 3 s are asked for"):
        list(drawn_excerpts(a_batch(1, RATE), RATE, 3))


def test_shuffling_keeps_every_sample_and_changes_the_order() -> None:
    excerpt = Excerpt("a", 1.0, mulaw.decode(a_batch(1, RATE)[0]))
    other = shuffled(excerpt, RATE, 0.1, seed=1)
    assert np.array_equal(np.sort(other.audio), np.sort(excerpt.audio))
    assert not np.array_equal(other.audio, excerpt.audio)
    assert np.array_equal(other.audio, shuffled(excerpt, RATE, 0.1, seed=1).audio)
    assert not np.array_equal(other.audio, shuffled(excerpt, RATE, 0.1, seed=2).audio)


def test_noise_has_the_length_and_level_of_the_excerpt() -> None:
    excerpt = Excerpt("a", 0.0, (0.1 * mulaw.decode(a_batch(1, RATE)[0])).astype(np.float32))
    noise = white_noise(excerpt, seed=1)
    assert noise.audio.shape == excerpt.audio.shape
    assert np.std(noise.audio) == pytest.approx(np.sqrt(np.mean(excerpt.audio**2)), rel=0.05)


def test_of_many_excerpts_some_are_taken_at_even_distances() -> None:
    cut = drawn_excerpts(a_batch(2, 10 * RATE), RATE, 1, most=4)
    assert [(part.group, part.start) for part in cut] == [(group, at) for group in "01" for at in (0, 2, 5, 7)]


def test_of_many_tracks_some_are_taken_and_short_ones_are_not_counted(tmp_path: Path) -> None:
    with SequenceWriter(tmp_path, mulaw.CLASSES, hop=1, sample_rate=RATE) as writer:
        for number in range(8):
            length = RATE if number % 2 else RATE // 2
            writer.add(f"{number:016x}", "test", Labels(), iter([a_batch(1, length)[0]]))
    cut = real_excerpts(open_sequence(tmp_path), "test", 1, tracks=2)
    assert [int(part.group, 16) for part in cut] == [1, 5]


@pytest.mark.parametrize("content", [np.zeros(4, np.uint8), np.zeros((2, 4)), np.full((2, 4), 300, np.uint16), None])
def test_what_is_no_drawn_audio_is_told(tmp_path: Path, content: np.ndarray | None) -> None:
    path = tmp_path / "drawn.npy"
    if content is None:
        path.write_bytes(b"torn")
    else:
        np.save(path, content)
    with pytest.raises(SamplingError, match=r"drawn\.npy"):
        read_drawn(path)


def test_drawn_audio_is_mapped_as_it_was_written(tmp_path: Path) -> None:
    np.save(tmp_path / "drawn.npy", a_batch(2, 50))
    assert np.array_equal(read_drawn(tmp_path / "drawn.npy"), a_batch(2, 50))
