"""Numbers as text: true minus signs, no negative zero, and nothing where nothing was measured."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.formatting import MINUS, bracketed, clock, count, decimal, duration, percent, significant


@pytest.mark.parametrize(
    ("value", "digits", "reported"),
    [(1234.5678, 2, "1,234.57"), (-3.1, 1, "\N{MINUS SIGN}3.1"), (-0.0004, 3, "0.000"), (None, 2, "")],
)
def test_a_number_is_reported(value: float | None, digits: int, reported: str) -> None:
    assert decimal(value, digits) == reported


@given(st.floats(1e-6, 1e9), st.integers(1, 6))
def test_significant_digits_keep_the_value_to_their_precision(value: float, digits: int) -> None:
    text = significant(-value, digits)
    assert text.startswith(MINUS) and "e" not in text
    assert float(text.removeprefix(MINUS)) == pytest.approx(value, rel=0.51 * 10 ** (1 - digits))


def test_intervals_shares_and_places() -> None:
    assert bracketed(-1.0, 2.0, 1) == f"[{MINUS}1.0, 2.0]" and bracketed(None, 2.0, 1) == ""
    assert percent(0.125, 1) == "12.5\N{NO-BREAK SPACE}%" and clock(67.9) == "1:07"
    assert (count(1, "track"), count(2000, "track")) == ("1 track", "2,000 tracks")


def test_durations_are_in_their_nearest_unit() -> None:
    shown = [duration(seconds).replace("\N{NO-BREAK SPACE}", " ") for seconds in (4, 90, 5400, 413 * 3600)]
    assert shown == ["4.0 s", "1.5 minutes", "1.5 hours", "413 hours"]
