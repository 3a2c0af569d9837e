"""Systems that can be drawn step by step."""

from abc import abstractmethod
from typing import Protocol

import torch
from torch import Tensor

from descant.layers.convolution import Reach
from descant.systems.base import System


class Autoregressive(Protocol):
    """A network that engines draw from: logits of each step given those before it, and what trying an engine takes.

    Attributes:
        classes: values a step can take.
        hop: steps that share one entry of the conditioning; 1 without.
    """

    classes: int
    hop: int

    @property
    def receptive_field(self) -> int:
        """How many past steps one prediction sees."""

    @property
    def conditioning_channels(self) -> int:
        """Width of the conditioning; 0 for a network without."""

    @property
    def multiplications(self) -> int:
        """Multiply-adds of one step, about."""

    @property
    def device(self) -> torch.device:
        """Where its weights are."""

    def layer_conditioning(self, conditioning: Tensor) -> Tensor:
        """Conditioning as its engines take it, of ``(batch, time / hop, conditioning_channels)``."""

    def __call__(self, steps: Tensor, conditioning: Tensor | None = None) -> Tensor:
        """Logits ``(batch, time, classes)`` of int64 ``(batch, time)`` in one pass."""


class Drawable(System):
    """A system whose network is drawn from, alone or given a coarser sequence."""

    @property
    @abstractmethod
    def network(self) -> Autoregressive:
        """What engines draw from."""

    @property
    @abstractmethod
    def given_classes(self) -> int:
        """Values that an entry of what it is given can take; 0 for real values, or a system that is given nothing."""

    @property
    def given_channels(self) -> int:
        """Values of an entry of what it is given, where that is a vector; 0 where it is not."""
        return 0

    @property
    def hop(self) -> int:
        """Steps to one entry of what it is given, a multiple of the network's; 1 for one that is given nothing."""
        return self.network.hop

    @property
    def reach(self) -> Reach:
        """Entries to either side of one that its conditioning depends on."""
        return Reach(0, 0)

    def conditioning(self, given: Tensor, start: int, stop: int) -> Tensor:
        """Conditioning of a block of entries, equal to the whole sequence's, at a cost that does not grow with it.

        Args:
            given: ``(batch, all entries)``, or ``(batch, all entries, channels)``.
            start: first entry of the block.
            stop: one past its last.

        Returns:
            ``(batch, (stop - start) * hop / network.hop, conditioning_channels)``.
        """
        raise NotImplementedError("this system is given nothing")
