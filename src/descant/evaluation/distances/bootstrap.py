"""Draws of groups."""

import numpy as np
import numpy.typing as npt

from descant.seeds import derive_seed

Array = npt.NDArray[np.float64]


def draw_groups(groups: int, draws: int, seed: int, name: str) -> Array:
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


def halve_groups(groups: int, draws: int, seed: int) -> Array:
    """Random halvings: 1 for the groups of one half, 0 for the other's; of an odd number the other has one more.

    Returns:
        float64 ``(draws, groups)``.
    """
    random = np.random.Generator(np.random.Philox(derive_seed(seed, "distances", "halves")))
    halves = np.zeros((draws, groups))
    halves[:, : groups // 2] = 1
    return random.permuted(halves, axis=1)
