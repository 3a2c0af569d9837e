"""Scores of systems: means with both errors, histograms, and differences between systems."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from descant.listening.intervals import Cells, TwoWay, classical_sem, difference_interval, holm, mean_interval
from descant.listening.ratings import SCORED

# an interval that leaves the scale says no more than one that ends with it
LIMITS = {"fidelity": (1.0, 5.0), "musicality": (1.0, 5.0)}


@dataclass(frozen=True)
class Score:
    """What listeners gave to one system on one scale.

    Attributes:
        system: a model's name, ``real`` or an anchor.
        kind: ``system``, ``real`` or ``anchor``.
        scale: what was rated.
        mean: over all ratings.
        sem: the classical standard error over all ratings, as papers print it (times 1.96): too small.
        low: lower end of the two-way interval; None where it is not defined.
        high: upper end.
        raters: who rated it.
        items: clips that were rated.
        ratings: how many.
        histogram: number of ratings by value.
    """

    system: str
    kind: str
    scale: str
    mean: float
    sem: float | None
    low: float | None
    high: float | None
    raters: int
    items: int
    ratings: int
    histogram: dict[str, int]


@dataclass(frozen=True)
class Difference:
    """``first`` minus ``second`` on one scale.

    Attributes:
        scale: what was rated.
        first: a system.
        second: another.
        difference: of their means.
        low: lower end of the two-way interval, for this pair alone; None where it is not defined.
        high: upper end.
        p: of the two-way test against no difference.
        p_holm: the same adjusted for all pairs of the scale.
    """

    scale: str
    first: str
    second: str
    difference: float
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None


def cells_by_system(table: pd.DataFrame, scale: str) -> dict[str, Cells]:
    """The ratings on one scale by system, in the order of SCORED kinds, then of names.

    Args:
        table: first ratings; columns system, kind, scale, item, rater, value.
        scale: which.
    """
    of_scale = table[(table["scale"] == scale) & table["kind"].isin(SCORED)]
    kinds = dict(zip(of_scale["system"], of_scale["kind"], strict=True))
    names = sorted(kinds, key=lambda name: (SCORED.index(kinds[name]), name))
    return {name: cells(of_scale[of_scale["system"] == name]) for name in names}


def cells(table: pd.DataFrame) -> Cells:
    """Ratings as arrays."""
    return Cells(
        table["value"].to_numpy(dtype=np.float64),
        table["rater"].to_numpy(dtype=np.int64),
        table["item"].to_numpy(dtype=np.int64),
    )


def score_systems(table: pd.DataFrame, confidence: float) -> list[Score]:
    """Scores of every system on every scale.

    Args:
        table: first ratings, see :func:`cells_by_system`.
        confidence: level of the intervals.
    """
    kinds: Mapping[str, str] = dict(zip(table["system"], table["kind"], strict=True))
    return [
        _score(system, kinds[system], scale, of, confidence)
        for scale in scales(table)
        for system, of in cells_by_system(table, scale).items()
    ]


def scales(table: pd.DataFrame) -> list[str]:
    """The scales that something was rated on."""
    return sorted(set(table["scale"]))


def _score(system: str, kind: str, scale: str, of: Cells, confidence: float) -> Score:
    found = within(mean_interval(of, confidence), scale)
    values, counts = np.unique(of.values, return_counts=True)
    return Score(
        system=system,
        kind=kind,
        scale=scale,
        mean=found.value,
        sem=classical_sem(of.values),
        low=found.low,
        high=found.high,
        raters=len(np.unique(of.raters)),
        items=len(np.unique(of.items)),
        ratings=len(of.values),
        histogram={f"{value:g}": int(count) for value, count in zip(values, counts, strict=True)},
    )


def within(found: TwoWay, scale: str) -> TwoWay:
    """The interval of a mean cut to the ends of its scale."""
    if scale not in LIMITS or found.low is None or found.high is None:
        return found
    lowest, highest = LIMITS[scale]
    return TwoWay(found.value, found.error, found.freedom, max(found.low, lowest), min(found.high, highest), found.p)


def compare_systems(table: pd.DataFrame, confidence: float) -> list[Difference]:
    """Differences of all pairs of models, and of models and real music; p-values by Holm within a scale.

    Args:
        table: first ratings, see :func:`cells_by_system`.
        confidence: level of the intervals.
    """
    found: list[Difference] = []
    for scale in scales(table):
        of_scale = cells_by_system(table[table["kind"] != "anchor"], scale)
        pairs = list(combinations(of_scale, 2))
        results = [difference_interval(of_scale[first], of_scale[second], confidence) for first, second in pairs]
        found += _differences(scale, pairs, results)
    return found


def _differences(scale: str, pairs: list[tuple[str, str]], results: list[TwoWay]) -> Iterator[Difference]:
    adjusted = holm([result.p for result in results])
    for (first, second), result, p_holm in zip(pairs, results, adjusted, strict=True):
        yield Difference(scale, first, second, result.value, result.low, result.high, result.p, p_holm)
