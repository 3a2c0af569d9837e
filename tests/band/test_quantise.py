"""A person's notes become the tokens of a voice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.band.quantise import Played, quantise, step_seconds
from descant.scores.parts import HELD, REST, PartNote, decode, encode


@st.composite
def melodies(draw: st.DrawFn) -> list[PartNote]:
    """Notes of one voice within four measures."""
    ends = sorted(draw(st.sets(st.integers(0, 64), max_size=24)))
    pairs = list(zip(ends[::2], ends[1::2], strict=False))
    return [PartNote(onset, end, draw(st.integers(0, 127))) for onset, end in pairs]


@given(melodies(), st.data())
def test_a_hand_that_is_less_than_half_a_sixteenth_off_plays_what_is_written(
    written: list[PartNote], data: st.DataObject
) -> None:
    off = st.floats(-0.49, 0.49)
    played = [Played(note.pitch, note.onset + data.draw(off), note.end + data.draw(off)) for note in written]
    heard = np.concatenate([quantise(played, first) for first in range(0, 64, 16)])
    assert decode(heard[:, None]) == [written]
    # where one note ends as the next begins there is no rest
    assert np.array_equal(heard[:, None], encode([written], 64))


def test_a_note_just_before_the_bar_line_is_of_the_next_measure() -> None:
    early = [Played(60, 16 - 0.4, 18)]
    assert quantise(early, 0).tolist() == [REST, *[HELD] * 15]
    assert quantise(early, 16).tolist() == [60, HELD, REST, *[HELD] * 13]


@pytest.mark.parametrize(
    ("notes", "tokens"),
    [
        ([Played(60, 0.0), Played(64, 4)], {0: 60, 4: 64}),
        ([Played(60, 0.0, 9), Played(64, 4, 6)], {0: 60, 4: 64, 6: REST}),
        ([Played(60, 0.0, 0.01), Played(64, 0.02, 0.03)], {0: 64, 1: REST}),
        ([Played(60, 3, 3.1)], {0: REST, 3: 60, 4: REST}),
        ([Played(60, -9, 2)], {0: 60, 2: REST}),
        ([Played(60, -9, -8)], {0: REST}),
    ],
    ids=["held under", "cut", "both at once", "shortest", "from the count-in", "in the count-in"],
)
def test_the_last_note_wins(notes: list[Played], tokens: dict[int, int]) -> None:
    assert quantise(notes, 0).tolist() == [tokens.get(step, HELD) for step in range(16)]


def test_a_quarter_has_four_sixteenths() -> None:
    assert step_seconds(120) == 0.125
