"""Systems that turn a sequence into a shorter one of codes."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from descant.layers.convolution import Reach
from descant.systems.base import System


class Coder(System):
    """A system with an encoder; what it encodes is the sequence that it learns."""

    @property
    @abstractmethod
    def hop(self) -> int:
        """Steps of the sequence to one code."""

    @property
    def code_channels(self) -> int:
        """Codes to one place, where there are several; 0 where a place has one."""
        return 0

    @abstractmethod
    def code_blocks(self, steps: npt.NDArray[Any], device: torch.device) -> Iterator[npt.NDArray[np.int64]]:
        """Codes of one track, the last hop filled, block by block: equal to encoding it whole.

        Args:
            steps: of the sequence, ``(length,)``, mapped or in memory.
            device: that the system is on.

        Yields:
            Each ``(codes,)``, or ``(codes, code_channels)``.
        """


def encoder_span(reach: Reach, hop: int, start: int, stop: int, length: int) -> tuple[int, int]:
    """Steps ``[left, right)``, multiples of the hop, that codes ``start … stop - 1`` of a track depend on.

    Args:
        reach: of a code, in steps.
        hop: steps to one code.
        start: first code.
        stop: one past the last.
        length: of the track, a multiple of the hop.
    """
    left = max(0, (start * hop - reach.left) // hop * hop)
    right = min(length, -(-((stop - 1) * hop + reach.right + 1) // hop) * hop)
    return left, max(right, stop * hop)
