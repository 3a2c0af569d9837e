"""From mel frames towards samples: transposed convolutions with exact reach."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.layers.convolution import Reach

# between the convolutions; of the WaveNet vocoders that were published after Tacotron 2
SLOPE = 0.4


def interpolating(channels_in: int, channels: int, stride: int) -> nn.ConvTranspose1d:
    """A transposed convolution that begins as random mixtures of the channels, on straight lines between inputs."""
    convolution = nn.ConvTranspose1d(channels_in, channels, 2 * stride, stride)
    line = 1 - (torch.arange(2 * stride) - stride).abs() / stride
    mixture = torch.randn(channels_in, channels, 1) * channels_in**-0.5
    with torch.no_grad():
        convolution.weight.copy_(mixture * line)
        nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
    return convolution


class Upsampling(nn.Module):
    """Transposed convolutions, each with a window of two strides (Kim et al. 2019: 16 and 32, by 8 and 16).

    What is at place ``t`` after a stride ``s`` depends on inputs ``t // s`` and ``t // s + 1``, in fresh weights on the
    first alone where ``s`` divides ``t``: an input stands for the place at which its share begins, as a mel frame is
    centred on the first sample of its step.

    Args:
        channels_in: width of the inputs.
        channels: width of every convolution.
        strides: first to last.

    Attributes:
        rate: vectors that it gives for each that it is given.
    """

    def __init__(self, channels_in: int, channels: int, strides: tuple[int, ...]) -> None:
        super().__init__()
        widths = (channels_in, *[channels] * (len(strides) - 1))
        self.strides = strides
        self.rate = math.prod(strides)
        self.convolutions = nn.ModuleList(
            interpolating(width, channels, stride) for width, stride in zip(widths, strides, strict=True)
        )

    @property
    def reach(self) -> Reach:
        """Inputs after its own that a vector sees: the last before the next one sees that, and what that one sees."""
        return Reach(0, min(2, len(self.strides)))

    def forward(self, vectors: Tensor) -> Tensor:
        """Map ``(batch, time, channels_in)`` to ``(batch, time * rate, channels)``; zeros follow the last input."""
        hidden = vectors.transpose(1, 2)
        for number, (convolution, stride) in enumerate(zip(self.convolutions, self.strides, strict=True)):
            # the first stride lies before the first input
            hidden = convolution(F.leaky_relu(hidden, SLOPE) if number else hidden)[..., stride:]
        return hidden.transpose(1, 2)
