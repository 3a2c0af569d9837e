"""Who is left out: by controls, by repeated clips, by the recommendation's rule as it is written."""

import pandas as pd
import pytest
from listeners import ratings_table

from descant.config.listening import Screening
from descant.listening.ratings import check_ratings
from descant.listening.screening import Screened, misses_reference, screen

RULES = Screening(missed_controls=0.25, repeat_difference=2.0)


def screened(table: pd.DataFrame, rules: Screening = RULES) -> list[Screened]:
    return screen(check_ratings(table, "test").table, rules)


def with_control(values: list[int], lowest: int = 1, highest: int = 2) -> pd.DataFrame:
    """Raters of four clips, then of one control, whose values are given."""
    table = ratings_table({"one": 3.0}, len(values), 4)
    last = (
        table.groupby("session")
        .head(1)
        .assign(
            stimulus="noise",
            kind="control",
            system="control_noise",
            value=values,
            lowest=lowest,
            highest=highest,
            position=99,
        )
    )
    return pd.concat([table.assign(lowest=None, highest=None), last], ignore_index=True)


def test_raters_who_miss_controls_are_left_out() -> None:
    found = screened(with_control([1, 2, 3, 5]))
    assert [bool(rater.reasons) for rater in found] == [False, False, True, True]
    assert [rater.missed for rater in found] == [0, 0, 1, 1] and {rater.controls for rater in found} == {1}
    assert "1 of 1 ratings of controls" in found[3].reasons[0]
    assert not any(rater.reasons for rater in screened(with_control([5, 5]), Screening(missed_controls=1.0)))


def test_a_rater_who_contradicts_himself_is_left_out() -> None:
    table = ratings_table({"one": 3.0}, 2, 4).assign(value=3.0)
    again = table[table["stimulus"] == "one0"].assign(position=50, page=50, value=[4.0, 1.0])
    table.loc[table["session"] == "s001", "value"] = [5.0, 1.0, 2.0, 3.0]
    found = screened(pd.concat([table, again], ignore_index=True))
    assert [rater.repeat_difference for rater in found] == [1.0, 4.0]
    assert [bool(rater.reasons) for rater in found] == [False, True]


def test_one_value_for_everything_is_no_rating() -> None:
    table = ratings_table({"one": 3.0, "two": 2.0}, 2, 5)
    table.loc[table["session"] == "s001", "value"] = 3.0
    assert [bool(rater.reasons) for rater in screened(table)] == [False, True]
    short = table[table["item"] < 3]
    assert not any(rater.reasons for rater in screened(short))


def test_sessions_that_the_experimenter_set_aside_are_left_out() -> None:
    table = ratings_table({"one": 3.0}, 2, 5)
    found = screened(table.assign(excluded=table["session"] == "s000"))
    assert [rater.reasons for rater in found] == [("set aside by the experimenter",), ()]


def mushra(slips: list[int], trials: int = 20) -> pd.DataFrame:
    """Raters of a MUSHRA test, who rate the hidden reference below 90 in some of the trials."""
    reference = ratings_table({"real": 100.0}, len(slips), trials, scale="mushra").assign(value=100.0)
    for rater, number in enumerate(slips):
        of = reference.index[reference["session"] == f"s{rater:03}"]
        reference.loc[of[:number], "value"] = 89.0
    other = ratings_table({"one": 50.0}, len(slips), trials, scale="mushra")
    other["value"] = 40.0 + other["item"]
    return pd.concat([reference, other], ignore_index=True)


def test_one_slip_in_twenty_excludes_nobody_of_ten() -> None:
    # pymushra 0.5 keeps 4 of these 10
    found = screened(mushra([1] * 6 + [0] * 4))
    assert len(found) == 10 and not any(rater.reasons for rater in found)


def test_more_than_15_percent_excludes() -> None:
    found = screened(mushra([3, 4]))
    assert found[0].reasons == ()
    assert found[1].reasons == ("the hidden reference is below 90 in 4 of 20 trials (BS.1534)",)


@pytest.mark.parametrize(("values", "missed"), [([], False), ([90.0], False), ([89.9], True), ([100.0, 0.0], True)])
def test_the_rule_at_its_edges(values: list[float], missed: bool) -> None:
    assert misses_reference(pd.Series(values, dtype=float)) is missed
