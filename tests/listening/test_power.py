"""Power: what is said to be found is found, more raters find more, and nothing is found too often."""

import numpy as np
import pytest
from small_tests import small_test

from descant.config.listening import Listening, Spread
from descant.listening.design import make_lists
from descant.listening.files import Power
from descant.listening.intervals import Cells, difference_interval
from descant.listening.power import Plan, plan_of, power_of

MODELS = ("alpha", "beta", "gamma")


def power(items: int = 12, raters: int = 20, pages: int = 30, kind: str = "mos", **assumed: float) -> Power:
    settings = Listening.model_validate({"raters": raters, "pages_per_rater": pages, "type": kind})
    manifest, _ = small_test(MODELS, items)
    return power_of(manifest, make_lists(manifest, settings, 1), settings.type, Spread(**assumed), 1, draws=200)


def found(power: Power) -> float:
    assert power.detectable is not None
    return power.detectable


def planned(raters: int, items: int) -> Plan:
    settings = Listening.model_validate({"raters": raters, "pages_per_rater": 30})
    manifest, _ = small_test(MODELS, items)
    return plan_of(manifest, make_lists(manifest, settings, 1), "mos")


def test_the_plan_counts_each_clip_once_a_list_and_no_control() -> None:
    plan = planned(20, 12)
    assert plan.shape == (6, 12)
    # 30 pages less two controls and two repeated clips
    assert len(plan.rows) == 20 * 26
    assert len({*zip(plan.raters, plan.rows, plan.items, strict=True)}) == len(plan.rows)


def test_what_is_said_to_be_found_is_found_in_four_of_five_other_tests() -> None:
    plan, difference = planned(20, 12), found(power())
    random, hits = np.random.default_rng(7), 0
    for _ in range(400):
        rater, clip = random.normal(0, 0.5, 20), random.normal(0, 0.4, (6, 12))
        noise = random.normal(0, 0.8, len(plan.rows))
        values = rater[plan.raters] + clip[plan.rows, plan.items] + noise + difference * (plan.rows == 2)
        two = [Cells(values[of], plan.raters[of], plan.items[of]) for of in (plan.of_row(2), plan.of_row(4))]
        low = difference_interval(two[0], two[1], 0.95).low
        hits += low is not None and low > 0
    # the errors of 400 draws here and of 200 there
    assert hits / 400 == pytest.approx(0.8, abs=0.08)


def test_more_raters_more_items_and_less_noise_find_more() -> None:
    base = found(power())
    assert found(power(raters=40)) < base
    assert found(power(items=40, raters=40, pages=60)) < found(power(raters=40, pages=60))
    assert found(power(residual=0.4)) < base
    assert found(power(item=0.8)) > base


def test_false_alarms_are_near_the_level() -> None:
    alarms = power(items=20, raters=30).false_alarms
    assert alarms is not None and 0 < alarms < 0.1


def test_ratings_are_counted() -> None:
    counted = power()
    assert counted.ratings_per_row == (86, 87)
    assert counted.ratings_per_stimulus == (7, 8)


def test_one_item_allows_no_interval_and_says_so() -> None:
    one = power(items=1)
    assert (one.half_width, one.detectable, one.false_alarms) == (None, None, None)


def test_preferences_are_found_by_their_share() -> None:
    few, many = power(kind="ab", raters=20), power(kind="ab", raters=80)
    assert few.half_width is None
    assert 0.5 < found(many) < found(few) < 1


def test_the_same_seed_gives_the_same_figures() -> None:
    assert power() == power()
