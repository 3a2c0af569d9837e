"""What conditions every frame alike: feature-wise linear modulation, and the points that it follows."""

import torch
from torch import Tensor, nn


class FiLM(nn.Module):
    """Feature-wise linear modulation (Perez et al. 2018): each channel times a gain, plus a shift, both of a point.

    Fresh gains are near 1 and shifts near 0, so that what is modulated passes (ours).

    Args:
        points: dimensions of a point.
        channels: that are modulated.
    """

    def __init__(self, points: int, channels: int) -> None:
        super().__init__()
        self.gain = nn.Linear(points, channels)
        self.shift = nn.Linear(points, channels)
        nn.init.ones_(self.gain.bias)
        nn.init.zeros_(self.shift.bias)

    def forward(self, frames: Tensor, points: Tensor) -> Tensor:
        """Modulate ``(batch, time, channels)`` by points ``(batch, points)``, or ``(batch, time, points)``."""
        each = points if points.dim() == frames.dim() else points[:, None]
        out: Tensor = frames * self.gain(each) + self.shift(each)
        return out


class PointEmbedding(nn.Module):
    """A learnt point for each name, and the middle of all points for what has none.

    Args:
        names: how many.
        points: dimensions of a point.
    """

    def __init__(self, names: int, points: int) -> None:
        super().__init__()
        self.table = nn.Embedding(names, points)

    def forward(self, ids: Tensor) -> Tensor:
        """Points ``(batch, points)`` of int64 ``(batch,)``: ``n`` for the ``n``-th name from 1 on, 0 for no name."""
        middle = self.table.weight.mean(0)
        return torch.where((ids == 0)[:, None], middle, self.table((ids - 1).clamp_min(0)))
