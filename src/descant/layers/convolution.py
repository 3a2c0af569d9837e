"""Non-causal convolutions with exact reach, for the encoder and the modulator."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Reach:
    """How far one output looks to either side, in input steps."""

    left: int
    right: int


class DilatedResidual(nn.Module):
    """Residual block: ReLU, dilated convolution, ReLU, 1x1 convolution (NSynth's encoder), zero-padded.

    Args:
        channels: width.
        kernel: taps, odd.
        dilation: steps between taps.
    """

    def __init__(self, channels: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.reach = (kernel - 1) // 2 * dilation
        self.dilated = nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=self.reach)
        self.pointwise = nn.Conv1d(channels, channels, 1)

    def forward(self, hidden: Tensor) -> Tensor:
        """Map ``(batch, channels, time)`` to the same shape."""
        out: Tensor = hidden + self.pointwise(F.relu(self.dilated(F.relu(hidden))))
        return out


def keep_variance(module: nn.Module) -> None:
    """Initialise convolutions so that a ReLU network keeps its signal's variance (He et al. 2015).

    With PyTorch's default a deep encoder's output is its biases and the zeros at the window's ends, not its input.
    """
    for part in module.modules():
        if isinstance(part, nn.Conv1d):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            nn.init.zeros_(part.bias)  # type: ignore[arg-type]


def dilated_blocks(channels: int, kernel: int, count: int) -> nn.Sequential:
    """Residual blocks, ``count`` of them, with dilations 1, 2, 4 and so on."""
    return nn.Sequential(*(DilatedResidual(channels, kernel, 2**number) for number in range(count)))


def total_reach(blocks: Iterable[nn.Module]) -> int:
    """Sum of the blocks' reaches, in steps at their rate."""
    return sum(block.reach for block in blocks if isinstance(block, DilatedResidual))
