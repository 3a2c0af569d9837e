"""Intervals for means of ratings that share raters and items: those of one rater, or of one clip, are not independent.

The interval that the field prints, 1.96 standard errors over all ratings, takes them for independent and covers the
truth in 40 to 80 % of studies instead of 95 % (``benchmarks/listening_intervals.py``). Camp et al. (Interspeech 2023)
and Ribeiro et al. (CrowdMOS, ICASSP 2011) explain why. Here the variance is clustered by raters and by items at once
(Cameron, Gelbach & Miller 2011, "Robust inference with multiway clustering"): this needs no balanced design, and for
a difference of two systems it pairs what was rated by the same people, or made of the same item, by itself. Degrees of
freedom are Satterthwaite's (1946), of the two clustered variances: with three items they are few, the interval is wide.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

# of the variance of a figure, points squared: less is rounding
NO_VARIANCE = 1e-20

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cells:
    """Ratings of one system on one scale.

    Attributes:
        values: ``(ratings,)``.
        raters: number of the rater of each ``(ratings,)``.
        items: number of the item of each ``(ratings,)``, the same number for one item in several systems.
    """

    values: Floats
    raters: Labels
    items: Labels


@dataclass(frozen=True)
class TwoWay:
    """A figure with its two-way interval.

    Attributes:
        value: the mean, or the difference of two.
        error: its standard error; None where there are not two raters and two items, or nothing varies: a few ratings
            that are all alike do not show how far the next one lies.
        freedom: degrees of freedom of the t distribution; None with it.
        low: lower end of the interval; None with it.
        high: upper end; None with it.
        p: of a two-sided test against 0; None with it.
    """

    value: float
    error: float | None
    freedom: float | None
    low: float | None
    high: float | None
    p: float | None


def classical_sem(values: Floats) -> float | None:
    """Standard error over all ratings as if they were independent, which they are not; None for fewer than two."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None


def mean_interval(cells: Cells, confidence: float) -> TwoWay:
    """A system's mean with its two-way interval."""
    residuals = cells.values - cells.values.mean()
    return _interval(float(cells.values.mean()), residuals / len(residuals), cells.raters, cells.items, confidence)


def difference_interval(first: Cells, second: Cells, confidence: float) -> TwoWay:
    """The mean of ``first`` minus that of ``second``; raters and items that both have are paired."""
    shares = [cells.values - cells.values.mean() for cells in (first, second)]
    contributions = np.concatenate([shares[0] / len(shares[0]), -shares[1] / len(shares[1])])
    return _interval(
        float(first.values.mean() - second.values.mean()),
        contributions,
        np.concatenate([first.raters, second.raters]),
        np.concatenate([first.items, second.items]),
        confidence,
    )


def preference_interval(cells: Cells, confidence: float) -> TwoWay:
    """The share of comparisons that were won, minus one half; ``values`` are 0.5 for a win and -0.5 for a loss.

    Where all went one way, no variance is seen. The interval and the test are then the exact ones (Clopper & Pearson
    1934; sign test) of as many independent comparisons as there are raters, or items where these are fewer (ours).
    """
    found = mean_interval(cells, confidence)
    fewest = min(len(np.unique(cells.raters)), len(np.unique(cells.items)))
    if fewest < 2 or abs(found.value) < 0.5:
        return found
    bound = float(((1 - confidence) / 2) ** (1 / fewest)) - 0.5
    low, high = (bound, 0.5) if found.value > 0 else (-0.5, -bound)
    return TwoWay(found.value, None, None, low, high, 2 * 0.5**fewest)


def _interval(value: float, contributions: Floats, raters: Labels, items: Labels, confidence: float) -> TwoWay:
    """Interval from what each rating adds to the figure's error ``(ratings,)``."""
    number_of_raters, number_of_items = len(np.unique(raters)), len(np.unique(items))
    fewest = min(number_of_raters, number_of_items)
    if fewest < 2:
        return TwoWay(value, None, None, None, None, None)
    by_rater, by_item = (_clustered(contributions, labels) for labels in (raters, items))
    cell = raters * (items.max() + 1) + items
    both = float((np.bincount(np.unique(cell, return_inverse=True)[1], contributions) ** 2).sum())
    # the estimate can fall below either one-way variance, or below 0, which no variance does
    variance = max(by_rater + by_item - both, by_rater, by_item)
    if variance < NO_VARIANCE:
        return TwoWay(value, None, None, None, None, None)
    error = float(np.sqrt(variance))
    parts = by_rater**2 / (number_of_raters - 1) + by_item**2 / (number_of_items - 1)
    freedom = max(variance**2 / parts, fewest - 1.0)
    half = float(stats.t.ppf((1 + confidence) / 2, freedom)) * error
    p = float(2 * stats.t.sf(abs(value) / error, freedom))
    return TwoWay(value, error, freedom, value - half, value + half, p)


def _clustered(contributions: Floats, labels: Labels) -> float:
    sums = np.bincount(np.unique(labels, return_inverse=True)[1], contributions)
    return float((sums**2).sum() * len(sums) / (len(sums) - 1))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p-values adjusted by Holm (1979) for all that were tested; None stays None."""
    tested = np.array([p for p in p_values if p is not None])
    order = np.argsort(tested, kind="stable")
    # statsmodels has it too, and collects all garbage of the process at every call
    scaled = np.maximum.accumulate(tested[order] * np.arange(len(tested), 0, -1))
    adjusted = np.empty(len(tested))
    adjusted[order] = np.minimum(scaled, 1)
    found = iter(adjusted)
    return [None if p is None else float(next(found)) for p in p_values]
