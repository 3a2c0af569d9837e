"""Parallel windows: a long sequence below given codes, drawn as many stretches side by side.

Given the codes, a step depends on its own past only as far as the receptive field reaches. So a window may begin
anywhere, after a warm-up in which it forgets that nothing came before it. Windows that overlap are given the same
uniform numbers at the same steps (common random numbers), which makes them agree far more often than chance would,
and they are joined where they have agreed for longest.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Steps = npt.NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True)
class Layout:
    """Where the windows of a sequence lie, counted in its codes.

    Attributes:
        starts: first code of each window, rising; the first is 0.
        length: codes of each window, its warm-up included; the last ends with the sequence.
        warm_up: codes that each window after the first shares at least with the one before it.
    """

    starts: tuple[int, ...]
    length: int
    warm_up: int


def lay_out(codes: int, warm_up: int, most: int) -> Layout:
    """Cut a sequence into windows of equal length, which overlap by no more than one code beyond the warm-up.

    A window adds at least as much as its warm-up, so no more than half of what is drawn is thrown away.

    Args:
        codes: length of the sequence, at least 1.
        warm_up: codes, at least 1.
        most: windows there may be, at least 1.

    Returns:
        One window that covers all when the sequence is too short for two.
    """
    count = max(1, min(most, codes // warm_up - 1))
    length = -(-(codes + (count - 1) * warm_up) // count)
    starts = tuple(number * (codes - length) // max(1, count - 1) for number in range(count))
    return Layout(starts, length, warm_up)


def join(drawn: Steps, layout: Layout, hop: int, receptive_field: int) -> Steps:
    """Join windows into sequences, each to the one before where both have agreed for longest.

    Args:
        drawn: ``(windows · batch, layout.length · hop)``, the first window of all sequences before the second.
        layout: where they lie.
        hop: steps to one code.
        receptive_field: steps that a window draws before it is joined; shorter than the warm-up.

    Returns:
        ``(batch, codes · hop)``.
    """
    starts, overlap = [start * hop for start in layout.starts], layout.warm_up * hop
    windows = drawn.reshape(len(starts), -1, drawn.shape[1])
    joined = np.empty((windows.shape[1], starts[-1] + drawn.shape[1]), drawn.dtype)
    for start, window in zip(starts, windows, strict=True):
        for sequence, steps in zip(joined, window, strict=True):
            shared = slice(start, start + overlap)
            cut = meeting(sequence[shared], steps[:overlap], receptive_field) if start else 0
            sequence[start + cut : start + len(steps)] = steps[cut:]
    return joined


def meeting(left: Steps, right: Steps, earliest: int) -> int:
    """The cut that follows the longest run of equal steps, the last such; at the end when no step is equal.

    Args:
        left: ``(time,)``.
        right: ``(time,)``.
        earliest: the cut has at least so many steps before it; 1 … time.

    Returns:
        How many steps lie before the cut.
    """
    positions = np.arange(1, len(left) + 1)
    runs = positions - np.maximum.accumulate(np.where(left == right, 0, positions))
    return len(left) - int(np.argmax(runs[earliest - 1 :][::-1]))
