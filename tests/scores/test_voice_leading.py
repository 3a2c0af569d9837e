"""Voice leading: counts by hand, and what no transposing or holding may change."""

from itertools import pairwise

import numpy as np
import pytest
from grids import any_grids
from hypothesis import given

from descant.scores.parts import HELD, REST, Range, encode, from_sounding, ranges, sounding, transposed
from descant.scores.voice_leading import count_voice_leading, rates, together

WIDE = (Range(0, 127),) * 4


def chords(*frames: tuple[int, ...], length: int = 4) -> np.ndarray:
    """Frames struck one after another."""
    grid = np.full((length * len(frames), len(frames[0])), HELD, np.uint8)
    grid[::length] = frames
    return grid


@pytest.mark.parametrize(
    ("frames", "fifths", "octaves"),
    [
        (((67, 60), (69, 62)), 1, 0),
        (((72, 60), (74, 62)), 0, 1),
        (((60, 60), (62, 62)), 0, 1),
        # a fifth and a twelfth, both upwards
        (((67, 60), (81, 62)), 1, 0),
        # contrary motion, repeated notes, one voice alone: none
        (((67, 60), (74, 55)), 0, 0),
        (((67, 60), (67, 60)), 0, 0),
        (((67, 60), (68, 60)), 0, 0),
        # a fifth to a diminished fifth
        (((67, 60), (68, 62)), 0, 0),
        # a rest between
        (((67, 60), (REST, 62), (69, 62)), 0, 0),
        # outer voices in octaves, the middle in fifths below the upper
        (((72, 65, 60), (74, 67, 62)), 1, 1),
    ],
)
def test_parallels_by_hand(frames: tuple[tuple[int, ...], ...], fifths: int, octaves: int) -> None:
    found = count_voice_leading(chords(*frames), (Range(0, 127),) * len(frames[0]))
    assert (found.parallel_fifths, found.parallel_octaves) == (fifths, octaves)


def test_crossing_spacing_and_range_by_hand() -> None:
    # soprano and alto 13 apart for four sixteenths; tenor and bass two octaves apart, which may be; then a crossing
    grid = chords((80, 67, 60, 36), (66, 67, 60, 48))
    found = count_voice_leading(grid, (Range(67, 80), Range(60, 70), Range(50, 65), Range(40, 60)))
    assert (found.crossings, found.wide, found.out_of_range) == (4, 4, 8)
    assert (found.changes, found.pairs, found.notes) == (1, 24, 32)
    shares = rates(found)
    assert shares.crossing_percent == shares.spacing_percent == pytest.approx(100 * 4 / 24)
    assert shares.range_percent == 25 and shares.fifths_per_piece == 0
    silent = rates(count_voice_leading(encode([[], [], [], []], 4), WIDE))
    assert silent.range_percent is None and silent.fifths_per_100 is None


@given(any_grids())
def test_keys_and_who_strikes_again_count_for_nothing(grid: np.ndarray) -> None:
    found = count_voice_leading(grid, WIDE)
    assert count_voice_leading(from_sounding(sounding(grid)), WIDE) == found
    low, high = min(r.low for r in ranges([grid])), max(r.high for r in ranges([grid]))
    if low <= high:
        shift = -low if low else 127 - high
        assert count_voice_leading(transposed(grid, shift), WIDE) == found
    assert count_voice_leading(grid, ranges([grid])).out_of_range == 0


@given(any_grids(most=12))
def test_parallels_are_those_of_a_slow_count(grid: np.ndarray) -> None:
    frames: list[tuple[int, ...]] = []
    for frame in map(tuple, sounding(grid).astype(int)):
        if not frames or frame != frames[-1]:
            frames.append(frame)
    counted = {7: 0, 0: 0}
    for before, after in pairwise(frames):
        for i in range(4):
            for j in range(i + 1, 4):
                if 128 in (before[i], before[j], after[i], after[j]):
                    continue
                up, down = after[i] - before[i], after[j] - before[j]
                apart = (before[i] - before[j]) % 12
                if up * down > 0 and apart == (after[i] - after[j]) % 12 and apart in counted:
                    counted[apart] += 1
    found = count_voice_leading(grid, WIDE)
    assert (found.parallel_fifths, found.parallel_octaves, found.changes) == (counted[7], counted[0], len(frames) - 1)


def test_sums_are_by_piece() -> None:
    one = count_voice_leading(chords((67, 60), (69, 62)), WIDE[:2])
    assert rates(together([one, one])) == rates(one)
    assert together([one, one]).pieces == 2 and together([]).pieces == 0
