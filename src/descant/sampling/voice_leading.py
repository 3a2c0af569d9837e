"""Rules of voice leading for music that is drawn: tokens that break fewer than others are drawn before these."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from descant.errors import SamplingError
from descant.scores.parts import CLASSES, HELD, MEASURE, PITCHES, REST, Range
from descant.scores.voice_leading import FIFTH, OCTAVE

Integers = npt.NDArray[np.int64]
# nats for each breach; ours: no network's logits make up for it
PENALTY = 1e4
# of what sounds, where that is neither fixed nor drawn yet
UNKNOWN = CLASSES
# whether an interval of so many semitones may not be kept
IS_PARALLEL = np.isin(np.arange(OCTAVE), (0, FIFTH))
CANDIDATES = np.arange(PITCHES)


@dataclass(frozen=True)
class VoiceLeadingRules:
    """A :class:`descant.sampling.parts.LogitMask` that takes :data:`PENALTY` nats for each breach of a rule.

    What :func:`descant.scores.voice_leading.count_voice_leading` counts, against all voices that are known: parallels
    to the step from the one before; crossing of any voice, not of neighbours alone, so that those between have room;
    spacing of upper neighbours, and of upper voices between which none is known yet, an octave for each voice (ours);
    and the range. A pitch that fixed tokens hold on is counted in all these steps, and the parallels from the last of
    them to a fixed token that begins there.

    A rest breaks nothing, nor does it break anything to hold on where nothing has begun: some token is always free.
    The penalty is finite, so that beside a mask that forbids rests the fewest breaches are drawn.

    Attributes:
        ranges: of each voice, from the top down.
    """

    ranges: tuple[Range, ...]

    def __call__(self, tokens: Tensor, known: Tensor, step: int, voice: int) -> Tensor:
        """Minus :data:`PENALTY` for each breach, float32 ``(batch, classes)``.

        Args:
            tokens: int64 ``(batch, steps, voices)``; all known before the step.
            known: bool, of the same shape.
            step: of the token.
            voice: of the token.

        Raises:
            SamplingError: when there are not as many voices as ranges.
        """
        return -PENALTY * torch.from_numpy(self.breaches(tokens, known, step, voice)).to(tokens.device, torch.float32)

    def breaches(self, tokens: Tensor, known: Tensor, step: int, voice: int) -> Integers:
        """How many rules each token breaks, ``(batch, classes)``; see :meth:`__call__`."""
        voices = tokens.shape[2]
        if voices != len(self.ranges):
            raise SamplingError(f"the music has {voices} voices, the rules {len(self.ranges)}", "give a range for each")
        said, fixed = tokens.cpu().numpy(), known.cpu().numpy()
        held_ahead = fixed[:, step + 1 :, voice] & (said[:, step + 1 :, voice] == HELD)
        holds = held_ahead.cumprod(1).sum(1)
        # sounds of the step before, of this one, of all that any sequence's fixed tokens hold, and of one more
        heard = _heard(said, fixed, step, step + 2 + int(holds.max()))
        before, now, sequences = heard[:, 0], heard[:, 1:-1], np.arange(len(heard))
        lasts = (np.arange(now.shape[1]) <= holds[:, None])[..., None]
        counts = np.zeros((len(heard), CLASSES), np.int64)
        broken = counts[:, :PITCHES]
        own = self.ranges[voice]
        broken += (1 + holds)[:, None] * ((own.low > CANDIDATES) | (own.high < CANDIDATES))
        _add_parallels(broken, before, now[:, 0], voice)
        _add_parallels(broken, heard[sequences, holds + 2], heard[sequences, holds + 1], voice)
        for other in range(voices):
            sounds = now[..., other, None]
            if other == voice or not (counted := lasts & (sounds < PITCHES)).any():
                continue
            upper, lower = min(other, voice), max(other, voice)
            apart = sounds - CANDIDATES if other < voice else CANDIDATES - sounds
            breaks = apart < 0
            if lower < voices - 1:
                open_between = (now[..., upper + 1 : lower] == UNKNOWN).all(-1, keepdims=True)
                breaks |= (apart > OCTAVE * (lower - upper)) & open_between
            broken += (breaks & counted).sum(1)
        # held on, what sounded is as if it were struck again
        counts[:, HELD] = counts[sequences, np.minimum(before[:, voice], REST)]
        return counts


def _heard(tokens: Integers, known: npt.NDArray[np.bool_], step: int, end: int) -> Integers:
    """What sounds from the step before to the one before ``end``: pitches, REST or UNKNOWN; REST outside the music.

    Only as far back is read as the last token that is not held, of each voice.
    """
    back = MEASURE
    while back < step and (tokens[:, step - back : step] == HELD).all(1).any():
        back *= 2
    since = max(0, step - back)
    batch, steps, voices = tokens.shape
    said = np.full((batch, end - since + 1, voices), REST)
    said[:, 1 : steps - since + 1] = np.where(known[:, since:end], tokens[:, since:end], UNKNOWN)
    last = np.maximum.accumulate(np.where(said == HELD, 0, np.arange(said.shape[1])[:, None]), axis=1)
    heard: Integers = np.take_along_axis(said, last, axis=1)[:, step - since :]
    return heard


def _add_parallels(broken: Integers, fixed: Integers, beside: Integers, voice: int) -> None:
    """Count the parallels that each pitch of a voice makes with others between two steps, whichever comes first.

    Args:
        broken: what to add them to, ``(batch, pitches)``.
        fixed: sounds of the step in which the voice is fixed, ``(batch, voices)``.
        beside: of the other step.
        voice: whose.
    """
    own, moves = fixed[:, voice, None], beside - fixed
    # mostly nothing follows yet
    if (own >= PITCHES).all():
        return
    apart = (fixed - own) * np.sign(voice - np.arange(fixed.shape[1]))
    may = IS_PARALLEL[apart % OCTAVE] & (own < PITCHES) & (fixed < PITCHES) & (beside < PITCHES) & (moves != 0)
    may[:, voice] = False
    sequences, others = may.nonzero()
    move, other = CANDIDATES - own[sequences], moves[sequences, others, None]
    np.add.at(broken, sequences, (move * other > 0) & ((move - other) % OCTAVE == 0))
