"""Grids of parts that tests draw, and a small piece."""

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from descant.scores.parts import CLASSES, HELD, Grid, PartNote


@st.composite
def any_grids(draw: st.DrawFn, most: int = 40, voices: int = 4) -> Grid:
    """Any classes at all, as a network may draw them; mostly held."""
    steps = draw(st.integers(1, most))
    value = st.one_of(st.just(HELD), st.integers(0, CLASSES - 1))
    column = st.lists(value, min_size=steps, max_size=steps)
    return np.array(draw(st.lists(column, min_size=voices, max_size=voices)), dtype=np.uint8).T


@st.composite
def voice_notes(draw: st.DrawFn, steps: int, low: int = 0, high: int = 127) -> list[PartNote]:
    """Notes of one voice that do not overlap, on a grid of so many steps."""
    bounds = sorted(draw(st.sets(st.integers(0, steps), max_size=12)))
    return [PartNote(a, b, draw(st.integers(low, high))) for a, b in pairwise(bounds) if draw(st.booleans())]


@st.composite
def any_notes(draw: st.DrawFn, steps: int, longest: int, overlapping: bool = False) -> list[PartNote]:
    """Notes of one polyphonic voice by onset and pitch, of which no two begin at one place.

    Args:
        draw: of hypothesis.
        steps: within which they lie.
        longest: sixteenths of a note.
        overlapping: whether one may begin at a pitch that sounds.
    """
    places = draw(st.sets(st.tuples(st.integers(0, steps - 1), st.integers(0, 127)), max_size=12))
    found: list[PartNote] = []
    for at, pitch in sorted(places, reverse=True):
        after = min((one.onset for one in found if one.pitch == pitch and not overlapping), default=steps)
        found.append(PartNote(at, min(after, at + draw(st.integers(1, longest))), pitch))
    return found[::-1]


@st.composite
def any_rolls(draw: st.DrawFn, most: int = 40, voices: int = 2) -> Grid:
    """Any durations at all, at a few places, as a network may say them; see :mod:`descant.scores.polyphony`."""
    roll = np.zeros((draw(st.integers(1, most)), voices, 128), np.uint8)
    place = st.tuples(*(st.integers(0, size - 1) for size in roll.shape))
    for at in draw(st.sets(place, max_size=12)):
        roll[at] = draw(st.integers(1, 255))
    return roll


def chorale(measures: int = 2) -> Grid:
    """Four voices, a chord a quarter: C major, F major, G major, C major, and so on."""
    chords = [(72, 67, 64, 48), (72, 69, 65, 53), (71, 67, 62, 55), (72, 67, 64, 48)]
    grid = np.full((16 * measures, 4), HELD, np.uint8)
    for beat in range(4 * measures):
        grid[4 * beat] = chords[beat % 4]
    return grid
