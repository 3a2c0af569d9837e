"""ConvNeXt blocks in one dimension (Liu et al. 2022, as Vocos has them: Siuzdak 2023), channels last."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.layers.convolution import Reach

# Vocos: the taps of every convolution, and how much wider a block is inside than outside
KERNEL = 7
EXPANSION = 3


class FrameConvolution(nn.Conv2d):
    """A zero-padded convolution over time: of two dimensions, as oneDNN is four times faster at these on a CPU.

    Args:
        channels_in: width of the input.
        channels: width of the output.
        groups: that the channels fall into.
    """

    def __init__(self, channels_in: int, channels: int, groups: int = 1) -> None:
        super().__init__(channels_in, channels, (1, KERNEL), padding=(0, KERNEL // 2), groups=groups)

    def forward(self, frames: Tensor) -> Tensor:
        """Map ``(batch, frames, channels_in)`` to ``(batch, frames, channels)``."""
        return super().forward(frames.transpose(1, 2)[:, :, None])[:, :, 0].transpose(1, 2)


class ConvNeXtBlock(nn.Module):
    """Residual block: depthwise convolution, layer normalisation, and two linear maps with a GELU between them.

    Args:
        channels: width.
        share: what the block's own part is scaled by before anything is learnt.
    """

    def __init__(self, channels: int, share: float) -> None:
        super().__init__()
        self.depthwise = FrameConvolution(channels, channels, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.widen = nn.Linear(channels, EXPANSION * channels)
        self.narrow = nn.Linear(EXPANSION * channels, channels)
        self.scale = nn.Parameter(torch.full((channels,), share))

    def forward(self, hidden: Tensor) -> Tensor:
        """Map ``(batch, frames, channels)`` to the same shape."""
        own = self.narrow(F.gelu(self.widen(self.norm(self.depthwise(hidden)))))
        out: Tensor = hidden + self.scale * own
        return out


class ConvNeXt(nn.Module):
    """A convolution, blocks, and layer normalisations around them.

    Args:
        channels_in: width of the frames.
        channels: width of everything else.
        blocks: how many.
    """

    def __init__(self, channels_in: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.start = FrameConvolution(channels_in, channels)
        self.start_norm = nn.LayerNorm(channels)
        self.blocks = nn.Sequential(*(ConvNeXtBlock(channels, 1 / blocks) for _ in range(blocks)))
        self.norm = nn.LayerNorm(channels)

    @property
    def reach(self) -> Reach:
        """Frames to either side that one output sees."""
        within = KERNEL // 2 * (1 + len(self.blocks))
        return Reach(within, within)

    def forward(self, frames: Tensor) -> Tensor:
        """Map ``(batch, frames, channels_in)`` to ``(batch, frames, channels)``."""
        out: Tensor = self.norm(self.blocks(self.start_norm(self.start(frames))))
        return out
