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

    def breaks(self, tokens: Tensor, known: Tensor, step: int, voice: int, drawn: Tensor) -> Tensor:
        """Whether one token a sequence breaks a rule, bool ``(batch,)``; see the protocol.

        Raises:
            SamplingError: as :meth:`__call__`.
        """
        around, pitches = self._around(tokens, known, step, voice), drawn.cpu().numpy()
        pitches = np.where(pitches == HELD, around.before[:, voice], pitches)
        broken = (pitches < PITCHES) & (self._broken(around, voice, pitches[:, None])[:, 0] > 0)
        return torch.from_numpy(broken).to(tokens.device)

    def breaches(self, tokens: Tensor, known: Tensor, step: int, voice: int) -> Integers:
        """How many rules each token breaks, ``(batch, classes)``; see :meth:`__call__`."""
        around = self._around(tokens, known, step, voice)
        counts = np.zeros((len(tokens), CLASSES), np.int64)
        counts[:, :PITCHES] = self._broken(around, voice, np.arange(PITCHES)[None])
        # held on, what sounded is as if it were struck again
        counts[:, HELD] = counts[np.arange(len(counts)), np.minimum(around.before[:, voice], REST)]
        return counts

    def _around(self, tokens: Tensor, known: Tensor, step: int, voice: int) -> "_Around":
        voices = tokens.shape[2]
        if voices != len(self.ranges):
            raise SamplingError(f"the music has {voices} voices, the rules {len(self.ranges)}", "give a range for each")
        said, fixed = tokens.cpu().numpy(), known.cpu().numpy()
        holds = steps_held(said, fixed, step, voice)
        # sounds of the step before, of this one, of all that any sequence's fixed tokens hold, and of one more
        sounds, sequences = heard(said, fixed, step, step + 2 + int(holds.max())), np.arange(len(said))
        ends = sounds[sequences, holds + 1], sounds[sequences, holds + 2]
        return _Around(sounds[:, 0], sounds[:, 1:-1], *ends, holds)

    def _broken(self, around: "_Around", voice: int, pitches: Integers) -> Integers:
        """How many rules pitches break, ``(batch, pitches)``; pitches ``(batch or 1, pitches)``."""
        now, own = around.now, self.ranges[voice]
        broken: Integers = (1 + around.holds)[:, None] * ((own.low > pitches) | (own.high < pitches))
        broken += _parallels(around.before, now[:, 0], voice, pitches)
        broken += _parallels(around.after, around.last, voice, pitches)
        # by step of what is held and by other voice
        counted = (now < PITCHES) & (np.arange(now.shape[1]) <= around.holds[:, None])[..., None]
        counted[..., voice] = False
        away = voice - np.arange(len(self.ranges))
        apart = np.sign(away)[:, None] * (now[..., None] - pitches[:, None, None])
        # the lowest voice may be any distance away, and any voice beyond one that is known
        wide = apart > OCTAVE * np.abs(away)[:, None]
        for other in range(len(away)):
            if max(other, voice) == len(away) - 1:
                wide[..., other, :] = False
            elif abs(other - voice) > 1:
                between = now[..., min(other, voice) + 1 : max(other, voice)]
                wide[..., other, :] &= (between == UNKNOWN).all(-1, keepdims=True)
        broken += (counted[..., None] & ((apart < 0) | wide)).sum((1, 2))
        return broken


@dataclass(frozen=True)
class _Around:
    """What sounds around a token: pitches, REST or UNKNOWN.

    Attributes:
        before: in the step before, ``(batch, voices)``.
        now: in its own and in all that any sequence's fixed tokens hold on, ``(batch, steps, voices)``.
        last: in the last step that it is held in, ``(batch, voices)``.
        after: in the one after that.
        holds: how many steps more it is held, ``(batch,)``.
    """

    before: Integers
    now: Integers
    last: Integers
    after: Integers
    holds: Integers


def steps_held(tokens: Integers, known: npt.NDArray[np.bool_], step: int, voice: int) -> Integers:
    """How many steps what a voice begins at a step is held on by known tokens after it, ``(batch,)``."""
    ahead = slice(step + 1, None)
    held: Integers = (known[:, ahead, voice] & (tokens[:, ahead, voice] == HELD)).cumprod(1).sum(1)
    return held


def heard(tokens: Integers, known: npt.NDArray[np.bool_], step: int, end: int) -> Integers:
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
    sounds: Integers = said[np.arange(batch)[:, None, None], last[:, step - since :], np.arange(voices)]
    return sounds


def _parallels(own_step: Integers, other_step: Integers, voice: int, pitches: Integers) -> Integers:
    """How many parallels pitches of a voice make with others between two steps, whichever comes first.

    Args:
        own_step: sounds of the step in which the voice is fixed, ``(batch, voices)``.
        other_step: sounds of the other step.
        voice: whose.
        pitches: in the other step, ``(batch or 1, pitches)``.

    Returns:
        ``(batch, pitches)``.
    """
    own, moves = own_step[:, voice, None], other_step - own_step
    apart = (own_step - own) * np.sign(voice - np.arange(own_step.shape[1]))
    may = (own < PITCHES) & (own_step < PITCHES) & (other_step < PITCHES) & (moves != 0) & IS_PARALLEL[apart % OCTAVE]
    may[:, voice] = False
    # mostly nothing moves
    if not may.any():
        return np.zeros((len(own), pitches.shape[1]), np.int64)
    move, others = (pitches - own)[:, None], moves[..., None]
    found: Integers = (may[..., None] & (move * others > 0) & ((move - others) % OCTAVE == 0)).sum(1)
    return found
