"""A WaveNet as a system: a prior of codes, or a flat model of audio."""

from collections.abc import Mapping

import torch
from torch import Tensor

from descant.config.networks import Prior, WaveNetShape
from descant.layers.bits import LOG2
from descant.layers.wavenet import WaveNet
from descant.modelfacts import Input
from descant.systems.base import PAST, PREDICTED, STEPS, Batch, StepLoss
from descant.systems.drawable import Drawable


def build_wavenet(shape: WaveNetShape, classes: int, conditioning_channels: int = 0, hop: int = 1) -> WaveNet:
    """The layers of a configured WaveNet."""
    return WaveNet(
        classes=classes,
        dilations=shape.dilations,
        kernel=shape.kernel,
        start_kernel=shape.start_kernel,
        residual_channels=shape.residual_channels,
        gate_channels=shape.gate_channels,
        skip_channels=shape.skip_channels,
        input_kind=shape.input,
        conditioning_channels=conditioning_channels,
        hop=hop,
        linear_prediction=shape.linear_prediction,
    )


class WaveNetSystem(Drawable):
    """Maximum likelihood of a sequence (van den Oord 2016).

    Args:
        shape: the network's shape.
        classes: values a step can take.
    """

    def __init__(self, shape: WaveNetShape, classes: int) -> None:
        super().__init__()
        self.wavenet = build_wavenet(shape, classes)

    @property
    def network(self) -> WaveNet:
        """See :class:`descant.systems.drawable.Drawable`."""
        return self.wavenet

    @property
    def given_classes(self) -> int:
        """It is given nothing."""
        return 0

    def forward(self, batch: Batch, noise: torch.Generator) -> StepLoss:
        """Mean bits a step, in nats for the loss."""
        bits = self.wavenet.bits(batch[STEPS], None, batch.get(PREDICTED), batch.get(PAST)).mean()
        return StepLoss(bits * LOG2, {"bits": bits.detach()})

    def validate(self, batch: Batch, noise: torch.Generator) -> dict[str, Tensor]:
        """Bits a step."""
        return {"bits": self.wavenet.bits(batch[STEPS], None, batch.get(PREDICTED), batch.get(PAST)).mean()}

    def bits(self, steps: Tensor, predicted: Tensor | None = None) -> Tensor:
        """Bits ``(batch, time)`` of int64 ``(batch, time)``, each given those before it; see :meth:`WaveNet.bits`."""
        return self.wavenet.bits(steps, predicted=predicted)


def build_prior(settings: Prior, inputs: Mapping[str, Input]) -> WaveNetSystem:
    """The prior of a section, with fresh weights, for the sequence ``steps``."""
    return WaveNetSystem(settings.wavenet, inputs[STEPS].classes)
