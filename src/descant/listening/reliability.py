"""How far raters agree: components of variance, the intraclass correlation, and each rater against the others."""

from dataclasses import dataclass

import numpy as np

from descant.listening.intervals import Floats, Labels


@dataclass(frozen=True)
class Components:
    """Variances in a crossed design without repetitions, scale points squared; one can come out below 0.

    Attributes:
        rater: of the raters' habits.
        target: of the clips that are rated.
        residual: of what is left.
    """

    rater: float
    target: float
    residual: float


@dataclass(frozen=True)
class Agreement:
    """Agreement of raters on one scale.

    Attributes:
        single: ICC(2,1), of one rater's rating.
        average: ICC(2,k), of the mean over all who rated a clip.
        raters_per_clip: the k of it: mean number of raters of a clip.
        components: of variance.
        leave_one_out: for every rater, the correlation with the mean of the others over the clips that he rated;
            None where it is not defined.
    """

    single: float | None
    average: float | None
    raters_per_clip: float
    components: Components | None
    leave_one_out: dict[int, float | None]


def variance_components(values: Floats, raters: Labels, targets: Labels) -> Components | None:
    """Components of variance from pairs of ratings, unbiased for designs in which not everybody rated everything.

    Half the mean squared difference of two ratings estimates residual + target within a rater, residual + rater
    within a target, and the sum of all three in pairs that share neither. For complete data they are the estimates of
    the two-way analysis of variance.

    Args:
        values: ``(ratings,)``, no rater having rated a target twice.
        raters: number of the rater of each.
        targets: number of the clip of each.

    Returns:
        The components, or None where one of the three kinds of pairs is missing.
    """
    centred = values - values.mean()
    pairs, squares = np.zeros(3), np.zeros(3)
    whole = np.zeros(len(values), dtype=np.int64)
    for place, labels in enumerate((raters, targets, whole)):
        groups = np.unique(labels, return_inverse=True)[1]
        sizes = np.bincount(groups)
        pairs[place] = (sizes * (sizes - 1) / 2).sum()
        squares[place] = (sizes * np.bincount(groups, centred**2) - np.bincount(groups, centred) ** 2).sum()
    pairs[2] -= pairs[0] + pairs[1]
    squares[2] -= squares[0] + squares[1]
    if (pairs < 1).any():
        return None
    within_rater, within_target, apart = squares / pairs / 2
    return Components(
        rater=float(apart - within_rater),
        target=float(apart - within_target),
        residual=float(within_rater + within_target - apart),
    )


def agreement(values: Floats, raters: Labels, targets: Labels) -> Agreement:
    """Agreement of raters on one scale; ICC(2,1) and ICC(2,k) as in Shrout & Fleiss (1979), two-way random, absolute.

    Args:
        values: ``(ratings,)``, no rater having rated a target twice.
        raters: number of the rater of each.
        targets: number of the clip of each.
    """
    components = variance_components(values, raters, targets)
    k = len(values) / len(np.unique(targets))
    single = average = None
    if components is not None:
        noise = components.rater + components.residual
        single = _share(components.target, noise)
        average = _share(components.target, noise / k)
    return Agreement(single, average, k, components, _leave_one_out(values, raters, targets))


def _share(target: float, noise: float) -> float | None:
    return target / (target + noise) if target + noise > 0 else None


def _leave_one_out(values: Floats, raters: Labels, targets: Labels) -> dict[int, float | None]:
    groups = np.unique(targets, return_inverse=True)[1]
    sums, sizes = np.bincount(groups, values), np.bincount(groups)
    shared = sizes[groups] > 1
    others = (sums[groups] - values)[shared] / (sizes[groups] - 1)[shared]
    own, of = values[shared], raters[shared]
    found: dict[int, float | None] = {int(rater): None for rater in np.unique(raters)}
    for rater in np.unique(of):
        mine, theirs = own[of == rater], others[of == rater]
        # a correlation of two points is ±1 whatever they are
        if len(mine) > 2 and np.ptp(mine) > 0 and np.ptp(theirs) > 0:
            found[int(rater)] = float(np.corrcoef(mine, theirs)[0, 1])
    return found
