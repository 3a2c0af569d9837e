"""From integers to channels."""

from typing import Literal

import torch
from torch import Tensor, nn


class StepEmbedding(nn.Module):
    """Turn steps into vectors.

    Args:
        classes: how many values a step can take.
        channels: width of the vectors.
        kind: ``embedding`` (a learned row a class: one-hot times a matrix, WaveNet 2016) or ``scalar``
            (the class scaled to [-1, 1] times a learned vector, NSynth).
    """

    def __init__(self, classes: int, channels: int, kind: Literal["embedding", "scalar"]) -> None:
        super().__init__()
        self.classes = classes
        self.table = nn.Embedding(classes, channels) if kind == "embedding" else None
        self.linear = nn.Linear(1, channels) if kind == "scalar" else None

    def forward(self, steps: Tensor) -> Tensor:
        """Map int64 ``(...)`` to float ``(..., channels)``."""
        if self.table is not None:
            return torch.nn.functional.embedding(steps, self.table.weight)
        assert self.linear is not None
        scaled = steps.unsqueeze(-1).to(self.linear.weight.dtype) * (2 / (self.classes - 1)) - 1
        out: Tensor = self.linear(scaled)
        return out
