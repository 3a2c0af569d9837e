"""Key of an excerpt: how well its pitch classes fit one, and whether it lasts."""

import numpy as np
import numpy.typing as npt

from descant.scores.key import find_key


def key_measures(windows: npt.NDArray[np.float64], whole: npt.NDArray[np.float64]) -> dict[str, float | None]:
    """Key strength and stability over windows; None where there is no pitch to judge.

    Args:
        windows: mean chroma of each window ``(12, windows)``; NaN in silent ones.
        whole: mean chroma of the excerpt ``(12,)``.

    Returns:
        ``key_strength``, the mean over windows of the best key's correlation, and ``key_stability``, the share of
        windows whose best key is that of the whole excerpt.
    """
    found = [key for key in map(find_key, windows.T) if key is not None]
    of_all = find_key(whole)
    if not found or of_all is None:
        return {"key_strength": None, "key_stability": None}
    strength = float(np.mean([key.strength for key in found]))
    return {"key_strength": strength, "key_stability": float(np.mean([key.name == of_all.name for key in found]))}
