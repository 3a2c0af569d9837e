"""The RMVAE's losses that know of music, as the thesis defines them (Vignal 2020): scale, rhythm, harmony.

All read probabilities that a pitch begins, and are shares a token, so that their weights stand beside nats a token (the
mean over tokens is ours). Pitch classes are pitches modulo 12: octaves are folded.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from descant.layers.parts import held_class

OCTAVE = 12


def pitch_classes(pitches: Tensor) -> Tensor:
    """Sums ``(..., 12)`` over octaves of ``(..., pitches)``."""
    padded = F.pad(pitches, (0, -pitches.shape[-1] % OCTAVE))
    return padded.view(*pitches.shape[:-1], -1, OCTAVE).sum(-2)


def begun(tokens: Tensor, classes: int) -> Tensor:
    """Pitches that begin, one-hot float32 ``(..., classes - 2)`` of int64 ``(...)``: zeros where none does."""
    return F.one_hot(tokens, classes)[..., : held_class(classes)].float()


def scale_loss(said: Tensor, true: Tensor) -> Tensor:
    """Pitches said of a measure: a reward of 1 for a pitch class that it truly has, a cost of 1 for any other.

    Args:
        said: probabilities that a pitch begins, ``(..., time, voices, pitches)`` of each measure.
        true: pitches that begin, of the same shape.

    Returns:
        Scalar, mean over all tokens.
    """
    weights = 1 - 2 * pitch_classes(true.sum((-3, -2))).clamp(0, 1)
    histogram = pitch_classes(said.sum((-3, -2)))
    return (weights * histogram).sum(-1).mean() / (said.shape[-3] * said.shape[-2])


def rhythm_loss(said: Tensor, true: Tensor) -> Tensor:
    """The same of places in the measure: a reward where any voice truly begins a note, a cost elsewhere."""
    weights = 1 - 2 * true.sum((-2, -1)).clamp(0, 1)
    histogram = said.sum((-2, -1))
    return (weights * histogram).sum(-1).mean() / (said.shape[-3] * said.shape[-2])


def interval_loss(said: Tensor, interval: int) -> Tensor:
    """Pitch classes so many semitones apart that begin together, at each step and not over the measure.

    Args:
        said: as for :func:`scale_loss`.
        interval: semitones.

    Returns:
        Scalar, mean over all steps.
    """
    heard = pitch_classes(said.sum(-2))
    return (heard * torch.roll(heard, interval, -1)).sum(-1).mean()
