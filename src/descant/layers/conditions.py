"""What a transformer knows of the steps that it draws: the level above, labels, and the place in the track."""

import math

import torch
from torch import Tensor, nn

from descant.layers.convolution import DilatedResidual, Reach, keep_variance, total_reach
from descant.layers.upsampling import Upsampling

# Jukebox's conditioner: dilations 3 ** (number % 8), taps of 3
GROWTH, CYCLE, TAPS = 3, 8, 3
# what a place in a track is known by; the bins are spaced by the logarithm of 1 s + time (ours)
TIMING_BINS, LONGEST_SECONDS = 64, 600.0


class Conditioner(nn.Module):
    """From codes of the level above to a vector for each step (Jukebox): dilated residual blocks, upsampled.

    Args:
        classes: values a code can take.
        channels: width of the residual blocks.
        blocks: how many.
        width: of the vectors.
        ratio: steps to one code.
    """

    def __init__(self, classes: int, channels: int, blocks: int, width: int, ratio: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(classes, channels)
        self.blocks = nn.Sequential(
            *(DilatedResidual(channels, TAPS, GROWTH ** (number % CYCLE)) for number in range(blocks))
        )
        keep_variance(self.blocks)
        self.upsampling = Upsampling(channels, width, (ratio,))
        self.normalise = nn.LayerNorm(width)

    @property
    def reach(self) -> Reach:
        """Codes to either side of a step's own that its vector depends on."""
        within = total_reach(self.blocks.children())
        return Reach(within, within + self.upsampling.reach.right)

    def forward(self, codes: Tensor) -> Tensor:
        """Map int64 ``(batch, codes)`` to ``(batch, codes * ratio, width)``."""
        hidden = self.blocks(self.embedding(codes).transpose(1, 2)).transpose(1, 2)
        out: Tensor = self.normalise(self.upsampling(hidden))
        return out


class Timing(nn.Module):
    """How long the track is, how far in a step lies, and what share that is (Jukebox), each a sum of learned rows.

    Args:
        width: of the vectors.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.length = nn.Embedding(TIMING_BINS, width)
        self.position = nn.Embedding(TIMING_BINS, width)
        self.fraction = nn.Embedding(TIMING_BINS, width)

    def forward(self, positions: Tensor, lengths: Tensor) -> Tensor:
        """Vectors ``(batch, time, width)``.

        Args:
            positions: seconds from the track's beginning, ``(batch, time)``.
            lengths: seconds of the tracks, ``(batch,)``.
        """
        lengths = lengths[:, None]
        place = self.length(_seconds_bin(lengths)) + self.position(_seconds_bin(positions))
        out: Tensor = place + self.fraction(_bin(positions / lengths))
        return out


def _bin(share: Tensor) -> Tensor:
    return (share * TIMING_BINS).long().clamp(0, TIMING_BINS - 1)


def _seconds_bin(seconds: Tensor) -> Tensor:
    return _bin(torch.log1p(seconds) / math.log1p(LONGEST_SECONDS))
