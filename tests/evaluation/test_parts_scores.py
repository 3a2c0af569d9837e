"""Figures of models of parts: by hand, and as the baselines' own scores have them."""

from dataclasses import replace
from itertools import chain, combinations
from math import log

import numpy as np
import pytest
from grids import any_grids, chorale
from hypothesis import given
from hypothesis import strategies as st

from descant.evaluation.ngram import picked
from descant.evaluation.parts_baselines import ALL, CLEAN, COMPOSE, FILL, score_fill
from descant.evaluation.parts_coding import code
from descant.evaluation.parts_models import NOTHING, Filler
from descant.evaluation.parts_scores import (
    BASELINE,
    NEXT,
    SETS,
    Asked,
    Said,
    Sums,
    all_lines,
    copying,
    holding,
    nats_of_sets,
    share_of,
    sums_of_filled,
    sums_of_nats,
    sums_of_tokens,
)
from descant.scores.parts import HELD, REST, VOICES, Grid
from descant.statistics import Bootstrap

BOOTSTRAP = Bootstrap(100, 0.95, 1)
ASKED = Asked("a", "A", "rmvae", True, {}, frozenset(), BOOTSTRAP)


def said_of(grid: Grid, nats: float = 1.0, first: int = 16) -> Said:
    """A network that is always right from a step on, and says every missing token with the same nats."""
    of_sets = np.full((len(SETS), *grid.shape), np.nan)
    for number, voices in enumerate(SETS):
        of_sets[number, first:, list(voices)] = nats
    tokens = grid.astype(np.int64)
    tokens[:first] = NOTHING
    return Said(of_sets, tokens, tokens, np.zeros(0))


def test_sets_are_all_that_can_be_missing() -> None:
    every = chain.from_iterable(combinations(range(4), size) for size in range(1, 5))
    assert set(SETS) == set(every) and len(SETS) == 15 and SETS[-1] == (0, 1, 2, 3)


def test_sums_by_hand() -> None:
    grid = np.array([[60, REST], [HELD, HELD], [62, HELD]], np.uint8)
    nats = np.array([[1.0, np.nan], [0.5, 0.25], [2.0, np.nan]])
    assert sums_of_nats(grid, nats) == Sums(4, 2, 3.75, 3.0)
    said = np.array([[60, NOTHING], [HELD, 64], [61, HELD]])
    assert sums_of_tokens(grid, said) == Sums(5, 2, right=3, right_changed=1)
    # a silence that nobody wrote sounds like the rest that is there; 60 held on is not 62
    filled = np.array([[NOTHING, HELD], [60, HELD], [HELD, HELD]])
    assert sums_of_filled(grid, filled, np.zeros(3), 1) == Sums(3, 1, 0.0, 0.0, 3, 0)
    assert sums_of_filled(grid, filled, np.full(3, 0.5), 0) == Sums(2, 1, 1.5, 1.0, 1, 0)


@given(any_grids(voices=4), st.integers(0, 3))
def test_a_filled_voice_is_scored_as_that_of_a_baseline(grid: Grid, voice: int) -> None:
    pieces = [code("", chorale(2), "events")]
    filler, piece = Filler(pieces), code("", grid, "events")
    expected, _ = score_fill(piece, voice, filler)
    said = np.full(grid.shape, NOTHING)
    said[:, voice] = filler.fill(piece, voice)[0]
    found = sums_of_filled(grid, said, -np.log(picked(filler.distribution(piece, voice), grid[:, voice])), voice)
    assert vars(found) == pytest.approx(vars(expected))


@given(any_grids(most=50), st.integers(16, 40))
def test_what_needs_no_network_is_said_where_the_network_says_something(grid: Grid, first: int) -> None:
    said = said_of(grid, first=first).following
    held, copied = sums_of_tokens(grid, holding(said)), sums_of_tokens(grid, copying(grid, said))
    is_held = grid[first:] == HELD
    assert (held.tokens, held.right, held.right_changed) == (is_held.size, is_held.sum(), 0)
    same = grid[first:] == grid[first - 16 : -16] if len(grid) > first else np.zeros((0, 4), bool)
    assert (copied.tokens, copied.right, copied.right_changed) == (same.size, same.sum(), (same & ~is_held).sum())


def test_lines_of_a_network_that_is_always_right() -> None:
    test = {str(number): chorale(3) for number in range(6)}
    asked = replace(ASKED, test=test, clean=frozenset({"1", "4"}))
    lines = all_lines(asked, {name: said_of(grid, log(2)) for name, grid in test.items()})
    own = [line for line in lines if line.kind != BASELINE]
    tasks = [COMPOSE, NEXT, *map(FILL.format, VOICES)]
    assert [(line.task, line.material) for line in own] == [(task, one) for task in tasks for one in (ALL, CLEAN)]
    assert all(line.bound and line.model == "a" and line.title == "A" for line in own)
    for line in own:
        assert line.pieces == (2 if line.material == CLEAN else 6)
        assert line.tokens == line.pieces * 32 * (1 if line.task.startswith("fill") else 4)
        assert line.changed_tokens * 4 == line.tokens
        nats = [line.nats_per_token, line.nats_per_changed_token]
        assert nats == ([None, None] if line.task == NEXT else pytest.approx([log(2)] * 2))
        assert [line.accuracy, line.changed_accuracy] == ([None, None] if line.task == COMPOSE else [1.0, 1.0])
        assert (line.accuracy_low is None) == (line.material == CLEAN or line.task == COMPOSE)
    others = {(line.title, line.material): line for line in lines if line.kind == BASELINE}
    assert not any(line.bound or line.model for line in others.values())
    assert (others["hold", ALL].accuracy, others["hold", ALL].changed_accuracy) == (0.75, 0.0)
    # a measure is the one before: four chords a measure, always the same four
    assert others["last measure", ALL].changed_accuracy == 1.0
    sets = nats_of_sets(asked, {name: said_of(grid, 0.5) for name, grid in test.items()})
    assert len(sets) == 15 and {one.value for one in sets.values()} == {0.5}
    assert next(iter(sets)) == "soprano" and list(sets)[-1] == "soprano, alto, tenor, bass"


def test_where_nothing_is_said_there_is_no_figure() -> None:
    silent = said_of(chorale(1))
    lines = all_lines(replace(ASKED, test={"1": chorale(1)}), {"1": silent})
    assert {line.tokens for line in lines} == {0}
    assert {line.accuracy for line in lines} | {line.nats_per_token for line in lines} == {None}
    assert share_of([None, 2.0], [1, 4], BOOTSTRAP) == share_of([2.0], [4], BOOTSTRAP)
