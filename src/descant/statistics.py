"""Figures with their intervals: bootstraps over tracks or drawn sequences, written once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from descant.seeds import derive_seed

# resampling fewer groups gives an interval far narrower than it claims to be (ours)
FEWEST_TRACKS = 5
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A figure with its interval; without one where too few tracks leave nothing to resample."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are drawn: how often, at which level, with which root seed."""

    draws: int
    confidence: float
    seed: int


def ratio_interval(values: Floats, weights: npt.NDArray[np.int64] | Floats, bootstrap: Bootstrap) -> Interval:
    """Sum of values over sum of weights, with an expanded percentile bootstrap over groups.

    Args:
        values: of each group ``(groups,)``, such as the bits of a track.
        weights: of each group ``(groups,)``, such as its samples.
        bootstrap: how the interval is drawn.
    """
    value = float(values.sum() / weights.sum())
    if len(values) < FEWEST_TRACKS:
        return Interval(value)
    random = np.random.Generator(np.random.Philox(derive_seed(bootstrap.seed, "bootstrap")))
    picks = random.integers(len(values), size=(bootstrap.draws, len(values)))
    ratios = values[picks].sum(1) / weights[picks].sum(1)
    return Interval(value, *expanded_quantiles(ratios, len(values), bootstrap.confidence))


def mean_interval(values: Floats | Sequence[float], bootstrap: Bootstrap) -> Interval | None:
    """Mean of the values that are not NaN, one a group, with its interval; None where there is none."""
    given = np.asarray(values, dtype=np.float64)
    given = given[~np.isnan(given)]
    return ratio_interval(given, np.ones(len(given), np.int64), bootstrap) if len(given) else None


def grouped_interval(
    values: Floats | Sequence[float | None],
    groups: Sequence[str],
    bootstrap: Bootstrap,
    of: Floats | Sequence[float | None] | None = None,
) -> Interval | None:
    """Mean of values, some of one group, with its interval over groups; or what share they are of others.

    Args:
        values: one each, None or NaN where there is none.
        groups: what the bootstrap draws: the name of each value's.
        bootstrap: how the interval is drawn.
        of: the other values, whose mean the mean is divided by; values count where both are defined.

    Returns:
        None where there is no value.
    """
    given = np.asarray(values, dtype=np.float64)
    below = np.ones(len(given)) if of is None else np.asarray(of, dtype=np.float64)
    defined = ~np.isnan(given) & ~np.isnan(below)
    if not defined.any():
        return None
    places: dict[str, int] = {}
    at = [places.setdefault(group, len(places)) for group, is_so in zip(groups, defined, strict=True) if is_so]
    sums, below_sums = (np.bincount(at, one[defined]).astype(np.float64) for one in (given, below))
    return ratio_interval(sums, below_sums, bootstrap)


def expanded_quantiles(draws: Floats, groups: int, confidence: float) -> tuple[float, float]:
    """The bootstrap percentile interval, widened for few groups (Hesterberg, The American Statistician 2015, 5.3).

    The plain one is too narrow by √((n-1)/n) and by the normal's tails for Student's.

    Args:
        draws: statistics ``(draws,)``; those that are not defined are NaN and passed over.
        groups: of the smaller set, at least 2.
        confidence: level.
    """
    tail = (1 - confidence) / 2
    # Student's t and the normal without scipy.stats, which takes a second to import
    reach = math.sqrt(groups / (groups - 1)) * special.stdtrit(groups - 1, tail)
    outside = float(special.ndtr(reach))
    low, high = np.nanquantile(draws, [outside, 1 - outside])
    return float(low), float(high)


def draw_groups(groups: int, draws: int, seed: int, name: str) -> Floats:
    """How often each group is drawn, with replacement (Efron 1979).

    Args:
        groups: how many there are, and are drawn.
        draws: of the bootstrap.
        seed: root.
        name: of the set; another set is drawn independently.

    Returns:
        float64 ``(draws, groups)`` of whole numbers.
    """
    random = np.random.Generator(np.random.Philox(derive_seed(seed, "distances", name)))
    return random.multinomial(groups, np.full(groups, 1 / groups), size=draws).astype(np.float64)


def halve_groups(groups: int, draws: int, seed: int) -> Floats:
    """Random halvings: 1 for the groups of one half, 0 for the other's; of an odd number the other has one more.

    Returns:
        float64 ``(draws, groups)``.
    """
    random = np.random.Generator(np.random.Philox(derive_seed(seed, "distances", "halves")))
    halves = np.zeros((draws, groups))
    halves[:, : groups // 2] = 1
    return random.permuted(halves, axis=1)
