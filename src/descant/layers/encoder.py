"""The non-causal encoder: a sequence to one query for every hop steps."""

import math
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from descant.layers.convolution import Reach, dilated_blocks, keep_variance, total_reach
from descant.layers.embedding import StepEmbedding
from descant.layers.normalisation import StepBatchNorm


class Encoder(nn.Module):
    """Stages of a strided convolution (kernel 4, stride 2) and dilated residual blocks, then blocks at the codes' rate.

    The paper says no more than that the encoder is a feed-forward network; this form is ours.

    Args:
        classes: values a step can take.
        hop: steps to one query, a power of two.
        channels: width.
        kernel: taps of the residual blocks, odd.
        blocks_per_stage: residual blocks after each halving.
        blocks: residual blocks at the codes' rate.
        query_dim: width of the queries.
        input_kind: see :class:`StepEmbedding`.
        normalise: batch-normalise the queries, without scale or shift: queries that all drift to one point are how
            a codebook collapses (Łańcucki et al. 2020, "Robust training of vector quantized bottleneck models").
    """

    def __init__(
        self,
        classes: int,
        hop: int,
        channels: int,
        kernel: int,
        blocks_per_stage: int,
        blocks: int,
        query_dim: int,
        input_kind: Literal["embedding", "scalar"],
        normalise: bool = False,
    ) -> None:
        super().__init__()
        self.hop = hop
        self.embedding = StepEmbedding(classes, channels, input_kind)
        stages = int(math.log2(hop))
        self.halvings = nn.ModuleList(nn.Conv1d(channels, channels, 4, stride=2, padding=1) for _ in range(stages))
        self.stages = nn.ModuleList(dilated_blocks(channels, kernel, blocks_per_stage) for _ in range(stages))
        self.blocks = dilated_blocks(channels, kernel, blocks)
        self.queries = nn.Conv1d(channels, query_dim, 1)
        keep_variance(self)
        self.normalise = StepBatchNorm(query_dim) if normalise else None

    @property
    def reach(self) -> Reach:
        """Steps before the first and after the first step of its hop that a query sees."""
        left = right = 0
        rate = 1
        for stage in self.stages:
            # a halving's output n sees its inputs 2n - 1 … 2n + 2
            left += rate
            right += 2 * rate
            rate *= 2
            within = total_reach(stage.children()) * rate
            left += within
            right += within
        within = total_reach(self.blocks.children()) * rate
        return Reach(left + within, right + within)

    def raw(self, steps: Tensor) -> Tensor:
        """Queries before they are normalised: int64 ``(batch, time)`` to float ``(batch, query_dim, time / hop)``."""
        hidden = self.embedding(steps).transpose(1, 2)
        for halving, stage in zip(self.halvings, self.stages, strict=True):
            hidden = stage(halving(F.relu(hidden)))
        out: Tensor = self.queries(F.relu(self.blocks(hidden)))
        return out

    def normalised(self, raw: Tensor) -> Tensor:
        """Queries ``(batch, time / hop, query_dim)`` of what :meth:`raw` gives."""
        return (raw if self.normalise is None else self.normalise(raw)).transpose(1, 2)

    def forward(self, steps: Tensor) -> Tensor:
        """Map int64 ``(batch, time)``, time a multiple of the hop, to float ``(batch, time / hop, query_dim)``."""
        return self.normalised(self.raw(steps))
