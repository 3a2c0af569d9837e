"""Spleeter's 2stems network: one U-Net a stem over magnitudes (Jansson et al. 2017; Hennequin et al. 2020).

The layers and their order follow ``spleeter/model/functions/unet.py`` of spleeter 2.4.2; dropout is off, as always
when it separates. Weights are read from its TensorFlow checkpoint.
"""

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.separation.separator import ACCOMPANIMENT, CHANNELS, VOCALS, SeparationError

STEMS = (VOCALS, ACCOMPANIMENT)
WIDTHS = (16, 32, 64, 128, 256, 512)
KERNEL, STRIDE, LAST_KERNEL, LAST_DILATION = 5, 2, 4, 2
# keras' default
EPSILON = 1e-3
SLOPE = 0.2


class UNet(nn.Module):
    """Estimates the magnitudes of one stem from those of the mix."""

    def __init__(self) -> None:
        super().__init__()
        below = (CHANNELS, *WIDTHS[:-1])
        self.down = nn.ModuleList(nn.Conv2d(a, b, KERNEL, STRIDE) for a, b in zip(below, WIDTHS, strict=True))
        # the deepest convolution's norm exists in the checkpoint, but nothing uses it
        self.down_norms = nn.ModuleList(nn.BatchNorm2d(width, EPSILON) for width in WIDTHS[:-1])
        rising = (*WIDTHS[-2::-1], 1)
        inputs = (WIDTHS[-1], *(2 * width for width in WIDTHS[-2::-1]))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(a, b, KERNEL, STRIDE, padding=1) for a, b in zip(inputs, rising, strict=True)
        )
        self.up_norms = nn.ModuleList(nn.BatchNorm2d(width, EPSILON) for width in rising)
        self.last = nn.Conv2d(1, CHANNELS, LAST_KERNEL, padding=3, dilation=LAST_DILATION)

    def forward(self, magnitudes: Tensor) -> Tensor:
        """Estimate a stem's magnitudes.

        Args:
            magnitudes: ``(patches, 2, 512, 1024)``: channels, frames, bins.

        Returns:
            The same shape, between 0 and the mix's.
        """
        skipped = []
        hidden = magnitudes
        for n, convolution in enumerate(self.down):
            # TensorFlow's "same" at stride 2 on even sizes: one zero before, two after
            hidden = convolution(F.pad(hidden, (1, 2, 1, 2)))
            if n < len(self.down_norms):
                skipped.append(hidden)
                hidden = F.leaky_relu(self.down_norms[n](hidden), SLOPE)
        for transposed, norm in zip(self.up, self.up_norms, strict=True):
            # padding crops one at both ends, TensorFlow two at the far one
            hidden = norm(F.relu(transposed(hidden)[..., :-1, :-1]))
            if skipped:
                hidden = torch.cat([skipped.pop(), hidden], dim=1)
        return torch.sigmoid(self.last(hidden)) * magnitudes


def load_networks(tensors: Mapping[str, npt.NDArray[Any]]) -> dict[str, UNet]:
    """Build the U-Nets of all stems and give them the weights of a checkpoint.

    Args:
        tensors: by TensorFlow's names: ``conv2d/kernel``, ``conv2d_1/kernel``, …, in the order of building.

    Returns:
        A network for each stem, for inference.

    Raises:
        SeparationError: when a tensor is missing or has another shape.
    """
    networks = {}
    for number, stem in enumerate(STEMS):
        with torch.device("meta"):
            network = UNet()
        network.load_state_dict(_state(network, tensors, number), assign=True)
        networks[stem] = network.eval().requires_grad_(False)
    return networks


def _state(network: UNet, tensors: Mapping[str, npt.NDArray[Any]], number: int) -> dict[str, Tensor]:
    levels = len(WIDTHS)
    convolutions = [*(f"down.{n}" for n in range(levels)), "last"]
    norms = [*(f"down_norms.{n}" for n in range(levels)), *(f"up_norms.{n}" for n in range(levels))]
    transposed = [f"up.{n}" for n in range(levels)]
    kinds = (("conv2d", convolutions), ("conv2d_transpose", transposed), ("batch_normalization", norms))
    names = {
        ours: f"{kind}_{index}".removesuffix("_0") if index == 0 else f"{kind}_{index}"
        for kind, layers in kinds
        for index, ours in enumerate(layers, start=number * len(layers))
    }
    state: dict[str, Tensor] = {}
    for name, wanted in network.state_dict().items():
        layer, _, part = name.rpartition(".")
        if part == "num_batches_tracked":
            state[name] = torch.zeros((), dtype=torch.int64)
            continue
        is_norm = "norms" in layer
        part = NORM_PARTS[part] if is_norm else {"weight": "kernel"}.get(part, part)
        theirs = f"{names[layer]}/{part}"
        if theirs not in tensors:
            raise SeparationError(f"the checkpoint lacks {theirs}: it is not a model of 2stems", CURE)
        tensor = torch.tensor(tensors[theirs], dtype=torch.float32)
        # height, width, in, out for a convolution and height, width, out, in for a transposed one
        tensor = tensor.permute(3, 2, 0, 1).contiguous() if tensor.dim() == 4 else tensor
        if tensor.shape != wanted.shape:
            raise SeparationError(f"{theirs} has the shape {tuple(tensors[theirs].shape)}, which 2stems has not", CURE)
        state[name] = tensor
    return state


NORM_PARTS = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
CURE = "give weights of spleeter:2stems in separation.weights, or leave it empty"
