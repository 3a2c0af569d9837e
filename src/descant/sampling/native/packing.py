"""A WaveNet's weights as the native kernel reads them: padded to whole vectors, matrices cut into tiles of columns."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat

import torch
import torch.nn.functional as F
from torch import Tensor

from descant.audio import mulaw
from descant.sampling.weights import FloatArray, MixtureWeights, StepWeights

# vectors to a tile
TILES = (8, 4, 2, 1)


@dataclass(frozen=True)
class Layout:
    """How matrices are laid out.

    Attributes:
        lanes: float32 numbers to a vector.
        sixteen_bits: store matrices in bfloat16, two rows interleaved.
        tile: vectors to a tile at most.
        past_tiles: the same of the past taps, ``layers`` times ``kernel - 1``, oldest tap first.
    """

    lanes: int
    sixteen_bits: bool
    tile: int
    past_tiles: tuple[int, ...]


@dataclass(frozen=True)
class PackedWeights:
    """Tensors on the CPU, whose widths are padded to whole vectors: with zeros, the bias of the logits with -inf.

    Tables and biases are float32 with rows of padded width. A matrix is float32, or bfloat16 seen as int16, and flat:
    tile after tile of its columns, in a tile row after row; in 16 bits two rows are interleaved.

    Attributes:
        residual: padded width of the residual path.
        half: padded width of the filter, and of the gate.
        skip: padded width of the skip path.
        logits: padded number of classes, and of what the mixture around a prediction takes.
        start_tables: ``(start_kernel, classes, residual)``.
        position_tables: ``(start_kernel, hop, residual)`` or None.
        start_bias: ``(residual,)``.
        convolution_bias: ``(layers, 2 * half)``.
        residual_bias: ``(layers - 1, residual)``.
        skip_bias: ``(skip,)``.
        head_bias: ``(skip,)``.
        logits_bias: ``(logits,)``.
        past_taps: of each layer the convolution's taps but the last, oldest first.
        present_tap: of each layer the convolution's last tap.
        mix: of each layer the residual and the skip matrix side by side; of the top layer the skip matrix.
        head: between the two rectifiers.
        to_logits: the last matrix.
    """

    residual: int
    half: int
    skip: int
    logits: int
    start_tables: Tensor
    position_tables: Tensor | None
    start_bias: Tensor
    convolution_bias: Tensor
    residual_bias: Tensor
    skip_bias: Tensor
    head_bias: Tensor
    logits_bias: Tensor
    past_taps: Tensor
    present_tap: Tensor
    mix: Tensor
    head: Tensor
    to_logits: Tensor


def padded(width: int, lanes: int) -> int:
    """The next multiple of a vector's lanes."""
    return -(-width // lanes) * lanes


def pack(weights: StepWeights, layout: Layout) -> PackedWeights:
    """Pack weights as the kernel reads them.

    Args:
        weights: as a step needs them.
        layout: what the kernel asks for.

    Returns:
        Copies in that layout.
    """
    lanes = layout.lanes

    def rows(array: FloatArray) -> Tensor:
        return _pad(torch.from_numpy(array), lanes)

    def matrices(parts: Iterable[Tensor], tiles: Iterable[int] = repeat(layout.tile)) -> Tensor:
        flat = [_tiles(part, layout, tile) for part, tile in zip(parts, tiles, strict=False)]
        return torch.cat(flat) if flat else torch.zeros(0)

    convolution = _pad_matrix(_pad_halves(torch.from_numpy(weights.convolution), lanes), lanes)
    past = convolution[:, :-1].flatten(0, 1)
    skip = _pad_matrix(torch.from_numpy(weights.skip), lanes)
    residual = _pad_matrix(torch.from_numpy(weights.residual), lanes)
    mix = (torch.cat([*residual[number : number + 1], part], dim=-1) for number, part in enumerate(skip))
    return PackedWeights(
        residual=padded(weights.start_bias.size, lanes),
        half=skip.shape[1],
        skip=skip.shape[2],
        logits=padded(weights.logits_bias.size, lanes),
        start_tables=rows(weights.start_tables),
        position_tables=None if weights.position_tables is None else rows(weights.position_tables),
        start_bias=rows(weights.start_bias),
        convolution_bias=_pad_halves(torch.from_numpy(weights.convolution_bias), lanes),
        residual_bias=rows(weights.residual_bias),
        skip_bias=rows(weights.skip_bias),
        head_bias=rows(weights.head_bias),
        logits_bias=_pad(torch.from_numpy(weights.logits_bias), lanes, -torch.inf),
        past_taps=matrices(past, layout.past_tiles),
        present_tap=matrices(convolution[:, -1]),
        mix=matrices(mix),
        head=matrices([_pad_matrix(torch.from_numpy(weights.head), lanes)]),
        to_logits=matrices([_pad_matrix(torch.from_numpy(weights.logits), lanes)]),
    )


def packed_mixture(weights: MixtureWeights, lanes: int) -> dict[str, Tensor]:
    """What the kernel reads of a mixture around a prediction, by the names that it has there."""
    return {
        "samples": torch.from_numpy(mulaw.SAMPLES),
        "inputs": _pad(torch.from_numpy(weights.inputs), lanes),
        "log_weights": torch.from_numpy(weights.log_weights),
        "widths": torch.from_numpy(weights.widths),
        "edges": torch.from_numpy(weights.edges),
    }


def _pad(tensor: Tensor, lanes: int, value: float = 0.0) -> Tensor:
    """Pad the last dimension; always a copy."""
    width = tensor.shape[-1]
    return F.pad(tensor, (0, padded(width, lanes) - width), value=value).clone()


def _pad_halves(tensor: Tensor, lanes: int) -> Tensor:
    """Pad each half of the last dimension with zeros."""
    return torch.cat([_pad(half, lanes) for half in tensor.chunk(2, dim=-1)], dim=-1)


def _pad_matrix(tensor: Tensor, lanes: int) -> Tensor:
    """Pad the last two dimensions with zeros."""
    return _pad(_pad(tensor, lanes).mT, lanes).mT


def _tiles(matrix: Tensor, layout: Layout, widest: int) -> Tensor:
    """A padded matrix ``(in, out)`` as tiles, flat."""
    flat, first = [], 0
    while first < matrix.shape[1]:
        left = (matrix.shape[1] - first) // layout.lanes
        width = next(tile for tile in TILES if tile <= min(widest, left)) * layout.lanes
        tile = matrix[:, first : first + width]
        if layout.sixteen_bits:
            tile = tile.bfloat16().view(torch.int16).reshape(-1, 2, width).mT
        flat.append(tile.flatten())
        first += width
    return torch.cat(flat)
