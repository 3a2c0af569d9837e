"""Rolls: any notes come back exactly, as do overlapping ones, chords, and those longer than a measure or a window."""

import numpy as np
import pytest
from grids import any_notes, any_rolls, chorale
from hypothesis import given
from hypothesis import strategies as st

from descant.errors import ScoreError
from descant.scores import parts
from descant.scores.key import key_of
from descant.scores.parts import PartNote, Range
from descant.scores.polyphony import MOST_DURATION, decode, encode, framed, lines, ranges, transposed


@given(st.lists(any_notes(300, MOST_DURATION, overlapping=True), min_size=1, max_size=4))
def test_notes_come_back_exactly(voices: list[list[PartNote]]) -> None:
    roll = encode(voices, 300)
    assert decode(roll) == voices and roll.dtype == np.uint8
    assert np.array_equal(encode(decode(roll), 300), roll)
    # the activation channel of the source
    assert [[(note.onset, note.pitch) for note in notes] for notes in voices] == [
        list(zip(*map(np.ndarray.tolist, np.nonzero(roll[:, voice])), strict=True)) for voice in range(len(voices))
    ]


@pytest.mark.parametrize(
    "notes",
    [
        # one pitch, the second beginning while the first lasts, and ending before it
        [PartNote(0, 12, 60), PartNote(4, 8, 60)],
        # over two bar lines, longer than a window of eight measures, and as long as can be
        [PartNote(14, 34, 60), PartNote(15, 15 + 9 * 16, 64), PartNote(20, 20 + MOST_DURATION, 67)],
        # a chord, one of whose notes is held while another begins again
        [PartNote(0, 8, 48), PartNote(0, 16, 52), PartNote(0, 4, 55), PartNote(4, 16, 55)],
    ],
    ids=["overlap", "long", "chord"],
)
def test_notes_that_a_monophonic_grid_has_no_place_for(notes: list[PartNote]) -> None:
    assert decode(encode([notes], 300)) == [notes]
    with pytest.raises(ScoreError, match="overlaps"):
        parts.encode([notes], 300)


def test_what_lasts_beyond_the_end_ends_there() -> None:
    roll = encode([[PartNote(30, 50, 60)]], 64)
    assert decode(roll[:32]) == [[PartNote(30, 32, 60)]]


@pytest.mark.parametrize(
    ("notes", "problem"),
    [
        ([PartNote(0, 4, 60), PartNote(0, 8, 60)], "begins where another"),
        ([PartNote(0, MOST_DURATION + 1, 60)], "255 are the most"),
        ([PartNote(0, 301, 60)], "outside"),
        ([PartNote(4, 4, 60)], "does not last"),
        ([PartNote(0, 4, 128)], "MIDI has 0 to 127"),
    ],
)
def test_what_it_has_no_place_for_is_refused(notes: list[PartNote], problem: str) -> None:
    with pytest.raises(ScoreError, match=problem):
        encode([notes], 300)


@given(any_rolls())
def test_lines_hold_all_notes_one_at_a_time(roll: np.ndarray) -> None:
    in_lines = [note for notes in parts.decode(lines(roll)) for note in notes]
    by_place = lambda note: (note.onset, note.pitch, note.end)  # noqa: E731
    assert sorted(in_lines, key=by_place) == sorted((one for notes in decode(roll) for one in notes), key=by_place)


def test_monophonic_parts_are_their_own_lines() -> None:
    grid = chorale(3)
    roll = encode(parts.decode(grid), len(grid))
    assert np.array_equal(lines(roll), grid) and key_of(lines(roll)) == key_of(grid)
    assert ranges([roll], 4) == parts.ranges([grid])
    assert np.array_equal(lines(transposed(roll, 2)), parts.transposed(grid, 2))
    assert np.array_equal(parts.unframed(framed(roll)), roll)
    assert np.array_equal(lines(framed(roll)), lines(encode(parts.decode(parts.framed(grid)), len(grid) + 32)))


@given(any_rolls(), st.integers(-12, 12))
def test_transposing_moves_every_pitch_and_goes_back(roll: np.ndarray, semitones: int) -> None:
    voices = [[PartNote(one.onset, one.end, one.pitch + semitones) for one in notes] for notes in decode(roll)]
    if any(not 0 <= one.pitch < 128 for notes in voices for one in notes):
        with pytest.raises(ScoreError, match="out of MIDI's"):
            transposed(roll, semitones)
        return
    moved = transposed(roll, semitones)
    assert decode(moved) == voices and np.array_equal(transposed(moved, -semitones), roll)


def test_a_voice_that_never_sounds_has_no_range() -> None:
    roll = encode([[PartNote(0, 4, 60), PartNote(0, 4, 72)], []], 16)
    assert ranges([roll], 2) == (Range(60, 72), Range(127, 0))
