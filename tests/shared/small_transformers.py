"""Small transformers with strong weights, and what a layer looks at by the definition."""

import torch
from torch import Tensor

from descant.layers.attention import Way
from descant.layers.transformer import Transformer

BLOCK, REACH = 4, 3


def looked_at(way: Way, time: int, block: int = BLOCK, reach: int = REACH) -> Tensor:
    """Bool ``(time, time)``: which positions (columns) each position (rows) looks at, by the definition."""
    at, back = torch.arange(time)[:, None], torch.arange(time)
    if way == "own":
        return (at // block == back // block) & (back <= at)
    if way == "previous":
        return at // block == back // block + 1
    return (at % block == back % block) & (back <= at) & (at - back < reach * block)


def strong(layers: int = 3, classes: int = 11, conditioned: bool = False, blocks: int = REACH) -> Transformer:
    """A small transformer whose logits are not those of fresh weights."""
    torch.manual_seed(layers)
    network = Transformer(classes, 12, layers, 2, 8, 16, BLOCK, blocks, conditioned).eval()
    torch.nn.init.normal_(network.logits.weight)
    return network
