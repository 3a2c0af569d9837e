"""Numbers as text for people: one sign, one separator, one way to write an interval."""

import numpy as np

MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"


def decimal(value: float | None, digits: int) -> str:
    """A number with so many decimals, a true minus sign and no negative zero; empty when there is none."""
    return "" if value is None else f"{value:z,.{digits}f}".replace("-", MINUS)


def significant(value: float | None, digits: int = 3) -> str:
    """A number with so many significant digits, never in powers of ten; empty when there is none."""
    if value is None:
        return ""
    rounded = float(np.format_float_positional(value, precision=digits, unique=False, fractional=False))
    return np.format_float_positional(rounded, trim="-").replace("-", MINUS)


def bracketed(low: float | None, high: float | None, digits: int) -> str:
    """An interval as ``[1.00, 2.00]``; empty when there is none."""
    return "" if low is None or high is None else f"[{decimal(low, digits)}, {decimal(high, digits)}]"


def percent(share: float, digits: int = 0) -> str:
    """A share as ``12.5 %``."""
    return f"{decimal(100 * share, digits)}{SPACE}%"


def level(confidence: float) -> str:
    """The level of an interval as ``95 %``."""
    return f"{100 * confidence:g}{SPACE}%"


def count(number: int, noun: str) -> str:
    """``1 track``, ``2,000 tracks``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(seconds: float) -> str:
    """A length of time in its nearest unit: ``4.0 s``, ``8.2 minutes``, ``413 hours``."""
    for size, unit in ((3600.0, "hours"), (60.0, "minutes")):
        if seconds >= size:
            value = seconds / size
            return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}"
    return f"{seconds:.1f}{SPACE}s"


def clock(seconds: float) -> str:
    """A place in a track: ``1:07``."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"
