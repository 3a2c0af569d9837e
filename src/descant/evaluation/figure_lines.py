"""Tables of figures with their intervals, in words; their template is ``figures.html``."""

from collections.abc import Sequence
from dataclasses import dataclass

from descant.formatting import decimal
from descant.statistics import Interval


@dataclass(frozen=True)
class Shown:
    """A figure and its interval in words; empty where there is none."""

    text: str
    spread: str = ""


@dataclass(frozen=True)
class Line:
    """A row of a table on the page."""

    name: str
    detail: str
    figures: Sequence[Shown]


def shown(interval: Interval | None, digits: int) -> Shown:
    """A figure with its interval."""
    if interval is None:
        return Shown("")
    spread = "" if interval.low is None else f"[{decimal(interval.low, digits)}, {decimal(interval.high, digits)}]"
    return Shown(decimal(interval.value, digits), spread)
