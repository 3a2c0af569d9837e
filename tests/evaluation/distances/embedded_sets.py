"""Sets of excerpts whose population is known."""

import numpy as np
import numpy.typing as npt

from descant.evaluation.distances.embed import EmbeddedSet


def set_of(values: npt.NDArray[np.float64], groups: list[int] | None = None) -> EmbeddedSet:
    """Vectors ``(excerpts, dimensions)`` and the number of each one's group; without, each is its own."""
    numbers = list(range(len(values))) if groups is None else groups
    return EmbeddedSet(values, [f"g{number:05d}" for number in numbers], [0.0] * len(values))


def drawn_set(
    random: np.random.Generator, groups: int, each: int, dimensions: int, mean: float = 0.0, within: float = 0.6
) -> EmbeddedSet:
    """Gaussian excerpts of unit variance in groups that are alike: ``within`` is their correlation."""
    shared = np.sqrt(within) * random.standard_normal((groups, 1, dimensions))
    own = np.sqrt(1 - within) * random.standard_normal((groups, each, dimensions))
    values = (shared + own + mean).reshape(groups * each, dimensions)
    return set_of(values, [group for group in range(groups) for _ in range(each)])
