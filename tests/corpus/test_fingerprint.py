from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import melody, tone

from descant.corpus.fingerprint import WORDS_PER_SECOND, Fingerprinter, Words, read_fingerprints, write_fingerprints
from descant.errors import CorpusError


def fingerprint(audio: npt.NDArray[np.floating], rate: int, sizes: tuple[int, ...] = (16384,)) -> Words:
    maker, start = Fingerprinter(rate), 0
    while start < len(audio):
        size = sizes[start % len(sizes)]
        maker.add(audio[start : start + size].astype(np.float32))
        start += size
    return maker.words()


@given(st.lists(st.integers(500, 30000), min_size=1, max_size=5))
@settings(max_examples=8)
def test_blocks_do_not_matter(sizes: list[int]) -> None:
    audio = melody(0, 8, 16000)
    words = fingerprint(audio, 16000)
    np.testing.assert_array_equal(fingerprint(audio, 16000, tuple(sizes)), words)
    assert words.dtype == np.uint32 and len(words) == pytest.approx(8 * WORDS_PER_SECOND, abs=12)


def test_level_and_channels_do_not_matter() -> None:
    audio = melody(0, 8, 16000)
    words = fingerprint(audio, 16000)
    np.testing.assert_array_equal(fingerprint(audio / 4, 16000), words)
    np.testing.assert_array_equal(fingerprint(np.repeat(audio, 2, axis=1), 16000), words)


@pytest.mark.parametrize("audio", [np.zeros((80000, 1)), tone(5), np.zeros((0, 1))])
def test_what_does_not_change_tells_nothing(audio: npt.NDArray[np.floating]) -> None:
    # but for the edges of the resampling
    assert np.count_nonzero(fingerprint(audio, 16000)) <= 12


def test_quiet_frames_tell_nothing() -> None:
    noise = np.random.default_rng(0).standard_normal((48000, 1)) * 1e-5
    words = fingerprint(np.concatenate([melody(0, 8, 16000), noise]), 16000)
    assert np.count_nonzero(words[:160]) > 140 and not words[-50:].any()


def test_low_rates_have_none() -> None:
    assert len(fingerprint(melody(0, 8, 3999), 3999)) == 0 and len(fingerprint(melody(0, 8, 4000), 4000)) > 150


def test_the_file_gives_back_what_was_written(tmp_path: Path) -> None:
    given = {
        "a" * 16: np.arange(5, dtype=np.uint32),
        "b" * 16: np.zeros(0, np.uint32),
        "c" * 16: ~np.arange(3, dtype="u4"),
    }
    write_fingerprints(given, tmp_path / "some.parquet")
    found = read_fingerprints(tmp_path / "some.parquet")
    assert list(found) == list(given)
    for track, words in given.items():
        np.testing.assert_array_equal(found[track], words)
    write_fingerprints({}, tmp_path / "none.parquet")
    assert read_fingerprints(tmp_path / "none.parquet") == {}
    (tmp_path / "none.parquet").write_bytes(b"PAR1")
    with pytest.raises(CorpusError, match="cannot be read"):
        read_fingerprints(tmp_path / "none.parquet")
