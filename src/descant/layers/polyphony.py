"""What networks of polyphonic parts read and say: activations and durations (Vignal 2020); see scores/polyphony.

An activation, which says whether a note begins, goes through a sigmoid and is learnt by binary cross-entropy; a
duration goes through a rectifier and is learnt by its squared error, in measures of 16 sixteenths as in the thesis's
code, which weighs both losses alike. That code has a duration of 0 where nothing begins and learns it there too, which
pulls all durations to the share of the time that a note begins; here they are learnt where one begins (ours). A
duration of what is said is rounded to the nearest sixteenth (ours; the code rounds up), 1 at the least.
"""

from math import log

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.scores.parts import MEASURE, PITCHES
from descant.scores.polyphony import MOST_DURATION

# ours: what an untrained head says. Few pitches begin, and a rectifier learns nothing below 0
FIRST_ACTIVATION, FIRST_DURATION = 1 / PITCHES, 1 / 4


def features(roll: Tensor) -> Tensor:
    """Activations, 0 or 1, and durations in measures, float32 ``(..., 2, 128)`` of int64 ``(..., 128)``."""
    return torch.stack([(roll > 0).float(), roll / MEASURE], -2)


class RollEmbedding(nn.Module):
    """A dense layer on a sixteenth of one voice.

    Args:
        width: of what it gives.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(2 * PITCHES, width)

    def forward(self, roll: Tensor) -> Tensor:
        """Vectors ``(..., width)`` of int64 ``(..., 128)``."""
        out: Tensor = self.dense(features(roll).flatten(-2))
        return out


def activation_and_duration(outputs: Tensor) -> Tensor:
    """Logits of the activations, and durations in measures, ``(..., 2, 128)`` of ``(..., 256)``."""
    logits, durations = outputs.view(*outputs.shape[:-1], 2, PITCHES).unbind(-2)
    first = log(FIRST_ACTIVATION / (1 - FIRST_ACTIVATION))
    return torch.stack([logits + first, F.relu(durations + FIRST_DURATION)], -2)


def activation_nats(said: Tensor, roll: Tensor) -> Tensor:
    """Nats of a voice's sixteenth, ``(...)``: the binary cross-entropies of all its activations.

    Args:
        said: ``(..., 2, 128)``, as :func:`activation_and_duration` gives it.
        roll: int64 ``(..., 128)``, the true durations.
    """
    begins = (roll > 0).to(said.dtype).expand_as(said[..., 0, :])
    return F.binary_cross_entropy_with_logits(said[..., 0, :], begins, reduction="none").sum(-1)


def duration_errors(said: Tensor, roll: Tensor) -> Tensor:
    """Squared errors ``(...)`` of the durations of the notes that begin in a voice's sixteenth, measures squared."""
    errors = (said[..., 1, :] - roll / MEASURE).square()
    return torch.where(roll > 0, errors, 0).sum(-1)


def likeliest(said: Tensor) -> Tensor:
    """A roll ``(..., 128)`` of what is said: a note begins where its activation is a half or more."""
    durations = (MEASURE * said[..., 1, :] + 0.5).floor().clamp(1, MOST_DURATION).long()
    return torch.where(said[..., 0, :] >= 0, durations, 0)


def note_figures(said: Tensor, roll: Tensor) -> dict[str, Tensor]:
    """How the likeliest notes agree with the true ones: F1 of what begins, and the mean error of durations.

    Args:
        said: ``(..., 2, 128)``.
        roll: int64 ``(..., 128)``.

    Returns:
        ``f1``, of steps, voices and pitches; ``duration_error``, sixteenths, of what truly begins.
    """
    begins, begun = said[..., 0, :] >= 0, roll > 0
    both = (begins & begun).sum()
    errors = (MEASURE * said[..., 1, :] - roll).abs()[begun]
    return {
        "f1": 2 * both / (begins.sum() + begun.sum()).clamp_min(1),
        "duration_error": errors.sum() / max(1, len(errors)),
    }
