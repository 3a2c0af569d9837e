"""Decisions of a population: laws of selection, and a climb towards an optimum that is known."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from descant.config.population import Population
from descant.errors import TrainingError
from descant.training.population import Decision, Score, choose, decide, fitness, found, lineage, ranked

BOUNDS = {"training.learning_rate": {"least": 1e-4, "most": 1.0}, "jitter": {"least": 0.01, "most": 0.4}}
WRITTEN = {"training.learning_rate": 1e-3, "jitter": 0.02}


def population(**over: Any) -> Population:
    return Population(**{"members": 8, "tuned": BOUNDS, **over})


def scores_of(generation: int, worth: Mapping[int, float | None]) -> list[Score]:
    return [Score(generation, member, 1, None, None, value) for member, value in worth.items()]


def test_the_first_member_has_the_settings_as_written_and_the_others_lie_within_the_bounds() -> None:
    founders = found(population(members=1000), WRITTEN, 1)
    assert founders[0] == Decision(0, 0, None, "founded", {}, dict(sorted(WRITTEN.items())))
    assert [each.member for each in founders] == list(range(1000))
    for name, bounds in BOUNDS.items():
        places = [math.log(each.after[name] / bounds["least"]) for each in founders[1:]]
        spread = math.log(bounds["most"] / bounds["least"])
        assert stats.kstest(np.array(places) / spread, "uniform").pvalue > 0.01
    rates, jitters = ([each.after[name] for each in founders[1:]] for name in BOUNDS)
    assert abs(stats.spearmanr(rates, jitters).statistic) < 0.1, "each setting is drawn by itself"


def test_a_founder_is_the_same_in_a_larger_population() -> None:
    assert found(population(members=9), WRITTEN, 1)[:5] == found(population(members=5), WRITTEN, 1)
    assert found(population(), WRITTEN, 1)[1:] != found(population(), WRITTEN, 2)[1:]


WORTH = st.none() | st.sampled_from([-3.0, -2.0, -1.0]) | st.floats(-1e6, 1e6)


@given(
    worth=st.lists(WORTH, min_size=2, max_size=12).filter(lambda values: any(value is not None for value in values)),
    exploit=st.floats(0.01, 0.5),
    seed=st.integers(0, 99),
    data=st.data(),
)
def test_laws_of_a_generation(worth: list[float | None], exploit: float, seed: int, data: st.DataObject) -> None:
    section = population(members=len(worth), exploit=exploit)
    before = found(section, WRITTEN, seed)
    scores = scores_of(0, dict(enumerate(worth)))
    decisions = decide(section, before, scores, seed)
    assert decide(section, before, data.draw(st.permutations(scores)), seed) == decisions, "in any order of scores"
    assert [each.member for each in decisions] == list(range(len(worth)))
    assert {each.generation for each in decisions} == {1}
    share = max(1, int(exploit * len(worth)))
    top = [score.member for score in ranked(scores) if score.fitness is not None][:share]
    for each in decisions:
        assert each.before == before[each.member].after
        assert each.parent is not None
        parent = before[each.parent].after
        if each.action == "kept":
            assert each.parent == each.member and each.after == each.before
            assert worth[each.member] is not None, "what failed is never gone on with"
        else:
            assert each.action == "exploited" and each.parent in top and each.parent != each.member
            for name, value in each.after.items():
                bounds = section.tuned[name]
                factor = value / parent[name]
                clipped = value in (bounds.least, bounds.most)
                assert clipped or any(math.isclose(factor, one) for one in section.factors)
                assert bounds.least <= value <= bounds.most and value != parent[name], "never a twin of the parent"
    replaced = {each.member for each in decisions if each.action == "exploited"}
    assert {member for member, value in enumerate(worth) if value is None} <= replaced
    failed = sum(value is None for value in worth)
    assert len(replaced) == max(failed, min(share, len(worth) - len(top)))
    assert not replaced & set(top)


def test_of_equals_the_lower_member_ranks_first_and_what_failed_ranks_last() -> None:
    scores = scores_of(0, {3: -1.0, 0: None, 2: -1.0, 1: -0.5})
    assert [score.member for score in ranked(scores)] == [1, 2, 3, 0]
    assert choose(scores).member == 1


def test_both_parents_and_both_factors_are_drawn_alike() -> None:
    section = population(members=1000, exploit=0.5, tuned={"jitter": BOUNDS["jitter"]})
    middle = {"jitter": 0.06}
    before = [replace(each, after=middle) for each in found(section, {"jitter": 0.06}, 1)]
    decisions = decide(section, before, scores_of(0, {member: -float(member) for member in range(1000)}), 1)
    exploited = [each for each in decisions if each.action == "exploited"]
    assert [each.member for each in exploited] == list(range(500, 1000))
    factors = Counter(round(each.after["jitter"] / 0.06, 6) for each in exploited)
    assert set(factors) == {0.8, 1.25} and stats.binomtest(factors[0.8], 500).pvalue > 0.001
    parents = [each.parent for each in exploited]
    assert stats.kstest(np.array(parents) / 500, "uniform").pvalue > 0.001


def test_decisions_follow_the_seed_and_the_generation() -> None:
    section = population()
    before = found(section, WRITTEN, 1)
    worth = {member: -float(member) for member in range(8)}
    first = decide(section, before, scores_of(0, worth), 1)
    assert first != decide(section, before, scores_of(0, worth), 2)
    later = decide(section, [replace(each, generation=1) for each in before], scores_of(1, worth), 1)
    assert [each.after for each in first] != [each.after for each in later]


def test_where_all_failed_it_is_reported() -> None:
    section = population(members=2)
    failed = scores_of(0, {0: None, 1: None})
    for attempt in (lambda: decide(section, found(section, WRITTEN, 1), failed, 1), lambda: choose(failed)):
        with pytest.raises(TrainingError, match="all 2 members of generation 0 diverged") as shown:
            attempt()
        assert "population.tuned" in shown.value.cure


def test_the_lineage_is_that_of_the_parents() -> None:
    def generation(number: int, parents: list[int | None]) -> list[Decision]:
        return [Decision(number, member, parent, "kept", {}, {}) for member, parent in enumerate(parents)]

    decisions = [generation(0, [None] * 3), generation(1, [0, 0, 2]), generation(2, [2, 1, 1])]
    assert [lineage(decisions, member) for member in range(3)] == [[2, 2, 0], [0, 1, 1], [0, 1, 2]]
    with pytest.raises(TrainingError, match="generation 1 names a parent of member 0"):
        lineage([decisions[0], generation(1, [None, 0, 0]), generation(2, [0])], 0)


@pytest.mark.parametrize(
    ("bits", "perplexity", "least", "expected"),
    [
        (3.0, 200.0, 0.1, -3.0),
        (3.0, 25.6, 0.1, -3.0),
        (3.0, 12.8, 0.1, -4.0),
        (3.0, 1.0, 0.1, -3.0 - math.log2(25.6)),
        (3.0, 1.0, 0.0, -3.0),
        (3.0, None, 0.1, -3.0),
        (math.nan, 200.0, 0.1, None),
        (math.inf, 200.0, 0.1, None),
        (3.0, math.nan, 0.1, None),
        (3.0, 0.0, 0.1, None),
    ],
)
def test_fitness_is_minus_bits_and_a_bit_less_for_each_halving_under_the_least_perplexity(
    bits: float, perplexity: float | None, least: float, expected: float | None
) -> None:
    assert fitness(bits, perplexity, 256, least) == pytest.approx(expected)


def climb(
    section: Population, train: Callable[[float, float], float], generations: int, seed: int
) -> list[list[float]]:
    """Run a population on a state that is one number; the states of every generation's members."""
    decisions = found(section, {"training.learning_rate": 1e-4}, seed)
    states = [[1.0] * section.members]
    for generation in range(generations):
        starts = [states[-1][each.member if each.parent is None else each.parent] for each in decisions]
        states.append(
            [train(start, each.after["training.learning_rate"]) for start, each in zip(starts, decisions, strict=True)]
        )
        scores = [
            Score(generation, member, generation, None, None, -state if math.isfinite(state) else None)
            for member, state in enumerate(states[-1])
        ]
        decisions = decide(section, decisions, scores, seed)
    return [*states, [each.after["training.learning_rate"] for each in decisions]]


@pytest.mark.parametrize("seed", range(5))
def test_it_climbs_to_a_known_optimum(seed: int) -> None:
    # x²/2 by gradient descent: a step multiplies x by (1 - rate), so a rate of 0.5 halves it, and 1e-4 does next to
    # nothing; above 0.6 it is made to diverge
    def train(start: float, rate: float) -> float:
        return math.inf if rate > 0.6 else start * (1 - rate)

    section = population(members=10, tuned={"training.learning_rate": BOUNDS["training.learning_rate"]})
    *states, rates = climb(section, train, 20, seed)
    best = [min(generation) for generation in states]
    assert all(after <= before for before, after in pairwise(best)), "the best is never lost"
    founders = [each.after["training.learning_rate"] for each in found(section, {"training.learning_rate": 1e-4}, seed)]
    alone = min(1.0 if rate > 0.6 else (1 - rate) ** 20 for rate in founders)
    assert best[-1] <= alone, "no worse than the best founder would be by itself"
    assert float(np.median(rates)) > 3 * float(np.median([rate for rate in founders if rate <= 0.6]))
