"""Figures in words: true minus signs, no negative zero, and nothing where nothing was measured."""

from descant.evaluation.figure_lines import Shown, shown
from descant.statistics import Interval


def test_a_figure_has_its_interval_where_there_is_one() -> None:
    assert shown(Interval(-1.0, -2.0, 0.5), 2) == Shown("\N{MINUS SIGN}1.00", "[\N{MINUS SIGN}2.00, 0.50]")
    assert shown(Interval(1.0, None, None), 2) == Shown("1.00", "")
    assert shown(None, 2) == Shown("", "")
