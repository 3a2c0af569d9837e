"""What training and evaluation may ask of a system, and nothing more."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LOG2 = 0.6931471805599453


@dataclass
class StepLoss:
    """What one batch gives; not frozen, since Fabric refuses frozen outputs of a forward pass.

    Attributes:
        loss: scalar to descend.
        metrics: scalars worth a curve, detached; ``bits`` is always among them.
        observed: what :meth:`System.finish_step` is given of all batches of a step, rows first, detached.
    """

    loss: Tensor
    metrics: dict[str, Tensor] = field(default_factory=dict)
    observed: dict[str, Tensor] = field(default_factory=dict)


class System(nn.Module, ABC):
    """A trainable model of a sequence."""

    @abstractmethod
    def forward(self, windows: Tensor, noise: torch.Generator) -> StepLoss:
        """Loss of windows, int64 ``(batch, time)``; ``noise`` is the only source of randomness."""

    def finish_step(self, observed: Mapping[str, Tensor], noise: torch.Generator) -> None:
        """Update what is not learnt by gradient, once a step.

        Args:
            observed: :attr:`StepLoss.observed` of the step's batches, one after another, those of all processes.
            noise: the only source of randomness.
        """

    @abstractmethod
    def validate(self, windows: Tensor, noise: torch.Generator) -> dict[str, Tensor]:
        """Figures of windows ``(batch, time)``, each a scalar mean; called without gradients."""


def bits_per_step(logits: Tensor, steps: Tensor) -> Tensor:
    """Negative log2-likelihood of each step.

    Args:
        logits: ``(batch, time, classes)``.
        steps: int64 ``(batch, time)``.

    Returns:
        float32 ``(batch, time)``; a uniform model over 256 classes gives exactly 8.
    """
    losses = F.cross_entropy(logits.float().flatten(0, 1), steps.flatten(), reduction="none")
    return losses.view(steps.shape) / LOG2
