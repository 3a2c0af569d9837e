"""Grids of parts: notes come back exactly, whatever they are; hand-worked bars; transposing and ranges."""

import numpy as np
import pytest
from grids import any_grids, chorale, voice_notes
from hypothesis import given
from hypothesis import strategies as st

from descant.errors import ScoreError
from descant.scores.parts import (
    HELD,
    REST,
    SILENCE,
    PartNote,
    Range,
    decode,
    encode,
    framed,
    from_first_note,
    from_sounding,
    keys_within,
    ranges,
    sounding,
    transposed,
    unframed,
)


@given(st.lists(voice_notes(48), min_size=1, max_size=4))
def test_notes_come_back_exactly(voices: list[list[PartNote]]) -> None:
    grid = encode(voices, 48)
    assert decode(grid) == voices
    assert np.array_equal(encode(decode(grid), 48), grid)
    assert grid.dtype == np.uint8 and (grid[0] != HELD).all()


@given(any_grids())
def test_silence_around_a_grid_adds_no_note_and_comes_off(grid: np.ndarray) -> None:
    assert np.array_equal(unframed(framed(grid)), grid)
    later = [[PartNote(one.onset + 16, one.end + 16, one.pitch) for one in notes] for notes in decode(grid)]
    assert decode(framed(grid)) == later


@given(any_grids())
def test_from_the_first_note_on_all_notes_are_there_and_one_begins_at_once(grid: np.ndarray) -> None:
    notes = decode(grid)
    first = min((voice[0].onset for voice in notes if voice), default=0)
    earlier = [[PartNote(one.onset - first, one.end - first, one.pitch) for one in voice] for voice in notes]
    assert decode(from_first_note(grid)) == earlier


@given(any_grids())
def test_any_grid_is_some_notes_and_sounds_like_them(grid: np.ndarray) -> None:
    written = encode(decode(grid), len(grid))
    assert decode(written) == decode(grid)
    assert np.array_equal(sounding(written), sounding(grid))
    by_hand = np.full(grid.shape, SILENCE)
    for voice, notes in enumerate(decode(grid)):
        for note in notes:
            by_hand[note.onset : note.end, voice] = note.pitch
    assert np.array_equal(sounding(grid), by_hand)


@given(any_grids())
def test_what_sounds_is_kept_by_the_merged_coding(grid: np.ndarray) -> None:
    assert np.array_equal(sounding(from_sounding(sounding(grid))), sounding(grid))


def test_a_bar_by_hand() -> None:
    # a pickup's rest, a note struck twice, a tie over the beat, a rest at the end
    notes = [PartNote(4, 8, 60), PartNote(8, 10, 60), PartNote(10, 13, 62)]
    expected = [REST, *[HELD] * 3, 60, *[HELD] * 3, 60, HELD, 62, HELD, HELD, REST, HELD, HELD]
    grid = encode([notes], 16)
    assert grid[:, 0].tolist() == expected
    assert sounding(grid)[:, 0].tolist() == [SILENCE] * 4 + [60] * 6 + [62] * 3 + [SILENCE] * 3
    merged = from_sounding(sounding(grid))
    assert decode(merged) == [[PartNote(4, 10, 60), PartNote(10, 13, 62)]]


@pytest.mark.parametrize(
    "notes",
    [
        [PartNote(0, 5, 60), PartNote(4, 8, 62)],
        [PartNote(0, 17, 60)],
        [PartNote(3, 3, 60)],
        [PartNote(0, 4, 128)],
        [PartNote(-1, 4, 60)],
    ],
)
def test_what_no_grid_holds_is_refused(notes: list[PartNote]) -> None:
    with pytest.raises(ScoreError) as refused:
        encode([notes], 16)
    assert refused.value.cure


@given(any_grids(), st.integers(-6, 6))
def test_transposing_moves_pitches_alone(grid: np.ndarray, shift: int) -> None:
    pitches = grid[grid < 128].astype(int)
    if len(pitches) and not 0 <= pitches.min() + shift <= pitches.max() + shift < 128:
        with pytest.raises(ScoreError):
            transposed(grid, shift)
        return
    moved = transposed(grid, shift)
    assert np.array_equal(moved >= 128, grid >= 128)
    assert (moved[moved < 128] == pitches + shift).all()
    assert np.array_equal(transposed(moved, -shift), grid)


def test_ranges_bound_the_keys() -> None:
    grid = chorale()
    assert ranges([grid]) == (Range(71, 72), Range(67, 69), Range(62, 65), Range(48, 55))
    assert keys_within(grid, ranges([grid])) == ()
    wide = (Range(69, 72 + 9), Range(60, 80), Range(50, 80), Range(30, 60))
    assert keys_within(grid, wide) == (-2, -1, 1, 2, 3, 4, 5)
    assert ranges([encode([[]], 4)], 1) == (Range(127, 0),)
    assert keys_within(encode([[]], 4), (Range(60, 60),)) == (-6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6)
