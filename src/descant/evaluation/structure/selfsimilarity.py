"""Self-similarity: how alike the parts of an excerpt are, by how far apart they are.

Chroma cells are compared by their correlation over the twelve pitch classes, not by a cosine: noise has a flat chroma,
which would be similar to any other flat one. Timbre cells are compared by the cosine of their MFCCs, each standardised
over the excerpt, since unstandardised ones all share the slope of the spectrum. A flat or silent cell has no
similarity (NaN).
"""

import numpy as np
import numpy.typing as npt

# a mean over fewer pairs of cells describes these pairs and not the lag (ours)
FEWEST_PAIRS = 4
FLAT = 1e-6


def chroma_similarity(chroma: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Correlation of the pitch classes of each two cells.

    Args:
        chroma: ``(12, cells)``; NaN in silent cells.

    Returns:
        float64 ``(cells, cells)`` in [-1, 1]; NaN where a cell is silent or flat.
    """
    return _cosines(chroma - chroma.mean(0))


def timbre_similarity(timbre: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Cosine of each two cells' MFCCs, standardised over the excerpt.

    Args:
        timbre: ``(coefficients, cells)``; NaN in silent cells.

    Returns:
        float64 ``(cells, cells)`` in [-1, 1]; NaN where a cell is silent, everywhere where timbre never changes.
    """
    heard = timbre[:, ~np.isnan(timbre).any(0)]
    if heard.shape[1] < 2:
        return np.full((timbre.shape[1],) * 2, np.nan)
    spread = heard.std(1, keepdims=True)
    changing = spread[:, 0] > FLAT * (1 + np.abs(heard).max())
    return _cosines(((timbre - heard.mean(1, keepdims=True)) / np.where(spread, spread, 1))[changing])


def _cosines(vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    norms = np.sqrt((vectors**2).sum(0))
    units = vectors / np.where(norms > FLAT, norms, np.nan)
    return np.asarray(np.clip(units.T @ units, -1, 1) if len(units) else np.full((units.shape[1],) * 2, np.nan))


def by_lag(similarity: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Mean similarity of cells so far apart: the means of the diagonals.

    Args:
        similarity: ``(cells, cells)``.

    Returns:
        float64 ``(cells,)`` by lag in cells; NaN where fewer than four pairs are defined.
    """
    means = np.full(len(similarity), np.nan)
    for lag in range(len(similarity)):
        pairs = np.diagonal(similarity, lag)
        defined = pairs[~np.isnan(pairs)]
        if len(defined) >= FEWEST_PAIRS:
            means[lag] = defined.mean()
    return means


def continuity(lags: npt.NDArray[np.float64]) -> float | None:
    """How much more alike neighbours are than cells at any distance: lag 1 minus the mean of all lags above it.

    Args:
        lags: mean similarity by lag ``(cells,)``.
    """
    far = lags[2:][~np.isnan(lags[2:])]
    if len(lags) < 2 or np.isnan(lags[1]) or not len(far):
        return None
    return float(lags[1] - far.mean())


def repetition(lags: npt.NDArray[np.float64], shortest: int) -> float | None:
    """How far the strongest stripe stands above the others: best lag minus the median of all lags in range.

    A stripe of the matrix, parallel to its diagonal, is a passage that returns at that lag (Foote 1999).

    Args:
        lags: mean similarity by lag ``(cells,)``.
        shortest: the first lag in range, in cells; nearer ones are alike without any return.
    """
    ranged = lags[shortest:][~np.isnan(lags[shortest:])]
    if len(ranged) < 3:
        return None
    return float(ranged.max() - np.median(ranged))
