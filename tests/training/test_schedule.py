"""The schedule: up over the warm-up, level, then down to exactly what was asked for."""

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from descant.config.training import Schedule
from descant.training.schedule import rate_fraction

STEPS = st.integers(1, 300)
SCHEDULES = st.builds(
    Schedule,
    warmup_steps=st.integers(0, 120),
    decay=st.sampled_from(["none", "linear", "cosine"]),
    decay_from=st.floats(0, 1),
    final_fraction=st.floats(0, 1),
)


def fractions(schedule: Schedule, steps: int) -> list[float]:
    return [rate_fraction(schedule, step, steps) for step in range(steps)]


@given(schedule=SCHEDULES, steps=STEPS)
def test_it_is_a_share_that_rises_stays_and_falls(schedule: Schedule, steps: int) -> None:
    assume(schedule.warmup_steps < steps)
    shares = fractions(schedule, steps)
    assert all(0 <= share <= 1 for share in shares)
    assert shares[0] > 0 or schedule.warmup_steps == 0
    warm = schedule.warmup_steps
    assert all(shares[step] < shares[step + 1] for step in range(warm))
    assert shares[warm] == 1
    assert all(shares[step] >= shares[step + 1] for step in range(warm, steps - 1))
    plateau = max(warm, round(schedule.decay_from * steps))
    assert all(share == 1 for share in shares[warm : plateau + 1])


@given(schedule=SCHEDULES, steps=STEPS)
def test_it_ends_at_exactly_the_final_fraction(schedule: Schedule, steps: int) -> None:
    assume(schedule.warmup_steps < steps)
    start = max(schedule.warmup_steps, round(schedule.decay_from * steps))
    last = rate_fraction(schedule, steps - 1, steps)
    assert last == (1 if schedule.decay == "none" or start >= steps - 1 else schedule.final_fraction)


@given(warmup=st.integers(0, 50), steps=st.integers(60, 300))
def test_the_warm_up_is_linear(warmup: int, steps: int) -> None:
    shares = fractions(Schedule(warmup_steps=warmup), steps)
    for step in range(warmup):
        assert math.isclose(shares[step] * (warmup + 1), step + 1)


@given(warmup=st.integers(0, 50), halve=st.integers(1, 90), start=st.floats(0, 1), steps=st.integers(60, 300))
def test_halving_is_a_power_of_two_of_whole_intervals(warmup: int, halve: int, start: float, steps: int) -> None:
    shares = fractions(Schedule(warmup_steps=warmup, decay_from=start, halve_every=halve), steps)
    begins = max(warmup, round(start * steps))
    for step in range(warmup, steps):
        assert shares[step] == 2.0 ** -(max(0, step - begins) // halve)
    assert shares[:warmup] == fractions(Schedule(warmup_steps=warmup), steps)[:warmup]


def test_a_rate_cannot_halve_and_decay() -> None:
    with pytest.raises(ValueError, match="halve_every is 5 but decay is 'cosine'"):
        Schedule(decay="cosine", halve_every=5)


def test_linear_and_cosine_meet_in_the_middle_and_differ_between() -> None:
    linear = fractions(Schedule(decay="linear", final_fraction=0.2), 101)
    cosine = fractions(Schedule(decay="cosine", final_fraction=0.2), 101)
    assert math.isclose(linear[50], 0.6) and math.isclose(cosine[50], 0.6)
    assert cosine[25] > linear[25] and cosine[75] < linear[75]
    steps = [before - after for before, after in pairwise(linear)]
    assert all(math.isclose(step, 0.008, rel_tol=1e-9) for step in steps)
