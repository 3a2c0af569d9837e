"""The Fréchet distance between Gaussians fitted to two sets (Dowson & Landau 1982), for sets that are large enough.

A plug-in estimate is far above zero for two equal populations unless there are many independent groups a dimension: in
parts of the total variance more than a third at one, less than a tenth at ten (``test_frechet.py``). Frames or excerpts
of one track do not help.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from descant.evaluation.distances.embed import EmbeddedSet

Array = npt.NDArray[np.float64]
GROUPS_A_DIMENSION = 10  # ours


@dataclass(frozen=True)
class Moments:
    """Mean ``(dimensions,)`` and covariance ``(dimensions, dimensions)``."""

    mean: Array
    covariance: Array


def moments(excerpts: EmbeddedSet, weights: Array) -> Moments:
    """Fit a Gaussian; groups count by their weights, and the excerpts of a group alike.

    Args:
        excerpts: of ``m`` groups.
        weights: of the groups ``(m,)``; whole numbers are how often a group was drawn.
    """
    offsets = excerpts.offsets
    sizes = np.diff(offsets, append=len(excerpts.values))
    each = np.repeat(weights / weights.sum() / sizes, sizes)
    mean = each @ excerpts.values
    centred = excerpts.values - mean
    covariance = (centred * each[:, None]).T @ centred
    # as with n - 1 where each group is one excerpt
    return Moments(mean, covariance * weights.sum() / (weights.sum() - 1))


def frechet_distance(first: Moments, second: Moments) -> float:
    """|μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 √(√Σ₁ Σ₂ √Σ₁)), in float64; never below 0.

    The root's trace is the sum of the singular values of √Σ₁ √Σ₂, whose squares are the eigenvalues of √Σ₁ Σ₂ √Σ₁:
    taken so, no rounding below zero comes under a root. Eigenvalues of the covariances are clipped at 0.
    """
    roots = _root(first.covariance) @ _root(second.covariance)
    trace = np.trace(first.covariance) + np.trace(second.covariance) - 2 * np.linalg.svd(roots, compute_uv=False).sum()
    return max(0.0, float(np.square(first.mean - second.mean).sum() + trace))


def _root(covariance: Array) -> Array:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)


def enough_groups(dimensions: int) -> int:
    """Groups that each set must have."""
    return GROUPS_A_DIMENSION * dimensions
