"""Preferences between two clips: the share that prefers a system over another, with the two-way interval.

An exported preference is one row a page: ``stimulus``, ``system`` and ``item`` are of the clip that was heard first,
``other`` and ``other_system`` of the second; ``value`` is 1 where the first was preferred and 2 where the second was.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from descant.errors import ListeningError
from descant.listening.intervals import Cells, TwoWay, holm, preference_interval

PREFERENCE = "preference"


@dataclass(frozen=True)
class Share:
    """How often ``first`` was preferred over ``second``.

    Attributes:
        first: a system.
        second: another.
        share: of the pages on which both stood.
        low: lower end of the two-way interval; None where it is not defined.
        high: upper end.
        p: of the two-way test against one half.
        p_holm: the same adjusted for all pairs.
        raters: who compared them.
        items: on how many items.
        ratings: pages.
    """

    first: str
    second: str
    share: float
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    raters: int
    items: int
    ratings: int


@dataclass(frozen=True)
class Preferences:
    """All comparisons of a test.

    Attributes:
        shares: of every pair of systems that was compared.
        heard_first: share of all pages on which the clip heard first was preferred: far from one half, order matters.
        heard_first_low: lower end of its two-way interval; None where it is not defined.
        heard_first_high: upper end.
    """

    shares: tuple[Share, ...]
    heard_first: float
    heard_first_low: float | None
    heard_first_high: float | None


def compare_preferences(table: pd.DataFrame, confidence: float) -> Preferences:
    """Shares of all pairs of systems.

    Args:
        table: ratings on the scale ``preference``, see the module.
        confidence: level of the intervals.

    Raises:
        ListeningError: when the second clip of a page is not named, or a value is neither 1 nor 2.
    """
    if not {"other", "other_system"} <= set(table.columns) or not set(table["value"]) <= {1.0, 2.0}:
        raise ListeningError("these preferences do not say what was compared", "export the ratings again")
    first_won = (table["value"] == 1).to_numpy()
    pairs, found = [], []
    for first, second in combinations(sorted({*table["system"], *table["other_system"]}), 2):
        forwards = ((table["system"] == first) & (table["other_system"] == second)).to_numpy()
        backwards = ((table["system"] == second) & (table["other_system"] == first)).to_numpy()
        both = forwards | backwards
        if both.any():
            pairs.append(_cells(table[both], first_won[both] == forwards[both]))
            found.append((first, second))
    results = [_share(of, confidence) for of in pairs]
    adjusted = holm([result.p for result in results])
    shares = tuple(
        Share(first, second, result.value, result.low, result.high, result.p, p_holm, *_sizes(of))
        for (first, second), of, result, p_holm in zip(found, pairs, results, adjusted, strict=True)
    )
    order = _share(_cells(table, first_won), confidence)
    return Preferences(shares, order.value, order.low, order.high)


def _cells(table: pd.DataFrame, won: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Cells:
    # centred on one half, so that the test against 0 is the test against no preference
    return Cells(
        won.astype(np.float64) - 0.5,
        table["rater"].to_numpy(dtype=np.int64),
        table["item"].to_numpy(dtype=np.int64),
    )


def _share(of: Cells, confidence: float) -> TwoWay:
    found = preference_interval(of, confidence)
    low = None if found.low is None else max(0.0, found.low + 0.5)
    high = None if found.high is None else min(1.0, found.high + 0.5)
    return TwoWay(found.value + 0.5, found.error, found.freedom, low, high, found.p)


def _sizes(of: Cells) -> tuple[int, int, int]:
    return len(np.unique(of.raters)), len(np.unique(of.items)), len(of.values)
