"""The RMVAE of polyphonic voices, and which one a sequence asks for (Vignal 2020, MSc thesis, NUS)."""

from collections.abc import Mapping

import torch
from torch import Tensor

from descant.config.part_models import RMVAE
from descant.config.parts import PARTS
from descant.layers.polyphony import activation_nats, duration_errors, likeliest, note_figures
from descant.modelfacts import Input
from descant.scores.parts import PITCHES
from descant.scores.polyphony import DURATIONS
from descant.systems.rmvae import BaseRMVAE, RMVAESystem
from descant.systems.voices import polyphonic_voices, voices_and_classes


class PolyphonicRMVAESystem(BaseRMVAE):
    """The RMVAE of polyphonic voices: durations of :mod:`descant.scores.polyphony`, ``(batch, steps, voices, 128)``."""

    def tokens(self, packed: Tensor) -> Tensor:
        """The durations, voice by voice."""
        return packed.view(*packed.shape[:-1], self.voices, PITCHES)

    def silence(self, steps: int) -> Tensor:
        """Nothing begins."""
        return torch.zeros(steps, self.voices, PITCHES, dtype=torch.int64)

    def likeliest(self, said: Tensor) -> Tensor:
        """See :func:`~descant.layers.polyphony.likeliest`."""
        return likeliest(said)

    def costs(self, said: Tensor, target: Tensor) -> dict[str, Tensor]:
        """``nll_bound``: nats of the activations; ``duration``: the squared errors of durations with their weight."""
        errors = duration_errors(said, target)
        return {"nll_bound": activation_nats(said, target), "duration": self.settings.duration * errors}

    def begins(self, said: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """The activations."""
        return said[..., 0, :].sigmoid(), (target > 0).float()

    def figures(self, said: Tensor, target: Tensor) -> dict[str, Tensor]:
        """See :func:`~descant.layers.polyphony.note_figures`."""
        return note_figures(said, target)

    def noisy(self, tokens: Tensor, noise: torch.Generator) -> Tensor:
        """A few activations flipped; what begins so lasts a sixteenth (ours)."""
        flipped = torch.rand(tokens.shape, generator=noise) < self.settings.input_noise
        return torch.where(flipped.to(tokens.device, non_blocking=True), (tokens == 0).long(), tokens)


def build_rmvae(settings: RMVAE, inputs: Mapping[str, Input]) -> BaseRMVAE:
    """The RMVAE of a section, with fresh weights, for the sequence ``parts``, of the form that it has.

    Raises:
        SequenceError: when that is no music in voices.
    """
    parts = inputs[PARTS]
    if parts.classes == DURATIONS and parts.channels:
        return PolyphonicRMVAESystem(settings, polyphonic_voices(parts), DURATIONS)
    return RMVAESystem(settings, *voices_and_classes(parts))
