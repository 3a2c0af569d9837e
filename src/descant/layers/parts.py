"""What networks of music in voices share: tokens, what sounds, and the head of a softmax and a sigmoid.

A token is a pitch that begins; ``classes - 2``, what sounded before is held on; or ``classes - 1``, a rest begins.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def held_class(classes: int) -> int:
    """The token of what is held on."""
    return classes - 2


def sounding(tokens: Tensor, classes: int) -> Tensor:
    """What sounds in each step: the last token that is not held.

    Args:
        tokens: int64 ``(..., time, voices)``.
        classes: of the tokens.

    Returns:
        int64 of the same shape; ``classes`` where nothing has begun yet.
    """
    steps = torch.arange(tokens.shape[-2], device=tokens.device)[:, None]
    last = torch.where(tokens == held_class(classes), -1, steps).cummax(-2).values
    return torch.where(last < 0, classes, tokens.gather(-2, last.clamp_min(0)))


def softmax_and_continue(outputs: Tensor) -> Tensor:
    """Log-probabilities of a head with a softmax over what begins and a sigmoid for what is held on (Vignal 2020).

    The two losses of the thesis, binary cross-entropy of the sigmoid and, where a note begins, cross-entropy of the
    softmax, are together the negative log-likelihood of this distribution. A rest is one more class of the softmax
    (ours: the thesis has none, a note lasts until the next).

    Args:
        outputs: ``(..., classes)``, what is held on the last but one.

    Returns:
        Normalised log-probabilities of the same shape.
    """
    held = held_class(outputs.shape[-1])
    notes = torch.cat([outputs[..., :held], outputs[..., held + 1 :]], -1)
    begins = F.logsigmoid(-outputs[..., held, None]) + F.log_softmax(notes, -1)
    holds = F.logsigmoid(outputs[..., held, None])
    return torch.cat([begins[..., :held], holds, begins[..., held:]], -1)


def likeliest(log_probabilities: Tensor) -> Tensor:
    """Tokens ``(...)`` of ``(..., classes)``: held on where that has a half, else the likeliest of the others."""
    held = held_class(log_probabilities.shape[-1])
    others = log_probabilities.clone()
    others[..., held] = -torch.inf
    return torch.where(log_probabilities[..., held].exp() >= 0.5, held, others.argmax(-1))


def note_figures(tokens: Tensor, said: Tensor, classes: int) -> dict[str, Tensor]:
    """How often tokens are said rightly: where something begins, everywhere, and what to hold always would score.

    Args:
        tokens: int64, the true ones; of changed ones, which are not held on, to hold always has none right.
        said: of the same shape.
        classes: of the tokens.
    """
    held, right = tokens == held_class(classes), (tokens == said).float()
    changed = (right * ~held).sum() / (~held).sum().clamp_min(1)
    return {"accuracy_changed": changed, "accuracy": right.mean(), "accuracy_holding": held.float().mean()}
