"""Tunes: settings of one are found in any key and rhythm; other tunes are not."""

import numpy as np
import pytest

from descant.corpus.tunes import BEGINNING, RUN, plain_title, tune_groups
from descant.scores.parts import HELD, Grid, transposed


def melody(pitches: list[int], seed: int = 0) -> Grid:
    """A grid whose top voice strikes these pitches, at any distances; the others are random."""
    random = np.random.default_rng(seed)
    places = np.cumsum(random.integers(1, 5, len(pitches)))
    grid = np.full((int(places[-1]) + 1, 4), HELD, np.uint8)
    grid[:, 1:] = random.integers(40, 60, (len(grid), 3))
    grid[places, 0] = pitches
    return grid


def walk(seed: int, length: int = 40) -> list[int]:
    steps = np.random.default_rng(seed).choice([-4, -3, -2, -1, 1, 2, 3, 4], length)
    return (70 + np.cumsum(steps) % 12).tolist()


def groups(*grids: Grid, titles: tuple[str, ...] | None = None) -> dict[str, str]:
    names = [f"p{number}" for number in range(len(grids))]
    return tune_groups(dict(zip(names, grids, strict=True)), dict(zip(names, titles or [""] * len(grids), strict=True)))


def test_a_tune_is_known_in_any_key_rhythm_and_with_repeated_notes() -> None:
    tune = walk(1)
    again = [pitch for pitch in tune for _ in range(2)]
    found = groups(melody(tune), transposed(melody(again, seed=5), 3), melody(walk(2)))
    assert found == {"p0": "p0", "p1": "p0"}


def test_a_beginning_or_a_long_run_anywhere_is_enough_and_less_is_not() -> None:
    tune, other, third = walk(1), walk(2), walk(3)
    begins = [*tune[: BEGINNING + 1], *other]
    shares = [*third[:10], *tune[20 : 20 + RUN + 1]]
    short = [*third[:10], *tune[20 : 20 + RUN - 2]]
    assert groups(melody(tune), melody(begins)) == {"p0": "p0", "p1": "p0"}
    assert groups(melody(tune), melody(shares)) == {"p0": "p0", "p1": "p0"}
    assert groups(melody(tune), melody(short)) == {}


def test_titles_join_what_the_ear_does_not_and_chains_are_one() -> None:
    tune, other = walk(1), walk(2)
    titles = ("O Haupt voll Blut", "", "o haupt, voll blut!", "Untitled")
    found = groups(melody(tune), melody(tune, seed=3), melody(other), melody(walk(4)), titles=titles)
    assert found == {"p0": "p0", "p1": "p0", "p2": "p0"}
    assert groups(melody(tune), melody(other), titles=("Untitled", "untitled")) == {}
    assert plain_title("Gott’s Güte") == plain_title("GOTTS GÜTE") and plain_title("…") == ""


@pytest.mark.parametrize("pitches", [[], [60], [60] * 30])
def test_voices_without_intervals_have_no_tune(pitches: list[int]) -> None:
    grid = melody(pitches) if pitches else np.full((16, 4), HELD, np.uint8)
    assert groups(grid, grid) == {}
