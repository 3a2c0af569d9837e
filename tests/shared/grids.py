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


def chorale(measures: int = 2) -> Grid:
    """Four voices, a chord a quarter: C major, F major, G major, C major, and so on."""
    chords = [(72, 67, 64, 48), (72, 69, 65, 53), (71, 67, 62, 55), (72, 67, 64, 48)]
    grid = np.full((16 * measures, 4), HELD, np.uint8)
    for beat in range(4 * measures):
        grid[4 * beat] = chords[beat % 4]
    return grid
