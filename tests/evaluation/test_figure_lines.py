"""Figures in words: true minus signs, no negative zero, and nothing where nothing was measured."""

import pytest

from descant.evaluation.figure_lines import Shown, decimal, shown
from descant.evaluation.table import Interval


@pytest.mark.parametrize(
    ("value", "digits", "told"),
    [(1234.5678, 2, "1,234.57"), (-3.1, 1, "\N{MINUS SIGN}3.1"), (-0.0004, 3, "0.000"), (None, 2, "")],
)
def test_a_number_is_told(value: float | None, digits: int, told: str) -> None:
    assert decimal(value, digits) == told


def test_a_figure_has_its_interval_where_there_is_one() -> None:
    assert shown(Interval(-1.0, -2.0, 0.5), 2) == Shown("\N{MINUS SIGN}1.00", "[\N{MINUS SIGN}2.00, 0.50]")
    assert shown(Interval(1.0, None, None), 2) == Shown("1.00", "")
    assert shown(None, 2) == Shown("", "")
