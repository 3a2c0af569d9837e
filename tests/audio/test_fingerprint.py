import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import fingerprint_of, melody, tone

from descant.audio.fingerprint import WORDS_PER_SECOND


@given(st.lists(st.integers(500, 30000), min_size=1, max_size=5))
@settings(max_examples=8)
def test_blocks_do_not_matter(sizes: list[int]) -> None:
    audio = melody(0, 8, 16000)
    words = fingerprint_of(audio, 16000)
    np.testing.assert_array_equal(fingerprint_of(audio, 16000, tuple(sizes)), words)
    assert words.dtype == np.uint32 and len(words) == pytest.approx(8 * WORDS_PER_SECOND, abs=12)


def test_level_and_channels_do_not_matter() -> None:
    audio = melody(0, 8, 16000)
    words = fingerprint_of(audio, 16000)
    np.testing.assert_array_equal(fingerprint_of(audio / 4, 16000), words)
    np.testing.assert_array_equal(fingerprint_of(np.repeat(audio, 2, axis=1), 16000), words)


@pytest.mark.parametrize("audio", [np.zeros((80000, 1)), tone(5), np.zeros((0, 1))])
def test_what_does_not_change_shows_nothing(audio: npt.NDArray[np.floating]) -> None:
    # but for the edges of the resampling
    assert np.count_nonzero(fingerprint_of(audio, 16000)) <= 12


def test_quiet_frames_show_nothing() -> None:
    noise = np.random.default_rng(0).standard_normal((48000, 1)) * 1e-5
    words = fingerprint_of(np.concatenate([melody(0, 8, 16000), noise]), 16000)
    assert np.count_nonzero(words[:160]) > 140 and not words[-50:].any()


def test_low_rates_have_none() -> None:
    assert len(fingerprint_of(melody(0, 8, 3999), 3999)) == 0 and len(fingerprint_of(melody(0, 8, 4000), 4000)) > 150
