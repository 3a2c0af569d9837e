"""Factorised causal attention (Child et al. 2019; Jukebox, Dhariwal et al. 2020) as reshapes of torch's own.

A sequence is seen as blocks of equal length. A layer looks along one of three ways, which together reach everything:
``own``, the steps of the same block up to the own one; ``strided``, the same place of this block and of those before
it; ``previous``, the whole block before. Positions are rotations of queries and keys (RoPE, Su et al. 2021), counted
within what a layer looks along: scores depend on distances alone, so keys that are kept stay right while a sequence
goes on without end. Jukebox's learned absolute positions would tie every key to its window.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Way = Literal["own", "strided", "previous"]
# Jukebox's attn_order 2: these three in turn
WAYS: tuple[Way, ...] = ("own", "strided", "previous")
# of the wave lengths of rotations, as in the paper
BASE = 10000.0

Pair = tuple[Tensor, Tensor]
# queries, keys and values
Triple = tuple[Tensor, Tensor, Tensor]


def rotation(positions: Tensor, width: int) -> Tensor:
    """Cosines and sines by which vectors of a head are turned (Su et al. 2021, equation 15).

    Args:
        positions: ``(time,)``.
        width: of a head, even.

    Returns:
        float32 ``(2, time, 1, width / 2)``; computed in float64, so that far positions are as exact as near ones.
    """
    rates = BASE ** (-torch.arange(0, width, 2, dtype=torch.float64, device=positions.device) / width)
    angles = positions.double()[:, None, None] * rates
    return torch.stack([angles.cos(), angles.sin()]).float()


def rotate(vectors: Tensor, turned: Tensor) -> Tensor:
    """Turn ``(batch, time, heads, width)`` by what :func:`rotation` gives; channel c goes with c + width / 2."""
    first, second = vectors.chunk(2, dim=-1)
    cosine, sine = turned.to(vectors.dtype).unbind()
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)


def rotations(way: Way, positions: Tensor, block: int, width: int) -> Pair:
    """Rotations of queries and keys at positions ``(time,)`` of a sequence, for layers that look along a way."""
    if way == "strided":
        turned = rotation(positions // block, width)
        return turned, turned
    within = rotation(positions % block, width)
    return (within if way == "own" else rotation(positions % block + block, width)), within


def _attend(parts: Triple, mask: Tensor | None = None, causal: bool = False) -> Tensor:
    """Attention of queries, keys and values ``(several, groups, time, heads, width)`` within each group."""
    queries, keys, values = (part.flatten(0, 1).transpose(1, 2) for part in parts)
    mixed = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, is_causal=causal)
    return mixed.transpose(1, 2).reshape(parts[0].shape)


def attend_own(parts: Triple) -> Tensor:
    """Attention to the own block, of ``(batch, blocks, block, heads, width)`` each."""
    return _attend(parts, causal=True)


def attend_previous(parts: Triple, past: Pair | None = None) -> Tensor:
    """Attention to the whole block before; what is before the first block is zero, and gives zero.

    Args:
        parts: queries, keys and values ``(batch, blocks, block, heads, width)``.
        past: keys and values ``(batch, 1, block, heads, width)`` of the block before the first; None where none is.
    """
    queries, keys, values = parts
    before = past or (torch.zeros_like(keys[:, :1]), torch.zeros_like(values[:, :1]))
    keys, values = (torch.cat([first, own[:, :-1]], dim=1) for first, own in zip(before, (keys, values), strict=True))
    return _attend((queries, keys, values))


def attend_strided(parts: Triple, reach: int, past: Pair | None = None) -> Tensor:
    """Attention to the same place of the own block and of those before it, ``reach`` blocks in all.

    Args:
        parts: queries, keys and values ``(batch, blocks, block, heads, width)``.
        reach: blocks that are looked at, the own one included.
        past: keys and values ``(batch, earlier, block, heads, width)`` of the blocks before the first; None for none.
    """
    queries, keys, values = parts
    blocks, earlier = queries.shape[1], past[0].shape[1] if past else 0
    if past:
        keys, values = (torch.cat([old, new], dim=1) for old, new in zip(past, (keys, values), strict=True))
    across = (queries.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2))
    if blocks <= reach and not earlier:
        return _attend(across, causal=True).transpose(1, 2)
    back = torch.arange(earlier, earlier + blocks)[:, None] - torch.arange(earlier + blocks)
    mask = ((back >= 0) & (back < reach)).to(queries.device)
    return _attend(across, mask).transpose(1, 2)


class FactorisedAttention(nn.Module):
    """Multi-head attention along one way.

    Args:
        channels: of what comes in and goes out.
        width: of all heads together.
        heads: how many.
        way: that it looks along.
        block: steps of a block.
        reach: blocks that strided attention sees, the own one included.
    """

    def __init__(self, channels: int, width: int, heads: int, way: Way, block: int, reach: int) -> None:
        super().__init__()
        self.heads, self.way, self.block, self.reach = heads, way, block, reach
        self.project = nn.Linear(channels, 3 * width)
        self.out = nn.Linear(width, channels)

    def rotated(self, hidden: Tensor, turned: Pair) -> Triple:
        """Queries, keys and values ``(batch, time, heads, width / heads)``.

        Args:
            hidden: ``(batch, time, channels)``.
            turned: of :func:`rotations`, of its way and of the positions of these steps.
        """
        queries, keys, values = self.project(hidden).view(*hidden.shape[:2], 3, self.heads, -1).unbind(2)
        return rotate(queries, turned[0]), rotate(keys, turned[1]), values

    def forward(self, hidden: Tensor, turned: Pair) -> Tensor:
        """Map ``(batch, time, channels)``, whole blocks from a sequence's first step on, to the same shape."""
        queries, keys, values = self.rotated(hidden, turned)
        shape = (len(hidden), -1, self.block, *queries.shape[2:])
        parts = (queries.view(shape), keys.view(shape), values.reshape(shape))
        if self.way == "own":
            mixed = attend_own(parts)
        elif self.way == "strided":
            mixed = attend_strided(parts, self.reach)
        else:
            mixed = attend_previous(parts)
        out: Tensor = self.out(mixed.reshape(*hidden.shape[:2], -1))
        return out
