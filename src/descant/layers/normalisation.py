"""Batch normalisation whose moving moments follow whole steps, however a step's batches are dealt."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class StepBatchNorm(nn.BatchNorm1d):
    """Batch normalisation without scale or shift (Ioffe & Szegedy 2015) that does not change itself as it is used.

    While training, each batch is normalised by its own moments; :meth:`follow` gets the moments of all batches of a
    step at its end, those of other processes included.

    Args:
        features: channels.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, features: int) -> None:
        super().__init__(features, affine=False)

    def forward(self, values: Tensor) -> Tensor:
        """Normalise ``(batch, features, time)``."""
        if self.training:
            return F.batch_norm(values, None, None, training=True, eps=self.eps)
        return super().forward(values)

    @staticmethod
    def moments(values: Tensor) -> Tensor:
        """Mean and unbiased variance of a batch ``(batch, features, time)``, as ``(1, 2, features)``."""
        flat = values.detach().float().transpose(0, 1).flatten(1)
        return torch.stack([flat.mean(1), flat.var(1)])[None]

    @torch.no_grad()
    def follow(self, moments: Tensor) -> None:
        """Move the moving moments towards the mean of a step's: ``(batches, 2, features)``."""
        mean, variance = moments.mean(0)
        assert self.momentum is not None
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
