"""The layout that WaveNets are usually written in: channels first, a ``Conv1d`` for every product, skips added up."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.layers.wavenet import WaveNet


def convolution(weight: Tensor, bias: Tensor | None, taps: int = 1, dilation: int = 1) -> nn.Conv1d:
    """A convolution with the weights of a linear layer over taps laid side by side."""
    channels_out, channels_in = weight.shape[0], weight.shape[1] // taps
    built = nn.Conv1d(channels_in, channels_out, taps, dilation=dilation, bias=bias is not None)
    with torch.no_grad():
        built.weight.copy_(weight.view(channels_out, taps, channels_in).transpose(1, 2))
        if built.bias is not None and bias is not None:
            built.bias.copy_(bias)
    return built


def causal(hidden: Tensor, layer: nn.Module) -> Tensor:
    assert isinstance(layer, nn.Conv1d)
    out: Tensor = layer(F.pad(hidden, ((layer.kernel_size[0] - 1) * layer.dilation[0], 0)))
    return out


class ChannelsFirst(nn.Module):
    """The same WaveNet, without conditioning, from the weights of ours.

    Args:
        ours: whose weights are copied.
    """

    def __init__(self, ours: WaveNet) -> None:
        super().__init__()
        self.embedding = ours.embedding
        self.start = convolution(ours.start.linear.weight, ours.start.linear.bias, ours.start.kernel)
        layers = ours.gated_layers
        linears = [layer.convolution for layer in layers]
        self.dilated = nn.ModuleList(
            convolution(each.linear.weight, each.linear.bias, each.kernel, each.dilation) for each in linears
        )
        residuals = [layer.residual for layer in layers if layer.residual is not None]
        self.residual = nn.ModuleList(convolution(each.weight, each.bias) for each in residuals)
        skips = ours.skip.weight.chunk(len(layers), dim=1)
        self.skip = nn.ModuleList(
            convolution(each, ours.skip.bias if number == 0 else None) for number, each in enumerate(skips)
        )
        self.head = convolution(ours.head.weight, ours.head.bias)
        self.logits = convolution(ours.logits.weight, ours.logits.bias)

    def forward(self, steps: Tensor) -> Tensor:
        """Logits ``(batch, time, classes)`` of int64 ``(batch, time)``."""
        hidden = F.pad(self.embedding(steps).transpose(1, 2), (1, 0))[..., :-1]
        hidden = causal(hidden, self.start)
        skipped: Tensor | None = None
        for number, layer in enumerate(self.dilated):
            filter_half, gate_half = causal(hidden, layer).chunk(2, dim=1)
            gated = torch.tanh(filter_half) * torch.sigmoid(gate_half)
            share = self.skip[number](gated)
            skipped = share if skipped is None else skipped + share
            if number < len(self.residual):
                hidden = hidden + self.residual[number](gated)
        assert skipped is not None
        out: Tensor = self.logits(F.relu(self.head(F.relu(skipped)))).transpose(1, 2)
        return out


def largest_difference(ours: WaveNet, other: ChannelsFirst, length: int) -> float:
    """Between the logits of both, on random steps."""
    steps = torch.randint(ours.classes, (1, length), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        return float((ours(steps) - other(steps)).abs().max())
