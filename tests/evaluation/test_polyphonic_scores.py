"""Notes that are said rightly, and what counting knows of them: against sums by hand."""

from math import log

import numpy as np
import pytest
from grids import any_rolls
from hypothesis import given

from descant.evaluation.parts_baselines import ALL, COMPOSE, FILL
from descant.evaluation.parts_scores import NEXT, Asked
from descant.evaluation.polyphonic_scores import (
    PolyphonicSaid,
    frequencies,
    lines_of,
    measure_polyphonic_baselines,
    nats_of,
    sums_of,
)
from descant.scores.parts import MEASURE, PartNote
from descant.scores.polyphony import Roll, encode
from descant.statistics import Bootstrap

BOOTSTRAP = Bootstrap(100, 0.95, 1)


def whole(roll: Roll) -> Roll:
    """A roll filled with rests to three measures."""
    return np.concatenate([roll, np.zeros((3 * MEASURE - len(roll), *roll.shape[1:]), np.uint8)])


@given(any_rolls(), any_rolls())
def test_notes_are_counted_as_sets(one: Roll, other: Roll) -> None:
    true, said = whole(one), whole(other)
    begun, guessed = ({tuple(at) for at in np.argwhere(roll)} for roll in (true, said))
    sums = sums_of(true, said)
    assert (sums.tokens, sums.changed) == (3 * MEASURE * 2, len(begun))
    assert (sums.agreed, sums.begun) == (2 * len(begun & guessed), len(begun) + len(guessed))
    assert sums.off == 2 * sum(abs(int(true[at]) - int(said[at])) for at in begun & guessed)


@given(any_rolls(), any_rolls())
def test_frequencies_are_those_of_each_place(train: Roll, test: Roll) -> None:
    train, test = whole(train), whole(test)
    for by_place in (True, False):
        nats = nats_of(test, frequencies([train], by_place))
        for step, voice in ((0, 0), (len(test) - 1, 1)):
            seen = train[step % MEASURE :: MEASURE, voice] if by_place else train[:, voice]
            share = ((seen > 0).sum(0) + 0.5) / (len(seen) + 1)
            begins = test[step, voice] > 0
            assert nats[step, voice] == pytest.approx(-np.log(np.where(begins, share, 1 - share)).sum())


def test_baselines_of_a_measure_that_repeats() -> None:
    measure = encode([[PartNote(0, 4, 60), PartNote(0, 16, 64)], [PartNote(8, 12, 40)]], MEASURE)
    piece = np.concatenate([measure] * 4)
    found = measure_polyphonic_baselines([piece], {"a": piece}, frozenset({"a"}), BOOTSTRAP)
    rows = {(row.task, row.baseline): row for row in found.rows}
    assert rows[NEXT, "hold"].note_f1 == 0 and rows[NEXT, "hold"].duration_error is None
    copied = rows[NEXT, "last measure"]
    assert (copied.note_f1, copied.duration_error, copied.changed_tokens, copied.tokens) == (1, 0, 9, 96)
    # 3 of 16 · 2 · 128 places always have a note, the others none: 4 and a half of 5
    by_place = rows[COMPOSE, "frequencies by place"]
    assert by_place.nats_per_token == pytest.approx(-128 * log(0.9))
    assert by_place.nats_per_changed_token == pytest.approx(-128 * 32 * log(0.9) / 3)
    # of four measures, a note begins four times at three pitches
    often, never = 4.5 / 65, 0.5 / 65
    of_measure = -3 * log(often) - 45 * log(1 - often) - (256 - 3) * 16 * log(1 - never)
    assert rows[COMPOSE, "frequencies"].nats_per_token == pytest.approx(of_measure / 32)
    assert rows[FILL.format("part 2"), "frequencies by place"].changed_tokens == 3


def test_lines_of_a_network_are_of_what_it_predicts() -> None:
    true = encode([[PartNote(0, 4, 60), PartNote(16, 20, 62), PartNote(24, 40, 64)], [PartNote(32, 36, 40)]], 48)
    said = encode([[PartNote(0, 6, 62), PartNote(8, 12, 65)], [PartNote(16, 24, 40)]], 32)
    # of the last two measures: notes at 0 and 8 of the upper part, at 16 of the lower one
    one = PolyphonicSaid(np.full((32, 2), 0.5), np.full((32, 2), 0.25), said, said, np.array([1.0, 3.0]))
    asked = Asked("r", "R", "rmvae", True, {"a": true}, frozenset({"a"}), BOOTSTRAP)
    lines = {line.task: line for line in lines_of(asked, {"a": one})}
    assert {line.material for line in lines.values()} == {ALL} and all(line.bound for line in lines.values())
    composed, following = lines[COMPOSE], lines[NEXT]
    assert (composed.tokens, composed.changed_tokens, composed.nats_per_token) == (64, 3, 0.5)
    assert composed.nats_per_changed_token == pytest.approx(64 * 0.5 / 3) and composed.note_f1 is None
    # the upper one at 0 agrees, two sixteenths too long, and the lower one, four
    assert following.note_f1 == pytest.approx(2 / 3) and following.duration_error == pytest.approx(3)
    upper, lower = (lines[FILL.format(f"part {number}")] for number in (1, 2))
    assert (upper.note_f1, upper.duration_error, lower.note_f1, lower.duration_error) == (0.5, 2, 1, 4)
    assert upper.nats_per_token == 0.25 and upper.tokens == 32
