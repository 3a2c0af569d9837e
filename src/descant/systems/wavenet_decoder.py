"""A WaveNet of the audio given codes that a VQ-VAE made: the half of an ADA that draws (Dieleman et al. 2018)."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from descant.config.decoders import WaveNetDecoder
from descant.errors import ModelFileError
from descant.layers.bits import LOG2
from descant.layers.modulator import Modulator
from descant.modelfacts import Input
from descant.systems.base import PAST, PREDICTED, STEPS, UPPER, Batch, StepLoss
from descant.systems.conditioned import ConditionedWaveNet
from descant.systems.wavenet import build_wavenet


class WaveNetDecoderSystem(ConditionedWaveNet):
    """A vector for each code, a modulator of these, and a local model.

    Args:
        settings: its section of the configuration.
        classes: values a step can take.
        upper: values that a code can take.
        hop: steps to one code.
    """

    def __init__(self, settings: WaveNetDecoder, classes: int, upper: int, hop: int) -> None:
        super().__init__()
        modulator = settings.modulator
        self.table = nn.Embedding(upper, settings.embedding)
        self.modulator = Modulator(settings.embedding, modulator.channels, modulator.kernel, modulator.blocks)
        self.local_model = build_wavenet(settings.local_model, classes, modulator.channels, hop)

    @property
    def given_classes(self) -> int:
        """It draws given codes."""
        return self.table.num_embeddings

    def embed(self, given: Tensor) -> Tensor:
        """Vectors ``(batch, codes, embedding)`` of codes int64 ``(batch, codes)``."""
        vectors: Tensor = self.table(given)
        return vectors

    def forward(self, batch: Batch, noise: torch.Generator) -> StepLoss:
        """Mean bits of ``steps`` ``(batch, time)`` given ``upper`` ``(batch, time / hop)``, in nats for the loss."""
        vectors = self.embed(batch[UPPER])
        bits = self.bits_given(batch[STEPS], vectors, batch.get(PREDICTED), batch.get(PAST)).mean()
        return StepLoss(bits * LOG2, {"bits": bits.detach()})

    def validate(self, batch: Batch, noise: torch.Generator) -> dict[str, Tensor]:
        """Bits given true codes and given shuffled ones, and their gap: what the codes are worth."""
        vectors = self.embed(batch[UPPER])
        return self.bits_with_and_without(batch[STEPS], vectors, noise, batch.get(PREDICTED), batch.get(PAST))


def build_wavenet_decoder(settings: WaveNetDecoder, inputs: Mapping[str, Input]) -> WaveNetDecoderSystem:
    """The decoder of a section, with fresh weights, for the sequences ``steps`` and ``upper``.

    Raises:
        ModelFileError: when a code is no whole number of steps.
    """
    steps, upper = inputs[STEPS], inputs[UPPER]
    if upper.hop <= steps.hop or upper.hop % steps.hop:
        raise ModelFileError(
            f"a code of {upper.name} stands for {upper.hop} samples, no multiple of the {steps.hop} of {steps.name}",
            "give codes as the input upper",
        )
    return WaveNetDecoderSystem(settings, steps.classes, upper.classes, upper.hop // steps.hop)
