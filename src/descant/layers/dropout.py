"""Dropout whose draws come from a training step's own generator, so that a resumed training sees the same."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def dropped(values: Tensor, rate: float, noise: torch.Generator | None) -> Tensor:
    """Values with a share of them zero and the others scaled up (Srivastava et al. 2014); all of them without noise."""
    if noise is None or not rate:
        return values
    kept = torch.rand(values.shape, generator=noise) >= rate
    return values * kept.to(values.device, values.dtype, non_blocking=True) / (1 - rate)


class Dense(nn.Module):
    """Linear layers, each with a rectifier (ours: the thesis's activation is not known) and dropout.

    Args:
        channels: that come in.
        widths: of the layers.
        dropout: share of each layer's outputs.
    """

    def __init__(self, channels: int, widths: tuple[int, ...], dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.layers = nn.ModuleList(
            nn.Linear(below, width) for below, width in zip((channels, *widths), widths, strict=False)
        )

    def forward(self, read: Tensor, noise: torch.Generator | None) -> Tensor:
        """Map ``(..., channels)`` to ``(..., widths[-1])``."""
        for layer in self.layers:
            read = dropped(F.relu(layer(read)), self.dropout, noise)
        return read
