"""The unbiased squared maximum mean discrepancy (Gretton et al., JMLR 2012, section 2.2), over groups of excerpts.

Excerpts of one track are alike, so that pairs within a group would make any two sets look apart. A group is what is
drawn at random here: its excerpts count alike, groups count alike however long, and pairs within a group are left
out. What is left is a U-statistic over groups whose kernel is the mean Gaussian kernel between their excerpts; with
one excerpt a group it is the usual estimate.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from descant.evaluation.distances.embed import EmbeddedSet

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Kernels:
    """Mean kernels between groups of two sets.

    Attributes:
        first: within the first set ``(m, m)``.
        second: within the second ``(n, n)``.
        between: ``(m, n)``.
        is_paired: whether group ``i`` of both sets comes from one track, so that these pairs are left out too.
    """

    first: Array
    second: Array
    between: Array
    is_paired: bool


def median_distance(reference: EmbeddedSet) -> float:
    """Median Euclidean distance between excerpts of different groups; 0 with fewer than two groups."""
    distances = cdist(reference.values, reference.values)
    groups = np.asarray(reference.groups)
    apart = distances[groups[:, None] < groups[None, :]]
    return float(np.median(apart)) if len(apart) else 0.0


def mean_kernels(first: EmbeddedSet, second: EmbeddedSet, bandwidth: float) -> Array:
    """Means of the Gaussian kernel exp(-d²/2σ²) over the pairs of each group of one set and each of another.

    Args:
        first: of ``m`` groups.
        second: of ``n`` groups.
        bandwidth: σ, greater than 0.

    Returns:
        float64 ``(m, n)``.
    """
    offsets = second.offsets
    sizes = np.diff(offsets, append=len(second.values))
    means = np.empty((len(first.offsets), len(offsets)))
    # a group at a time: memory grows with one set, not with their product
    for place, rows in enumerate(np.split(first.values, first.offsets[1:])):
        kernel = np.exp(-cdist(rows, second.values, "sqeuclidean") / (2 * bandwidth**2))
        means[place] = np.add.reduceat(kernel.mean(axis=0), offsets) / sizes
    return means


def mmd2(kernels: Kernels, first: Array, second: Array) -> Array:
    """MMD² of weighted groups; whole numbers are how often a group was drawn.

    Args:
        kernels: of ``m`` and ``n`` groups.
        first: weights ``(..., m)``.
        second: weights ``(..., n)``.

    Returns:
        float64 ``(...)``; NaN where a set has fewer than two groups of weight.
    """
    if kernels.is_paired:
        cross = _between_groups(kernels.between, first, second)
    else:
        total = first.sum(axis=-1) * second.sum(axis=-1)
        cross = np.einsum("...i,ij,...j->...", first, kernels.between, second, optimize=True) / total
    return np.asarray(
        _between_groups(kernels.first, first, first) + _between_groups(kernels.second, second, second) - 2 * cross
    )


def _between_groups(kernel: Array, first: Array, second: Array) -> Array:
    """The weighted mean of a square matrix without its diagonal."""
    diagonal = first * second
    pairs = first.sum(axis=-1) * second.sum(axis=-1) - diagonal.sum(axis=-1)
    sums = np.einsum("...i,ij,...j->...", first, kernel, second, optimize=True) - diagonal @ np.diag(kernel)
    # the subtraction leaves rounding, not zero, where all weight is on one group
    is_defined = np.asarray((np.maximum(first, 0) > 0).sum(axis=-1) > 1)
    return np.asarray(np.divide(sums, pairs, out=np.full(np.shape(sums), np.nan), where=is_defined & (pairs > 0)))


def squared_distances(excerpts: EmbeddedSet, reference: EmbeddedSet, bandwidth: float) -> Array:
    """Squared distance of each excerpt from the reference's mean, in the kernel's feature space.

    Returns:
        float64 ``(excerpts,)``: 1 - 2 E k(x, Y) + E k(Y, Y').
    """
    alone = EmbeddedSet(excerpts.values, [str(n) for n in range(len(excerpts.values))], excerpts.starts)
    own = mean_kernels(reference, reference, bandwidth)
    return np.asarray(1 - 2 * mean_kernels(alone, reference, bandwidth).mean(axis=1) + own.mean())
