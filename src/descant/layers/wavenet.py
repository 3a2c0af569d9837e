"""The WaveNet stack (van den Oord 2016) in channels-last layout.

A wide dilated convolution is one matrix product over its taps laid side by side, and the skip path of all layers is
one product over their gated outputs: the same arithmetic as a stack of ``Conv1d``, in fewer and larger products.
"""

import copy
from typing import TYPE_CHECKING, Literal, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.config.networks import LinearPrediction
from descant.layers.bits import LOG2, bits_per_step
from descant.layers.embedding import StepEmbedding
from descant.layers.prediction import PredictionMixture

if TYPE_CHECKING:
    from descant.prediction.predictor import Predictor

# channels from which one product over taps laid side by side is faster on a CPU than a convolution that reads them
# where they lie (benchmarks/convolution.py); on a GPU only the product was ever run
WIDE = 128


def shift_right(hidden: Tensor, steps: int) -> Tensor:
    """Delay ``(batch, time, channels)`` by so many steps; zeros come in at the start."""
    return hidden if steps == 0 else F.pad(hidden, (0, 0, steps, 0))[:, : hidden.shape[1]]


class CausalConvolution(nn.Module):
    """A causal dilated convolution: output ``t`` sees inputs ``t - (kernel-1)·dilation … t``.

    Args:
        channels_in: input width.
        channels_out: output width.
        kernel: taps.
        dilation: steps between taps.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.kernel = kernel
        self.dilation = dilation
        self.linear = nn.Linear(kernel * channels_in, channels_out)

    @property
    def delays(self) -> tuple[int, ...]:
        """Delay of each tap in steps, oldest first, as they lie in the weight."""
        return tuple((self.kernel - 1 - tap) * self.dilation for tap in range(self.kernel))

    def forward(self, hidden: Tensor) -> Tensor:
        """Convolve ``(batch, time, channels_in)`` to ``(batch, time, channels_out)``."""
        return self.as_product(hidden) if hidden.is_cuda or hidden.shape[-1] >= WIDE else self.as_convolution(hidden)

    def as_product(self, hidden: Tensor) -> Tensor:
        """:meth:`forward` as one product over the taps laid side by side."""
        out: Tensor = self.linear(torch.cat([shift_right(hidden, delay) for delay in self.delays], dim=-1))
        return out

    def as_convolution(self, hidden: Tensor) -> Tensor:
        """:meth:`forward` as a convolution that reads taps where they lie: an image one pixel high, channels last."""
        image = F.pad(hidden, (0, 0, self.delays[0], 0)).transpose(1, 2).unsqueeze(2)
        weight = self.linear.weight.view(self.linear.out_features, self.kernel, -1).permute(0, 2, 1).unsqueeze(2)
        return F.conv2d(image, weight, self.linear.bias, dilation=(1, self.dilation)).squeeze(2).transpose(1, 2)


class GatedLayer(nn.Module):
    """One layer: dilated convolution, plus conditioning, tanh·sigmoid, residual.

    Args:
        residual_channels: width of the residual path.
        gate_channels: channels before the gated unit; its two halves are filter and gate.
        kernel: taps.
        dilation: steps between taps.
        top: whether it is the uppermost layer, after which nothing reads the residual path.
    """

    def __init__(
        self, residual_channels: int, gate_channels: int, kernel: int, dilation: int, top: bool = False
    ) -> None:
        super().__init__()
        self.convolution = CausalConvolution(residual_channels, gate_channels, kernel, dilation)
        self.residual = None if top else nn.Linear(gate_channels // 2, residual_channels)

    def pass_on(self, hidden: Tensor, gated: Tensor) -> Tensor:
        """What the next layer sees: the residual path plus this layer's share of it."""
        return hidden if self.residual is None else hidden + self.residual(gated)

    def gate(self, activation: Tensor) -> Tensor:
        """The gated unit on ``(..., gate_channels)``: ``tanh(filter) * sigmoid(gate)``."""
        filter_half, gate_half = activation.chunk(2, dim=-1)
        return torch.tanh(filter_half) * torch.sigmoid(gate_half)


