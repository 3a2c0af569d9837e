"""A transformer's weights as its engines take them."""

import copy

import torch
from torch import nn

from descant.layers.transformer import Transformer


def rounded_transformer(network: Transformer) -> Transformer:
    """A copy whose matrices are rounded to bfloat16 and kept in float32; tables, biases and norms stay.

    A norm's scale goes into the matrix after it first, as engines hold them. Every engine given this copy agrees with
    its full forward pass as with any other model's.
    """
    rounded = folded(network)
    for part in rounded.modules():
        if isinstance(part, nn.Linear):
            with torch.no_grad():
                part.weight.copy_(part.weight.bfloat16())
    return rounded


@torch.no_grad()
def folded(network: Transformer) -> Transformer:
    """A copy whose norms have no scale and no shift of their own: the linear layers after them do that."""
    copied = copy.deepcopy(network)
    pairs = [(copied.normalise, copied.logits)]
    for layer in copied.each_layer:
        pairs += [(layer.before_attention, layer.attention.project), (layer.before_mlp, layer.wide)]
    for norm, linear in pairs:
        linear.bias.add_(linear.weight @ norm.bias)
        linear.weight.mul_(norm.weight)
        nn.init.ones_(norm.weight)
        nn.init.zeros_(norm.bias)
    return copied
