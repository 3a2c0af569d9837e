"""Tables of figures with their intervals, in words; their template is ``figures.html``."""

from collections.abc import Sequence
from dataclasses import dataclass

from descant.evaluation.table import Interval

MINUS = "\N{MINUS SIGN}"


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


def decimal(value: float | None, digits: int) -> str:
    """A number with so many decimals and a true minus sign; empty when there is none."""
    return "" if value is None else f"{value:z,.{digits}f}".replace("-", MINUS)


def shown(interval: Interval | None, digits: int) -> Shown:
    """A figure with its interval."""
    if interval is None:
        return Shown("")
    spread = "" if interval.low is None else f"[{decimal(interval.low, digits)}, {decimal(interval.high, digits)}]"
    return Shown(decimal(interval.value, digits), spread)
