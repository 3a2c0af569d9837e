"""Likelihoods in bits."""

import torch.nn.functional as F
from torch import Tensor

LOG2 = 0.6931471805599453


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
