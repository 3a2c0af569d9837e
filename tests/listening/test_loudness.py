"""Loudness: BS.1770's own figures, one level for all clips of an item, and no sample over the ceiling."""

import numpy as np
import numpy.typing as npt
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

from descant.audio.clips import to_16_bit
from descant.errors import ListeningError
from descant.listening.anchors import faded, without_rumble
from descant.listening.loudness import match, measure, true_peak

RATE = 16000
Audio = npt.NDArray[np.float64]


def tone(hertz: float, seconds: float, rate: int = RATE, phase: float = 0.0) -> Audio:
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate + phase)


def clip(kind: str, length: int, gain: float, seed: int) -> Audio:
    """A clip as a model may draw it, however it fails."""
    random = np.random.default_rng(seed)
    time = np.arange(length)
    made = {
        "silence": np.zeros(length),
        "constant": np.ones(length),
        "square": np.where(np.sin(time * random.uniform(0.001, 2)) < 0, -1.0, 1.0),
        "impulse": np.where(time == random.integers(length), 1.0, 0.0),
        "clicks": np.where(random.random(length) < 20 / length, random.choice([-1.0, 1.0], length), 0.0),
        "noise": np.clip(0.3 * random.standard_normal(length), -1, 1),
        "tone": np.sin(time * random.uniform(0.01, 3)),
        "late": np.where(time > 0.8 * length, np.sin(time * 0.3), 0.0),
    }
    return gain * made[kind]


KINDS = ("silence", "constant", "square", "impulse", "clicks", "noise", "tone", "late")
CLIPS = st.lists(st.tuples(st.sampled_from(KINDS), st.floats(0.001, 1.0), st.integers(0, 99)), min_size=1, max_size=4)


def heard(audio: Audio) -> Audio:
    """What is in a file of 16 bits."""
    return to_16_bit(audio) / 2**15


def test_a_full_scale_tone_has_the_standard_s_loudness() -> None:
    # BS.1770-4: 997 Hz at 0 dBFS in one front channel reads -3.01 LKFS
    assert measure(tone(997, 5, 48000), 48000).lufs == pytest.approx(-3.01, abs=0.05)


def test_loudness_follows_the_gain() -> None:
    audio = clip("noise", RATE, 1.0, 0)
    quiet, loud = measure(audio / 10, RATE).lufs, measure(audio, RATE).lufs
    assert quiet is not None and loud is not None and loud - quiet == pytest.approx(20, abs=1e-6)


@pytest.mark.parametrize(("seconds", "how"), [(0.05, "block"), (0.39, "block"), (0.4, "integrated"), (3, "integrated")])
def test_clips_shorter_than_a_gating_block_are_one_block(seconds: float, how: str) -> None:
    found = measure(tone(500, seconds), RATE)
    assert found.measured == how
    assert found.lufs == pytest.approx(-3.5, abs=0.6)


def test_silence_has_no_loudness_and_no_peak() -> None:
    assert measure(np.zeros(RATE), RATE).measured == "silent"
    assert measure(np.zeros(RATE), RATE).lufs is None
    assert true_peak(np.zeros(RATE)) is None


def test_the_peak_between_samples_is_found() -> None:
    # a quarter of the rate at 45 degrees: every sample is 0.707, the wave reaches 1
    audio = faded(tone(RATE / 4, 1, phase=np.pi / 4), RATE, 100)
    assert np.abs(audio).max() == pytest.approx(np.sqrt(0.5), abs=1e-6)
    assert true_peak(audio) == pytest.approx(0, abs=0.01)


def test_a_rate_too_low_for_the_filters_is_reported() -> None:
    with pytest.raises(ListeningError, match=r"audio\.sample_rate"):
        measure(np.ones(4000), 4000)


@pytest.mark.parametrize("length", [RATE // 10, RATE // 2, 2 * RATE])
@given(drawn=CLIPS, ceiling=st.sampled_from([-1.0, -6.0]), lufs=st.sampled_from([-23.0, -12.0]))
def test_an_item_has_one_level_under_the_ceiling(
    length: int, drawn: list[tuple[str, float, int]], ceiling: float, lufs: float
) -> None:
    clips = [faded(without_rumble(clip(kind, length, gain, seed), RATE), RATE, 10) for kind, gain, seed in drawn]
    matched = [heard(audio) for audio in match(clips, RATE, lufs, ceiling)]
    levels = [level for level in (measure(audio, RATE).lufs for audio in matched) if level is not None]
    peaks = [peak for peak in map(true_peak, matched) if peak is not None]
    assert all(len(audio) == length for audio in matched)
    assert not peaks or max(peaks) <= ceiling
    # another oversampler, by zeros and a long filter, agrees; near half the rate, in clicks, filters differ by 0.55 dB
    for audio in matched:
        between = scipy.signal.resample_poly(audio, 4, 1, window=("kaiser", 12.0))
        assert np.abs(between).max() <= 10 ** ((ceiling + 0.6) / 20)
    audible = [measure(audio, RATE).lufs is not None for audio in clips]
    assert len(levels) == sum(audible)
    assert not levels or max(levels) - min(levels) <= 0.5
    assert not levels or max(levels) <= lufs + 0.1


@given(seed=st.integers(0, 99))
def test_the_wanted_loudness_is_reached_where_no_peak_forbids(seed: int) -> None:
    clips = [clip("noise", RATE, gain, seed + place) for place, gain in enumerate((0.01, 0.3))]
    for audio in match(clips, RATE, -23.0, -1.0):
        assert measure(audio, RATE).lufs == pytest.approx(-23, abs=0.05)


def test_one_sharp_clip_lowers_all_of_its_item() -> None:
    noise, impulse = clip("noise", RATE, 1.0, 1), clip("impulse", RATE, 1.0, 1)
    alone = measure(match([noise], RATE, -23.0, -1.0)[0], RATE).lufs
    beside = measure(match([noise, impulse], RATE, -23.0, -1.0)[0], RATE).lufs
    assert alone is not None and beside is not None and beside < alone - 5
