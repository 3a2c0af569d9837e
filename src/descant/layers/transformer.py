"""A transformer of a sequence of classes, by factorised attention (Jukebox, Dhariwal et al. 2020)."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.layers.attention import WAYS, FactorisedAttention, Pair, Way, rotations


def quick_gelu(values: Tensor) -> Tensor:
    """Jukebox's activation: x times the logistic function of 1.702 x."""
    return values * torch.sigmoid(1.702 * values)


class TransformerLayer(nn.Module):
    """Attention, then two linear layers, each on the normalised sum of what came before (pre-LN).

    Args:
        channels: width of the residual path.
        attention: of all heads together.
        heads: how many.
        mlp: units between the two linear layers.
        way: that it looks along.
        block: steps of a block.
        reach: blocks that strided attention sees.
    """

    def __init__(self, channels: int, attention: int, heads: int, mlp: int, way: Way, block: int, reach: int) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(channels)
        self.attention = FactorisedAttention(channels, attention, heads, way, block, reach)
        self.before_mlp = nn.LayerNorm(channels)
        self.wide = nn.Linear(channels, mlp)
        self.narrow = nn.Linear(mlp, channels)

    def mixed(self, hidden: Tensor) -> Tensor:
        """``(..., channels)`` and what the linear layers add to it."""
        out: Tensor = hidden + self.narrow(quick_gelu(self.wide(self.before_mlp(hidden))))
        return out

    def forward(self, hidden: Tensor, turned: Pair) -> Tensor:
        """Map ``(batch, time, channels)`` to the same shape; see :meth:`FactorisedAttention.forward`."""
        return self.mixed(hidden + self.attention(self.before_attention(hidden), turned))


class Transformer(nn.Module):
    """Logits of each step given those before it.

    The sequence is seen shifted by one, a learned vector before its first step. Strided attention sees the last
    ``blocks`` blocks, so a sequence may be longer than what was trained on: it rolls on. Fresh weights give every
    class the same logit.

    Args:
        classes: values a step can take.
        channels: width of the residual path.
        layers: how many; they look along ``own``, ``strided`` and ``previous`` in turn.
        heads: of each layer.
        attention: width of all heads of a layer together.
        mlp: units between a layer's two linear layers.
        block: steps of a block.
        blocks: that strided attention sees.
        conditioned: whether a vector is added to what is seen at each step.
    """

    hop = 1

    def __init__(
        self,
        classes: int,
        channels: int,
        layers: int,
        heads: int,
        attention: int,
        mlp: int,
        block: int,
        blocks: int,
        conditioned: bool = False,
    ) -> None:
        super().__init__()
        self.classes, self.channels, self.heads, self.attention = classes, channels, heads, attention
        self.block, self.blocks, self.conditioned = block, blocks, conditioned
        self.embedding = nn.Embedding(classes, channels)
        self.start = nn.Parameter(torch.randn(channels))
        self.layers = nn.ModuleList(
            TransformerLayer(channels, attention, heads, mlp, WAYS[number % len(WAYS)], block, blocks)
            for number in range(layers)
        )
        self.normalise = nn.LayerNorm(channels)
        self.logits = nn.Linear(channels, classes)
        self._begin()

    def _begin(self) -> None:
        """Weights that keep variances, the residual path's sum among them (as GPT-2); logits that say nothing."""
        for layer in self.each_layer:
            for linear in (layer.attention.project, layer.wide, layer.attention.out, layer.narrow):
                nn.init.normal_(linear.weight, std=linear.in_features**-0.5)
                nn.init.zeros_(linear.bias)
            for linear in (layer.attention.out, layer.narrow):
                linear.weight.data.div_(math.sqrt(2 * len(self.layers)))
        nn.init.zeros_(self.logits.weight)
        nn.init.zeros_(self.logits.bias)

    @property
    def each_layer(self) -> list[TransformerLayer]:
        """The layers, typed."""
        return [layer for layer in self.layers if isinstance(layer, TransformerLayer)]

    @property
    def head_width(self) -> int:
        """Channels of one head."""
        return self.attention // self.heads

    @property
    def receptive_field(self) -> int:
        """Past steps that one layer's keys go back to, the context; through several layers it sees more."""
        return self.block * self.blocks

    @property
    def conditioning_channels(self) -> int:
        """Width of the conditioning; 0 for none."""
        return self.channels if self.conditioned else 0

    @property
    def multiplications(self) -> int:
        """Multiply-adds of one step, those of attention's scores and sums included at their most."""
        linears = [part for part in self.modules() if isinstance(part, nn.Linear)]
        seen = {"own": self.block, "previous": self.block, "strided": self.blocks}
        looked = sum(2 * self.attention * seen[layer.attention.way] for layer in self.each_layer)
        return sum(linear.weight.numel() for linear in linears) + looked

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.logits.weight.device

    def layer_conditioning(self, conditioning: Tensor) -> Tensor:
        """Conditioning as engines take it: as it is, since it is added before the first layer."""
        return conditioning

    def turned(self, positions: Tensor) -> dict[Way, Pair]:
        """Rotations of queries and keys at positions ``(time,)``, by the way that a layer looks along."""
        return {way: rotations(way, positions, self.block, self.head_width) for way in WAYS}

    def seen(self, steps: Tensor) -> Tensor:
        """What is seen of int64 ``(batch, time)``: the learned start, then all steps but the last."""
        start = self.start.expand(len(steps), 1, -1)
        return torch.cat([start, self.embedding(steps[:, :-1])], dim=1)

    def read_out(self, hidden: Tensor) -> Tensor:
        """From the top of the residual path ``(..., channels)`` to logits ``(..., classes)``."""
        logits: Tensor = self.logits(self.normalise(hidden))
        return logits

    def forward(self, steps: Tensor, conditioning: Tensor | None = None) -> Tensor:
        """Logits ``(batch, time, classes)``.

        Args:
            steps: int64 ``(batch, time)``, at least one.
            conditioning: ``(batch, time, channels)``, added to what is seen; None for none.
        """
        hidden, time = self.seen(steps), steps.shape[1]
        if conditioning is not None:
            hidden = hidden + conditioning
        # what fills the last block comes after all that is asked for
        hidden = F.pad(hidden, (0, 0, 0, -time % self.block))
        turned = self.turned(torch.arange(hidden.shape[1], device=hidden.device))
        for layer in self.each_layer:
            hidden = layer(hidden, turned[layer.attention.way])
        return self.read_out(hidden[:, :time])
