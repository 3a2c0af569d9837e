"""Music that is drawn without rests: where none may be, every voice sounds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from descant.sampling.parts import LogitMask
from descant.sampling.voice_leading import heard, steps_held
from descant.scores.parts import HELD, MEASURE, PITCHES, REST, SILENCE, Grid, sounding

# nats; ours: more than all rules that a token can break
RESTING = 1e6


@dataclass(frozen=True)
class NoRests:
    """A :class:`~descant.sampling.parts.LogitMask` against rests: where none may be, every voice sounds (ours).

    A network that knows how pieces end may end one early, and where every pitch breaks a rule a rest is a way out.

    Attributes:
        allowed: steps at which a voice may rest, bool ``(steps,)``.
        rules: that are added to it; each breach costs less than a rest.
    """

    allowed: npt.NDArray[np.bool_]
    rules: LogitMask

    def __call__(self, tokens: Tensor, known: Tensor, step: int, voice: int) -> Tensor:
        """As the protocol says; float32 ``(batch, classes)``."""
        added, refused = self.rules(tokens, known, step, voice), self._refused(tokens, known, step, voice)
        added[refused, REST] -= RESTING
        added[refused & _rests_before(tokens, known, step)[:, voice], HELD] -= RESTING
        return added

    def breaks(self, tokens: Tensor, known: Tensor, step: int, voices: Sequence[int]) -> Tensor:
        """As the protocol says."""
        own = list(voices)
        drawn = tokens[:, step, own]
        rests = (drawn == REST) | (drawn == HELD) & _rests_before(tokens, known, step)[:, own]
        broken = self.rules.breaks(tokens, known, step, voices)
        if not bool(rests.any()):
            return broken
        return broken | rests & torch.stack([self._refused(tokens, known, step, voice) for voice in own], 1)

    def _refused(self, tokens: Tensor, known: Tensor, step: int, voice: int) -> Tensor:
        """Whether a rest would last into steps that have none, bool ``(batch,)``."""
        if not self.allowed[step]:
            return torch.ones(len(tokens), dtype=torch.bool, device=tokens.device)
        # what is held ahead goes on with a rest that begins here
        lasts = step + 1 + steps_held(tokens.cpu().numpy(), known.cpu().numpy(), step, voice)
        refused_before = np.append(0, (~self.allowed).cumsum())
        return torch.from_numpy(refused_before[lasts] > refused_before[step]).to(tokens.device)


def _rests_before(tokens: Tensor, known: Tensor, step: int) -> Tensor:
    """Whether each voice rests before a step, or has not begun, bool ``(batch, voices)``."""
    before = heard(tokens.cpu().numpy(), known.cpu().numpy(), step, step)[:, 0]
    return torch.from_numpy(before >= PITCHES).to(tokens.device)


def may_rest(grid: Grid, is_given: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Where what is written may rest: where a voice that is given does; else in the first and the last measure.

    Args:
        grid: uint8 ``(steps, voices)``.
        is_given: bool, of the same shape.

    Returns:
        Bool ``(steps,)``.
    """
    allowed: npt.NDArray[np.bool_] = ((sounding(grid) == SILENCE) & is_given).any(1)
    # a piece of one measure rests nowhere, one of two in the first
    if len(grid) > MEASURE:
        allowed[:MEASURE] |= ~is_given[:MEASURE].any(1)
    if len(grid) > 2 * MEASURE:
        allowed[-MEASURE:] |= ~is_given[-MEASURE:].any(1)
    return allowed
