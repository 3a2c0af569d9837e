"""Encoder and decoder of one level of Jukebox (Dhariwal et al. 2020, section 3 and appendix A.1).

Each halving of the rate is a convolution of kernel 4 and stride 2, followed by residual blocks whose dilations grow;
the decoder mirrors it, its blocks in reversed order. Convolutions start as in He et al. 2015 and blocks as the identity
(ours: Jukebox leaves them as PyTorch makes them), which deep levels learn faster from.
"""

import math
from itertools import pairwise

from torch import Tensor, nn

from descant.layers.convolution import DilatedResidual, Reach, keep_variance, total_reach

KERNEL = 3


class WaveformEncoder(nn.Module):
    """From a waveform to a vector for every hop samples.

    Args:
        hop: samples to one vector, a power of two.
        channels: width.
        depth: residual blocks after each halving of the rate.
        growth: dilation of each block over that of the one before.
        dimension: of the vectors.
    """

    def __init__(self, hop: int, channels: int, depth: int, growth: int, dimension: int) -> None:
        super().__init__()
        self.hop = hop
        widths = [1] + [channels] * int(math.log2(hop))
        self.halvings = nn.ModuleList(nn.Conv1d(*pair, 4, stride=2, padding=1) for pair in pairwise(widths))
        self.stages = nn.ModuleList(_blocks(channels, depth, growth) for _ in self.halvings)
        self.out = nn.Conv1d(channels, dimension, KERNEL, padding=1)
        _start(self)

    @property
    def reach(self) -> Reach:
        """Samples before the first and after the first sample of its hop that a vector depends on."""
        left = right = 0
        rate = 1
        for stage in self.stages:
            # a halving's output n sees its inputs 2n - 1 … 2n + 2
            left, right, rate = left + rate, right + 2 * rate, 2 * rate
            within = total_reach(stage.children()) * rate
            left, right = left + within, right + within
        return Reach(left + rate, right + rate)

    def forward(self, waveform: Tensor) -> Tensor:
        """Map ``(batch, time)``, time a multiple of the hop, to ``(batch, time / hop, dimension)``."""
        hidden = waveform[:, None]
        for halving, stage in zip(self.halvings, self.stages, strict=True):
            hidden = stage(halving(hidden))
        out: Tensor = self.out(hidden).transpose(1, 2)
        return out


class WaveformDecoder(nn.Module):
    """From a vector for every hop samples back to a waveform; see :class:`WaveformEncoder`."""

    def __init__(self, hop: int, channels: int, depth: int, growth: int, dimension: int) -> None:
        super().__init__()
        self.hop = hop
        doublings = range(int(math.log2(hop)))
        self.start = nn.Conv1d(dimension, channels, KERNEL, padding=1)
        self.stages = nn.ModuleList(_blocks(channels, depth, growth)[::-1] for _ in doublings)
        self.doublings = nn.ModuleList(
            nn.ConvTranspose1d(channels, channels, 4, stride=2, padding=1) for _ in doublings
        )
        self.out = nn.Conv1d(channels, 1, KERNEL, padding=1)
        _start(self)

    @property
    def reach(self) -> Reach:
        """Vectors to either side of one that its samples depend on."""
        # the last convolution's one sample more, then each level's at half the rate of the one that it feeds
        samples = 1
        for stage in reversed(list(self.stages)):
            # a doubling's output n sees its inputs (n - 1) // 2 and the next, or the one before
            samples = -(-samples // 2) + 1 + total_reach(stage.children())
        return Reach(samples + 1, samples + 1)

    def forward(self, vectors: Tensor) -> Tensor:
        """Map ``(batch, time / hop, dimension)`` to ``(batch, time)``; full scale is 1."""
        hidden = self.start(vectors.transpose(1, 2))
        for stage, doubling in zip(self.stages, self.doublings, strict=True):
            hidden = doubling(stage(hidden))
        out: Tensor = self.out(hidden)[:, 0]
        return out


def _blocks(channels: int, depth: int, growth: int) -> nn.Sequential:
    return nn.Sequential(*(DilatedResidual(channels, KERNEL, growth**number) for number in range(depth)))


def _start(module: nn.Module) -> None:
    keep_variance(module)
    for part in module.modules():
        if isinstance(part, DilatedResidual):
            nn.init.zeros_(part.pointwise.weight)
