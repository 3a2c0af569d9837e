"""Rolls against a roll written note by note, and against pretty_midi's."""

import itertools
from unittest import mock

import numpy as np
import numpy.typing as npt
import pretty_midi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.scores import roll
from descant.scores.roll import KEYS, ROWS, roll_blocks

Notes = list[tuple[float, float, int, int]]
NOTES = st.lists(
    st.tuples(st.floats(0, 2.2), st.floats(0.001, 3), st.integers(21, 108), st.integers(1, 127)), max_size=12
)


def roll_of(notes: Notes, frames: int, rate: float = 125.0) -> npt.NDArray[np.float16]:
    columns = np.array(notes, dtype=np.float64).reshape(-1, 4).T
    blocks = roll_blocks(columns[0], columns[1], columns[2].astype(int), columns[3].astype(int), frames, rate)
    return np.concatenate([np.zeros((0, ROWS), np.float16), *blocks])


@given(NOTES, st.integers(1, 300), st.integers(1, 301))
def test_every_note_is_struck_once_and_held_to_its_end(notes: Notes, frames: int, block: int) -> None:
    notes = [(onset, onset + length, pitch, velocity) for onset, length, pitch, velocity in notes]
    expected = np.zeros((frames, ROWS), np.float16)
    for onset, end, pitch, velocity in notes:
        if onset * 125 < frames:
            first = min(round(onset * 125), frames - 1)
            held = expected[first : max(first + 1, round(end * 125)), KEYS + pitch - 21]
            held[:] = np.maximum(held, np.float16(velocity / 127))
            expected[first, pitch - 21] = max(expected[first, pitch - 21], np.float16(velocity / 127))
    with mock.patch.object(roll, "BLOCK_FRAMES", block):
        found = roll_of(notes, frames)
    assert found.dtype == np.float16 and found.shape == (frames, ROWS)
    np.testing.assert_array_equal(found, expected)


def test_held_keys_are_those_of_pretty_midi() -> None:
    random = np.random.default_rng(0)
    # one note after another on a grid of frames, as pretty_midi cuts where we round, and adds where we take the louder
    bounds = np.cumsum(random.integers(1, 40, 60)) / 125
    notes = [
        (onset, end, int(random.integers(21, 109)), int(random.integers(1, 128)))
        for onset, end in itertools.pairwise(bounds)
    ]
    piano = pretty_midi.Instrument(program=0)
    piano.notes = [pretty_midi.Note(velocity, pitch, on + 1e-6, end + 1e-6) for on, end, pitch, velocity in notes]
    expected = piano.get_piano_roll(fs=125)[21:109].T / 127
    found = roll_of(notes, len(expected))
    np.testing.assert_allclose(found[:, KEYS:], expected, rtol=1e-3)
    assert np.count_nonzero(found[:, :KEYS]) == len(notes)


def test_a_note_that_never_ends_is_held_to_the_end_of_the_track() -> None:
    found = roll_of([(0.5, np.inf, 60, 127), (0.1, 0.1001, 108, 64)], 100)
    assert np.count_nonzero(found[:, KEYS + 60 - 21]) == 38
    assert found[12, KEYS - 1] == found[12, -1] == np.float16(64 / 127) and np.count_nonzero(found[:, -1]) == 1


@pytest.mark.parametrize("onset", [0.8, 0.81, 5.0])
def test_what_begins_after_the_last_frame_is_left_out(onset: float) -> None:
    assert not roll_of([(onset, onset + 1, 60, 100)], 100).any()
    assert roll_of([(0.799, 0.8, 60, 100)], 100)[99, 60 - 21] > 0
