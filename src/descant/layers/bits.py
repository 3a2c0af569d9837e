"""Likelihoods of steps under logits, in nats and in bits."""

import torch.nn.functional as F
from torch import Tensor

LOG2 = 0.6931471805599453


def log_likelihood(logits: Tensor, steps: Tensor) -> Tensor:
    """Log-likelihood of each step in nats, float32 ``(batch, time)``; arguments as for :func:`bits_per_step`."""
    losses = F.cross_entropy(logits.float().flatten(0, 1), steps.flatten(), reduction="none")
    return -losses.view(steps.shape)


def bits_per_step(logits: Tensor, steps: Tensor) -> Tensor:
    """Negative log2-likelihood of each step.

    Args:
        logits: ``(batch, time, classes)``.
        steps: int64 ``(batch, time)``.

    Returns:
        float32 ``(batch, time)``; a uniform model over 256 classes gives exactly 8.
    """
    return -log_likelihood(logits, steps) / LOG2
