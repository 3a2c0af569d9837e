"""Differences between two runs, paired by test track where both measured the same of the same tracks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from descant.formatting import count
from descant.statistics import FEWEST_TRACKS, Bootstrap, Interval, ratio_interval


@dataclass(frozen=True)
class Difference:
    """The second run's figure minus the first's.

    Attributes:
        figure: with its interval; None where the two do not compare.
        reason: why there is no figure, or no interval; empty when there are both.
    """

    figure: Interval | None
    reason: str


def paired(
    first: pd.DataFrame,
    second: pd.DataFrame,
    measured: Sequence[str],
    value: str,
    weight: str | None,
    bootstrap: Bootstrap,
) -> Difference:
    """The mean difference over tracks, with a bootstrap over pairs.

    Args:
        first: a row a track: track, the columns named here.
        second: the same of the other run.
        measured: columns that say what of a track was measured; they have to be equal.
        value: column that is compared.
        weight: column that the sum of differences is divided by; None takes the mean over tracks.
        bootstrap: how its interval is drawn.
    """
    both = first.merge(second, on="track", suffixes=("_first", "_second"))
    if not len(both) == len(first) == len(second):
        counts = f"{count(len(first), 'test track')} and {len(second):,}, {len(both):,} in common"
        return Difference(None, f"not comparable: other test tracks ({counts})")
    if any((both[f"{name}_first"] != both[f"{name}_second"]).any() for name in measured):
        return Difference(None, "not comparable: other parts of the test tracks were measured")
    both = both.dropna(subset=[f"{value}_first", f"{value}_second"])
    if both.empty:
        return Difference(None, "not measured in both")
    change = (both[f"{value}_second"] - both[f"{value}_first"]).to_numpy(np.float64)
    weights = np.ones(len(both), np.int64) if weight is None else both[f"{weight}_first"].to_numpy(np.int64)
    figure = ratio_interval(change, weights, bootstrap)
    few = f"no interval: {count(len(both), 'track')}, {FEWEST_TRACKS} needed"
    return Difference(figure, few if figure.low is None else "")