class WaveNet(nn.Module):
    """A categorical autoregressive model of a sequence, with or without conditioning.

    Args:
        classes: values a step can take.
        dilations: one a layer, bottom first.
        kernel: taps of each dilated convolution.
        start_kernel: taps of the first convolution.
        residual_channels: width of the residual path.
        gate_channels: channels before the gated unit.
        skip_channels: width of the skip path and the head.
        input_kind: see :class:`StepEmbedding`.
        conditioning_channels: width of the conditioning; 0 for none.
        hop: steps that share one conditioning vector (nearest-neighbour upsampling, NSynth).
        linear_prediction: of mu-law audio, which the model starts from (ours); None for none.
    """

    def __init__(
        self,
        classes: int,
        dilations: tuple[int, ...],
        kernel: int,
        start_kernel: int,
        residual_channels: int,
        gate_channels: int,
        skip_channels: int,
        input_kind: Literal["embedding", "scalar"],
        conditioning_channels: int = 0,
        hop: int = 1,
        linear_prediction: LinearPrediction | None = None,
    ) -> None:
        super().__init__()
        self.classes = classes
        self.hop = hop
        # see :meth:`damped`
        self.loudest: float | None = None
        self.embedding = StepEmbedding(classes, residual_channels, input_kind)
        self.start = CausalConvolution(residual_channels, residual_channels, start_kernel, 1)
        self.layers = nn.ModuleList(
            GatedLayer(residual_channels, gate_channels, kernel, dilation, top=number == len(dilations) - 1)
            for number, dilation in enumerate(dilations)
        )
        self.skip = nn.Linear(len(dilations) * (gate_channels // 2), skip_channels)
        self.head = nn.Linear(skip_channels, skip_channels)
        self.logits = nn.Linear(skip_channels, classes)
        self.condition: nn.Linear | None = None
        self.position: nn.Embedding | None = None
        if conditioning_channels:
            self.condition = nn.Linear(conditioning_channels, len(dilations) * gate_channels, bias=False)
            # which of the hop's steps this is: with held conditioning nothing else says it (ours)
            self.position = nn.Embedding(hop, residual_channels)
        self.prediction: PredictionMixture | None = None
        if linear_prediction is not None:
            self.prediction = PredictionMixture(linear_prediction, residual_channels, skip_channels)
            if not conditioning_channels:
                # so that fresh weights are the predictor; under codes zero logits would give the codes no gradient at
                # first, and they would collapse
                nn.init.zeros_(self.logits.weight)
                nn.init.zeros_(self.logits.bias)

    @property
    def receptive_field(self) -> int:
        """How many past steps one step depends on: those that the layers see, or a linear predictor's block does."""
        predictor = None if self.prediction is None else self.prediction.settings
        return max(self.layers_field, predictor.window + predictor.every if predictor else 0)

    @property
    def layers_field(self) -> int:
        """How many past steps the layers see; given what is predicted, a step depends on no others."""
        layers = sum(max(layer.convolution.delays) for layer in self.gated_layers)
        return layers + self.start.kernel

    @property
    def conditioning_channels(self) -> int:
        """Width of the conditioning; 0 for none."""
        return 0 if self.condition is None else self.condition.in_features

    @property
    def multiplications(self) -> int:
        """Multiply-adds of one step, its conditioning and the way in left out."""
        linears = [layer.convolution.linear for layer in self.gated_layers] + [self.skip, self.head, self.logits]
        linears += [layer.residual for layer in self.gated_layers if layer.residual is not None]
        total = sum(linear.weight.numel() for linear in linears)
        return total if self.prediction is None else total + self.prediction.multiplications

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.logits.weight.device

    @property
    def gated_layers(self) -> list[GatedLayer]:
        """The layers, typed."""
        return [layer for layer in self.layers if isinstance(layer, GatedLayer)]

    def layer_conditioning(self, conditioning: Tensor) -> Tensor:
        """Project conditioning for every layer at once.

        Args:
            conditioning: ``(batch, time / hop, conditioning_channels)``.

        Returns:
            ``(batch, time / hop, layers, gate_channels)``.
        """
        assert self.condition is not None
        projected: Tensor = self.condition(conditioning)
        return projected.view(*projected.shape[:-1], len(self.layers), -1)

    def forward(self, steps: Tensor, conditioning: Tensor | None = None, predicted: Tensor | None = None) -> Tensor:
        """Logits of every step given those before it; before the first step there are zeros.

        Args:
            steps: int64 ``(batch, time)``; with conditioning, time is a multiple of the hop.
            conditioning: ``(batch, time / hop, conditioning_channels)`` or None.
            predicted: of the steps, by the linear predictor of a network that has one, float32
                ``(batch, time, 2)``; None predicts them as a track's first.

        Returns:
            float ``(batch, time, classes)``; of a network with linear prediction they are log-probabilities.
        """
        predicted = self._predicted(steps, predicted)
        return self.read_out(self._gated(steps, conditioning, predicted), predicted)

    def bits(
        self,
        steps: Tensor,
        conditioning: Tensor | None = None,
        predicted: Tensor | None = None,
        past: Tensor | None = None,
    ) -> Tensor:
        """Bits of every step, whose logits are those of :meth:`forward`.

        Args:
            steps: see :meth:`forward`.
            conditioning: see :meth:`forward`.
            predicted: see :meth:`forward`; of a past of its own, it is predicted from that.
            past: int64 ``(batch, time)``, seen as the past in place of the steps; None: the steps themselves.

        Returns:
            float32 ``(batch, time)``.
        """
        seen = steps if past is None else past
        predicted = self._predicted(seen, predicted)
        top = self._top(self._gated(seen, conditioning, predicted))
        if self.prediction is None or predicted is None:
            return bits_per_step(self.logits(top), steps)
        return -self.prediction.log_likelihood(self.logits(top), self.prediction.outputs(top), predicted, steps) / LOG2

    def _predicted(self, steps: Tensor, predicted: Tensor | None) -> Tensor | None:
        """What is predicted of steps: as it is given, or of a track that they begin."""
        if self.prediction is None or predicted is not None:
            return predicted
        predictor = self.predictor(len(steps))
        assert predictor is not None
        return torch.from_numpy(predictor.follow(steps.cpu().numpy())).to(steps.device)

    def damped(self, loudest: float | None) -> Self:
        """This network with the same weights, whose linear predictor is damped where music is louder.

        Args:
            loudest: see :class:`descant.prediction.predictor.Predictor`.
        """
        other = copy.copy(self)
        other.loudest = loudest
        return other

    def predictor(self, batch: int) -> "Predictor | None":
        """The linear predictor of so many sequences before their first step; None for a network without."""
        if self.prediction is None:
            return None
        # compiled loops, which a network without a predictor needs not load
        from descant.prediction.predictor import Predictor

        return Predictor(self.prediction.settings, batch, self.loudest)

    def _gated(self, steps: Tensor, conditioning: Tensor | None, predicted: Tensor | None) -> Tensor:
        """Gated outputs of all layers, ``(batch, time, layers · gate_channels / 2)``."""
        hidden = shift_right(self.embedding(steps), 1)
        by_layer: tuple[Tensor, ...] = ()
        if conditioning is not None:
            assert self.position is not None
            hidden = (self._by_hop(hidden) + self.position.weight).flatten(1, 2)
            # unbound at once: an index a layer would have each layer's gradient fill a tensor of all layers
            by_layer = self.layer_conditioning(conditioning).unbind(2)
        hidden = self.start(hidden)
        if self.prediction is not None and predicted is not None:
            hidden = hidden + self.prediction.inputs(self.prediction.features(steps, predicted))
        gated = []
        for number, layer in enumerate(self.gated_layers):
            activation = layer.convolution(hidden)
            if by_layer:
                held = self._by_hop(activation) + by_layer[number][:, :, None]
                activation = held.flatten(1, 2)
            gated.append(layer.gate(activation))
            hidden = layer.pass_on(hidden, gated[-1])
        return torch.cat(gated, dim=-1)

    def _by_hop(self, hidden: Tensor) -> Tensor:
        """Cut time into hops: ``(batch, time, channels)`` to ``(batch, time / hop, hop, channels)``."""
        return hidden.reshape(hidden.shape[0], -1, self.hop, hidden.shape[-1])

    def _top(self, gated: Tensor) -> Tensor:
        top: Tensor = F.relu(self.head(F.relu(self.skip(gated))))
        return top

    def read_out(self, gated: Tensor, predicted: Tensor | None = None) -> Tensor:
        """From the gated outputs of all layers ``(..., layers · gate_channels / 2)`` to logits ``(..., classes)``."""
        top = self._top(gated)
        logits: Tensor = self.logits(top)
        if self.prediction is None or predicted is None:
            return logits
        return self.prediction.log_probabilities(logits, self.prediction.outputs(top), predicted)
