"""Small transformers with strong weights, and what a layer looks at by the definition."""

from typing import Any

import torch
from torch import Tensor

from descant.config.transformers import Transformer as Settings
from descant.layers.attention import Way
from descant.layers.transformer import Transformer
from descant.systems.transformer import Above, TransformerSystem

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


def settings_of(**over: Any) -> Settings:
    """The section of a small transformer."""
    training = {"steps": 1, "batch": 2, "window": 32}
    shape = {"width": 16, "layers": 3, "heads": 2, "context": 32, "blocks": 4, "attention": 0.5}
    shape["conditioner"] = {"channels": 6, "blocks": 2}
    return Settings.model_validate({"training": training, **shape, **over})


def system_of(upper: int = 0, ratio: int = 4, labels: dict[str, int] | None = None, **over: Any) -> TransformerSystem:
    """A small prior, or with classes of a level above an upsampler, whose logits are not those of fresh weights."""
    torch.manual_seed(1)
    above = Above(upper, ratio) if upper else None
    system = TransformerSystem(settings_of(**over), 11, 100.0, above, labels or {}).eval()
    torch.nn.init.normal_(system.transformer.logits.weight)
    return system
