"""What is heard of a grid: from its first note on, as long as it lasts."""

import numpy as np
import pytest
from grids import chorale

from descant.config.corpus import RENDER_RATE
from descant.corpus.parts_audio import audio_of, measured_audio_of
from descant.corpus.rendering import PEAK, TAIL_SECONDS
from descant.scores.parts import HELD, decode, silence
from descant.scores.polyphony import encode


def test_rests_before_the_first_note_are_not_heard() -> None:
    grid = chorale(1)
    audio = audio_of(grid)
    # a measure of four quarters, 80 a minute
    assert audio.dtype == np.float32 and len(audio) == pytest.approx((3 + TAIL_SECONDS) * RENDER_RATE, abs=1)
    assert np.abs(audio).max() == pytest.approx(PEAK, abs=1e-4)
    late = np.concatenate([silence(16), grid])
    assert np.array_equal(audio_of(late), audio)
    # and are silent after it where a length is kept
    kept = measured_audio_of(late)
    assert np.array_equal(kept[: len(audio)], audio) and len(kept) == 6 * RENDER_RATE and not kept[len(audio) :].any()
    assert np.array_equal(measured_audio_of(grid), audio[: 3 * RENDER_RATE])


def test_nothing_but_rests_is_silence() -> None:
    for grid in (silence(32), np.full((32, 4), HELD, np.uint8)):
        assert np.array_equal(measured_audio_of(grid), np.zeros(6 * RENDER_RATE))


def test_a_roll_is_heard_as_a_grid_of_the_same_notes() -> None:
    grid = np.concatenate([silence(16), chorale(1)])
    roll = encode(decode(grid), len(grid))
    assert np.array_equal(audio_of(roll), audio_of(grid))
    assert np.array_equal(measured_audio_of(np.zeros_like(roll)), np.zeros(6 * RENDER_RATE))
