"""N-grams with Witten-Bell smoothing (Witten & Bell 1991): what counting alone knows, the bar for networks.

A token is predicted from several contexts, from the vaguest to the most exact. Each context that training has seen
mixes its counts with what the vaguer ones say: p = (c + d·q) / (n + d), with the token's count c, all counts n, the
number d of distinct tokens seen there, and q from the level below; below the first there is the uniform distribution.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Contexts = npt.NDArray[np.uint64]
Tokens = npt.NDArray[np.uint8]
Distribution = npt.NDArray[np.float64]
BYTE = 8


def pack(*columns: npt.ArrayLike) -> Contexts:
    """Contexts of up to eight columns of values below 256, each as one number.

    Args:
        columns: integers that can be broadcast to one shape.

    Raises:
        ValueError: when there are more than eight.
    """
    if len(columns) > BYTE:
        raise ValueError(f"{len(columns)} columns do not fit into 64 bits")
    shifted = [np.asarray(column).astype(np.uint64) << np.uint64(BYTE * at) for at, column in enumerate(columns)]
    total: Contexts = np.bitwise_or.reduce(np.broadcast_arrays(*shifted))
    return total


@dataclass(frozen=True)
class _Level:
    """What was counted for one level of contexts.

    Attributes:
        contexts: those seen, rising ``(contexts,)``.
        starts: where each one's tokens begin ``(contexts + 1,)``.
        tokens: seen after each context, in its order ``(pairs,)``.
        counts: how often ``(pairs,)``.
        totals: sum of the counts of each context ``(contexts,)``.
    """

    contexts: Contexts
    starts: npt.NDArray[np.int64]
    tokens: Tokens
    counts: npt.NDArray[np.int64]
    totals: npt.NDArray[np.int64]


def _count(contexts: Contexts, tokens: Tokens) -> _Level:
    order = np.lexsort((tokens, contexts))
    contexts, tokens = contexts[order], tokens[order]
    is_new = np.ones(len(contexts), bool)
    is_new[1:] = (contexts[1:] != contexts[:-1]) | (tokens[1:] != tokens[:-1])
    first = np.flatnonzero(is_new)
    counts = np.diff(np.append(first, len(contexts)))
    seen, starts = np.unique(contexts[first], return_index=True)
    totals = np.add.reduceat(counts, starts) if len(starts) else counts
    return _Level(seen, np.append(starts, len(first)), tokens[first], counts, totals)


class WittenBell:
    """Counts of tokens by context, and the distribution that follows.

    Args:
        contexts: uint64 ``(levels, tokens)``, the vaguest level first.
        tokens: uint8 ``(tokens,)``, what followed each.
        classes: how many values a token can take.
    """

    def __init__(self, contexts: Contexts, tokens: Tokens, classes: int) -> None:
        self.classes = classes
        self._levels = [_count(level, tokens) for level in contexts]

    def distribution(self, contexts: Contexts) -> Distribution:
        """The probability of every token.

        Args:
            contexts: uint64 ``(levels, rows)``.

        Returns:
            float64 ``(rows, classes)``; every row sums to 1, and nothing is impossible.
        """
        found = np.full((contexts.shape[1], self.classes), 1 / self.classes)
        for level, asked in zip(self._levels, contexts, strict=True):
            _mix(found, level, asked)
        return found


def _mix(found: Distribution, level: _Level, asked: Contexts) -> None:
    """Lay one level over the distributions ``(rows, classes)`` of those below it, in place."""
    if not len(level.contexts):
        return
    at = np.minimum(np.searchsorted(level.contexts, asked), len(level.contexts) - 1)
    rows = np.flatnonzero(level.contexts[at] == asked)
    at = at[rows]
    begins, kinds = level.starts[at], level.starts[at + 1] - level.starts[at]
    whole = level.totals[at] + kinds
    found[rows] *= (kinds / whole)[:, None]
    # all pairs of all rows in one list: of each row from where its tokens begin
    pairs = np.repeat(begins - np.append(0, np.cumsum(kinds)[:-1]), kinds) + np.arange(kinds.sum())
    found[np.repeat(rows, kinds), level.tokens[pairs]] += level.counts[pairs] / np.repeat(whole, kinds)


def picked(distribution: Distribution, tokens: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """The probability of the token that came, ``(rows,)``."""
    chosen: npt.NDArray[np.float64] = np.take_along_axis(distribution, tokens.astype(np.int64)[:, None], axis=1)[:, 0]
    return chosen


def from_own_past(
    contexts: Contexts, tokens: npt.NDArray[Any], classes: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """A sequence by a :class:`WittenBell` that counts it as it goes on, and nothing else (Kuhn & De Mori 1990).

    Args:
        contexts: of its tokens, as for :class:`WittenBell`, ``(levels, tokens)``.
        tokens: that came, ``(tokens,)``.
        classes: how many values a token can take.

    Returns:
        The probability of each token, float64 ``(tokens,)``; and how many levels had its context before,
        int64 ``(tokens,)``.
    """
    counts: list[defaultdict[int, Counter[int]]] = [defaultdict(Counter) for _ in contexts]
    shares, met = np.empty(len(tokens)), np.zeros(len(tokens), np.int64)
    for at, (asked, token) in enumerate(zip(contexts.T.tolist(), tokens.tolist(), strict=True)):
        share = 1 / classes
        for level, context in zip(counts, asked, strict=True):
            seen = level[context]
            if seen:
                share = (seen[token] + len(seen) * share) / (seen.total() + len(seen))
                met[at] += 1
            seen[token] += 1
        shares[at] = share
    return shares, met
