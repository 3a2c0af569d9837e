"""The modulator: quantised queries to conditioning, looking both ways in time."""

import torch.nn.functional as F
from torch import Tensor, nn

from descant.layers.convolution import Reach, dilated_blocks, keep_variance, total_reach


class Modulator(nn.Module):
    """A 1x1 convolution and dilated residual blocks at the codes' rate.

    Attributes:
        rate: vectors that it gives for each that it is given.

    Args:
        query_dim: width of the quantised queries.
        channels: width, also of the conditioning.
        kernel: taps, odd.
        blocks: residual blocks.
        one_hot: whether the quantised queries are one-hot vectors.
    """

    rate = 1

    def __init__(self, query_dim: int, channels: int, kernel: int, blocks: int, one_hot: bool = False) -> None:
        super().__init__()
        self.start = nn.Conv1d(query_dim, channels, 1)
        self.blocks = dilated_blocks(channels, kernel, blocks)
        keep_variance(self)
        if one_hot:
            # a one-hot vector picks a single column, which must carry the variance that a whole sum does elsewhere
            nn.init.normal_(self.start.weight)

    @property
    def reach(self) -> Reach:
        """Codes to either side that one conditioning vector sees."""
        within = total_reach(self.blocks.children())
        return Reach(within, within)

    def forward(self, quantised: Tensor) -> Tensor:
        """Map ``(batch, codes, query_dim)`` to ``(batch, codes, channels)``."""
        out: Tensor = F.relu(self.blocks(self.start(quantised.transpose(1, 2)))).transpose(1, 2)
        return out
