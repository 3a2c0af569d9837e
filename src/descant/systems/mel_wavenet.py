"""A WaveNet vocoder: mu-law samples drawn given a mel spectrogram (Kim et al. 2019, section 2.4).

The paper's two transposed convolutions give a vector for each sample, and the network's hop is 1. With fewer strides
the remaining samples share one, as steps under codes do, and the network knows each by its position. Either way
what engines are given has an entry for each hop of the network's own, so that no engine knows of mel frames.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from descant.config.mel import MEL
from descant.config.vocoders import MelWaveNet
from descant.errors import SequenceError
from descant.layers.bits import LOG2
from descant.layers.mel import scaled
from descant.layers.upsampling import Upsampling
from descant.modelfacts import Input
from descant.systems.base import PAST, PREDICTED, STEPS, Batch, StepLoss
from descant.systems.conditioned import ConditionedWaveNet
from descant.systems.mel import frame_step
from descant.systems.wavenet import build_wavenet


class MelWaveNetSystem(ConditionedWaveNet):
    """Transposed convolutions of mel frames, and a local model.

    With fresh weights the local model takes no notice of them, nor of positions: what it is conditioned on would at
    first only disturb it (ours).

    Args:
        settings: the vocoder's section of the configuration.
        classes: values a step can take.
        bands: of the mel spectrogram.
        step: steps from one frame to the next, a multiple of the upsampling's factor.
    """

    def __init__(self, settings: MelWaveNet, classes: int, bands: int, step: int) -> None:
        super().__init__()
        self.bands = bands
        upsampling = settings.upsampling
        self.modulator = Upsampling(bands, upsampling.channels, upsampling.strides)
        hop = step // upsampling.factor
        self.local_model = build_wavenet(settings.local_model, classes, upsampling.channels, hop)
        assert self.local_model.condition is not None and self.local_model.position is not None
        nn.init.zeros_(self.local_model.condition.weight)
        nn.init.zeros_(self.local_model.position.weight)

    @property
    def given_classes(self) -> int:
        """It is given real values."""
        return 0

    @property
    def given_channels(self) -> int:
        """It is given mel frames."""
        return self.bands

    def embed(self, given: Tensor) -> Tensor:
        """What the convolutions read of mel frames ``(batch, frames, bands)``: the same, scaled."""
        return scaled(given)

    def forward(self, batch: Batch, noise: torch.Generator) -> StepLoss:
        """Mean bits of ``steps`` ``(batch, time)`` given ``mel`` ``(batch, frames, bands)``, in nats for the loss."""
        vectors = self.embed(batch[MEL])
        bits = self.bits_given(batch[STEPS], vectors, batch.get(PREDICTED), batch.get(PAST)).mean()
        return StepLoss(bits * LOG2, {"bits": bits.detach()})

    def validate(self, batch: Batch, noise: torch.Generator) -> dict[str, Tensor]:
        """Bits given true frames and given shuffled ones, and their gap."""
        vectors = self.embed(batch[MEL])
        return self.bits_with_and_without(batch[STEPS], vectors, noise, batch.get(PREDICTED), batch.get(PAST))


def build_mel_wavenet(settings: MelWaveNet, inputs: Mapping[str, Input]) -> MelWaveNetSystem:
    """The vocoder of a section, with fresh weights, for the sequences ``steps`` and ``mel``.

    Raises:
        SequenceError: when ``mel`` is no mel spectrogram of the steps, or its step is no multiple of the upsampling's.
    """
    steps, mel = inputs[STEPS], inputs[MEL]
    step, factor = frame_step(mel, steps), settings.upsampling.factor
    if step % factor:
        raise SequenceError(
            f"frames of {mel.name} are {step} steps apart, but upsampling.strides multiply to {factor}",
            f"choose strides whose product divides {step}",
        )
    return MelWaveNetSystem(settings, steps.classes, mel.channels, step)
