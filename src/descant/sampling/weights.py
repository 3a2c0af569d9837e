"""A WaveNet's weights as a step needs them: plain arrays, the way in folded into tables."""

import copy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from descant.layers.prediction import PredictionMixture
from descant.layers.wavenet import WaveNet

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class MixtureWeights:
    """What a linear prediction is used with: see :class:`descant.layers.prediction.PredictionMixture`.

    Attributes:
        inputs: float32 ``(3, residual)``: of the prediction, the last error and the scale's logarithm.
        log_weights: float64 ``(parts + 1,)``, what outputs of zero stand for.
        widths: float64 ``(parts,)``.
        edges: float64 ``(classes + 1,)``.
    """

    inputs: FloatArray
    log_weights: npt.NDArray[np.float64]
    widths: npt.NDArray[np.float64]
    edges: npt.NDArray[np.float64]


@dataclass(frozen=True)
class StepWeights:
    """Weights float32, each matrix as ``(in, out)``.

    The first convolution sees an embedding, so each of its taps is a table with a row a class, and for a conditioned
    model another with a row for each position within the hop. A step ``t`` begins as ``start_bias`` plus, for each
    tap ``i`` whose step ``s = t - (start_kernel - 1 - i)`` is not before the first, ``position_tables[i][s % hop]``
    (with a position) plus ``start_tables[i][class drawn at s - 1]`` (unless ``s`` is 0, before which none was drawn).

    Attributes:
        classes: values a step can take.
        hop: steps that share one conditioning vector.
        dilations: one a layer, bottom first.
        start_tables: ``(start_kernel, classes, residual)``, oldest tap first.
        position_tables: ``(start_kernel, hop, residual)`` or None.
        start_bias: ``(residual,)``.
        convolution: ``(layers, kernel, residual, gate)``, oldest tap first; filter half, then gate half.
        convolution_bias: ``(layers, gate)``.
        residual: ``(layers - 1, gate / 2, residual)``: after the top layer nothing reads the residual path.
        residual_bias: ``(layers - 1, residual)``.
        skip: ``(layers, gate / 2, skip)``; the skip path is the sum over layers plus the bias.
        skip_bias: ``(skip,)``.
        head: ``(skip, skip)``, between two rectifiers.
        head_bias: ``(skip,)``.
        logits: ``(skip, classes)``; with linear prediction, the mixture's outputs follow the classes.
        logits_bias: ``(classes,)``, or longer likewise.
        prediction: of a network with linear prediction, what else that takes; None without.
    """

    classes: int
    hop: int
    dilations: tuple[int, ...]
    start_tables: FloatArray
    position_tables: FloatArray | None
    start_bias: FloatArray
    convolution: FloatArray
    convolution_bias: FloatArray
    residual: FloatArray
    residual_bias: FloatArray
    skip: FloatArray
    skip_bias: FloatArray
    head: FloatArray
    head_bias: FloatArray
    logits: FloatArray
    logits_bias: FloatArray
    prediction: MixtureWeights | None = None

    @property
    def kernel(self) -> int:
        """Taps of each dilated convolution."""
        return len(self.convolution[0])

    @property
    def start_kernel(self) -> int:
        """Taps of the first convolution."""
        return len(self.start_tables)

    @property
    def delays(self) -> tuple[int, ...]:
        """Longest delay of each layer in steps: how many inputs it must remember."""
        return tuple((self.kernel - 1) * dilation for dilation in self.dilations)


@torch.inference_mode()
def step_weights(wavenet: WaveNet) -> StepWeights:
    """Take a WaveNet's weights apart."""
    layers = wavenet.gated_layers
    residual_channels = wavenet.start.linear.out_features
    half = wavenet.skip.in_features // len(layers)
    taps = wavenet.start.linear.weight.double().view(residual_channels, wavenet.start.kernel, -1).permute(1, 2, 0)
    rows = wavenet.embedding(torch.arange(wavenet.classes, device=taps.device)).double()
    position = wavenet.position
    lower = [layer.residual for layer in layers if layer.residual is not None]
    outputs, mixture = [wavenet.logits], None
    if wavenet.prediction is not None:
        outputs.append(wavenet.prediction.outputs)
        mixture = _mixture_weights(wavenet.prediction)
    return StepWeights(
        classes=wavenet.classes,
        hop=wavenet.hop,
        dilations=tuple(layer.convolution.dilation for layer in layers),
        start_tables=_array(rows @ taps),
        position_tables=None if position is None else _array(position.weight.double() @ taps),
        start_bias=_array(wavenet.start.linear.bias),
        convolution=np.stack(
            [
                _array(layer.convolution.linear.weight.T).reshape(layer.convolution.kernel, residual_channels, -1)
                for layer in layers
            ]
        ),
        convolution_bias=np.stack([_array(layer.convolution.linear.bias) for layer in layers]),
        residual=np.stack([_array(linear.weight.T) for linear in lower])
        if lower
        else np.zeros((0, half, residual_channels), np.float32),
        residual_bias=np.stack([_array(linear.bias) for linear in lower])
        if lower
        else np.zeros((0, residual_channels), np.float32),
        skip=_array(wavenet.skip.weight.T).reshape(len(layers), half, -1),
        skip_bias=_array(wavenet.skip.bias),
        head=_array(wavenet.head.weight.T),
        head_bias=_array(wavenet.head.bias),
        logits=_array(torch.cat([linear.weight for linear in outputs]).T),
        logits_bias=_array(torch.cat([linear.bias for linear in outputs])),
        prediction=mixture,
    )


def _mixture_weights(mixture: PredictionMixture) -> MixtureWeights:
    log_weights, widths, edges = (
        constant.double().cpu().numpy() for constant in (mixture.log_weights, mixture.widths, mixture.edges)
    )
    return MixtureWeights(_array(mixture.inputs.weight.T), log_weights, widths, edges)


def _array(tensor: Tensor) -> FloatArray:
    array: FloatArray = tensor.detach().float().contiguous().cpu().numpy()
    return array


def rounded_weights(wavenet: WaveNet) -> WaveNet:
    """A copy whose matrices are rounded to bfloat16 and kept in float32; the way in, biases and conditioning stay.

    Every engine given this copy agrees with its full forward pass as with any other model's.
    """
    rounded = copy.deepcopy(wavenet)
    layers = rounded.gated_layers
    linears = [layer.convolution.linear for layer in layers] + [layer.residual for layer in layers]
    if rounded.prediction is not None:
        linears.append(rounded.prediction.outputs)
    for linear in (*linears, rounded.skip, rounded.head, rounded.logits):
        if isinstance(linear, nn.Linear):
            with torch.no_grad():
                linear.weight.copy_(linear.weight.bfloat16())
    return rounded
