"""A WaveNet conditioned on a coarser sequence: the half of an autoencoder that draws, or a vocoder."""

from abc import abstractmethod

import torch
from torch import Tensor

from descant.layers.convolution import Reach
from descant.layers.modulator import Modulator
from descant.layers.upsampling import Upsampling
from descant.layers.wavenet import WaveNet
from descant.systems.drawable import Drawable


class ConditionedWaveNet(Drawable):
    """A modulator, which turns vectors at the coarser rate to conditioning, and a local model, which learns the steps.

    Attributes:
        modulator: of vectors ``(batch, time / hop, width)``; what it gives may have a higher rate.
        local_model: conditioned on what the modulator gives.
    """

    modulator: Modulator | Upsampling
    local_model: WaveNet

    @abstractmethod
    def embed(self, given: Tensor) -> Tensor:
        """What the modulator reads of what is given: vectors ``(batch, entries, width)``."""

    @property
    def network(self) -> WaveNet:
        """See :class:`descant.systems.drawable.Drawable`."""
        return self.local_model

    @property
    def hop(self) -> int:
        """See :class:`descant.systems.drawable.Drawable`."""
        return self.local_model.hop * self.modulator.rate

    @property
    def reach(self) -> Reach:
        """See :class:`descant.systems.drawable.Drawable`."""
        return self.modulator.reach

    def bits_given(
        self, steps: Tensor, vectors: Tensor, predicted: Tensor | None = None, past: Tensor | None = None
    ) -> Tensor:
        """Bits of steps ``(batch, time)`` given vectors ``(batch, time / hop, width)``: see :meth:`WaveNet.bits`."""
        return self.local_model.bits(steps, self.modulator(vectors), predicted, past)

    def bits_with_and_without(
        self,
        steps: Tensor,
        vectors: Tensor,
        noise: torch.Generator,
        predicted: Tensor | None = None,
        past: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Mean bits given the true vectors and given shuffled ones, and their gap: what the vectors are worth."""
        true = self.bits_given(steps, vectors, predicted, past).mean()
        order = torch.randperm(vectors.shape[0] * vectors.shape[1], generator=noise)
        shuffled = vectors.flatten(0, 1)[order.to(vectors.device, non_blocking=True)].view_as(vectors)
        wrong = self.bits_given(steps, shuffled, predicted, past).mean()
        return {"bits": true, "bits_shuffled": wrong, "gap": wrong - true}

    @torch.inference_mode()
    def conditioning(self, given: Tensor, start: int, stop: int) -> Tensor:
        """See :class:`descant.systems.drawable.Drawable`."""
        reach, rate = self.reach, self.modulator.rate
        left, right = max(0, start - reach.left), min(given.shape[1], stop + reach.right)
        conditioning: Tensor = self.modulator(self.embed(given[:, left:right]))
        return conditioning[:, (start - left) * rate : (stop - left) * rate]
