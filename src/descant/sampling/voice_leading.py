"""Rules of voice leading for music that is drawn: tokens that break fewer than others are drawn before these."""

from collections.abc import Sequence
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

    def breaks(self, tokens: Tensor, known: Tensor, step: int, voices: Sequence[int]) -> Tensor:
        """Which voices of a step break a rule, bool ``(batch, voices asked about)``; see the protocol.

        Raises:
            SamplingError: as :meth:`__call__`.
        """
        # a row for each voice, which knows those that were drawn before it
        said, fixed = (np.repeat(each.cpu().numpy(), len(voices), 0) for each in (tokens, known))
        by_voice = fixed.reshape(-1, len(voices), *fixed.shape[1:])
        for place, voice in enumerate(voices):
            by_voice[:, place + 1 :, step, voice] = True
        rows, own = np.arange(len(said)), np.tile(voices, len(tokens))
        around, pitches = self._around(said, fixed, step, own), said[rows, step, own]
        pitches = np.where(pitches == HELD, around.before[rows, own], pitches)
        broken = (pitches < PITCHES) & (self._broken(around, own, pitches[:, None])[:, 0] > 0)
        return torch.from_numpy(broken.reshape(-1, len(voices))).to(tokens.device)

    def breaches(self, tokens: Tensor, known: Tensor, step: int, voice: int) -> Integers:
        """How many rules each token breaks, ``(batch, classes)``; see :meth:`__call__`."""
        own = np.full(len(tokens), voice)
        around = self._around(tokens.cpu().numpy(), known.cpu().numpy(), step, own)
        counts = np.zeros((len(tokens), CLASSES), np.int64)
        counts[:, :PITCHES] = self._broken(around, own, np.arange(PITCHES)[None])
        # held on, what sounded is as if it were struck again
        counts[:, HELD] = counts[np.arange(len(counts)), np.minimum(around.before[:, voice], REST)]
        return counts

    def _around(self, said: Integers, known: npt.NDArray[np.bool_], step: int, voice: Integers) -> "_Around":
        """What sounds around a token of each row, ``voice`` ``(rows,)``."""
        if said.shape[2] != len(self.ranges):
            raise SamplingError(
                f"the music has {said.shape[2]} voices, the rules {len(self.ranges)}", "give a range for each"
            )
        holds, rows = steps_held(said, known, step, voice), np.arange(len(said))
        # sounds of the step before, of this one, of all that any row's fixed tokens hold, and of one more
        sounds = heard(said, known, step, step + 2 + int(holds.max()))
        return _Around(sounds[:, 0], sounds[:, 1:-1], sounds[rows, holds + 1], sounds[rows, holds + 2], holds)

    def _broken(self, around: "_Around", voice: Integers, pitches: Integers) -> Integers:
        """How many rules a voice's pitches ``(rows or 1, pitches)`` break, ``(rows, pitches)``; voices ``(rows,)``."""
        now, own = around.now, np.array([(each.low, each.high) for each in self.ranges])[voice]
        broken: Integers = (1 + around.holds)[:, None] * ((own[:, :1] > pitches) | (own[:, 1:] < pitches))
        broken += _parallels(around.before, now[:, 0], voice, pitches)
        broken += _parallels(around.after, around.last, voice, pitches)
        # by step of what is held and by other voice
        others = np.arange(len(self.ranges))
        away = voice[:, None] - others
        counted = (now < PITCHES) & (np.arange(now.shape[1]) <= around.holds[:, None])[..., None] & (away != 0)[:, None]
        apart = np.sign(away)[:, None, :, None] * (now[..., None] - pitches[:, None, None])
        # the lowest voice may be any distance away, and any voice beyond one that is known
        upper, lower = np.minimum(voice[:, None], others), np.maximum(voice[:, None], others)
        seen = (now != UNKNOWN).cumsum(-1)
        between = _of_voices(seen, np.maximum(lower - 1, upper)) - _of_voices(seen, upper)
        limited = (between == 0) & (lower < others[-1])[:, None]
        wide = limited[..., None] & (apart > OCTAVE * np.abs(away)[:, None, :, None])
        broken += (counted[..., None] & ((apart < 0) | wide)).sum((1, 2))
        return broken


@dataclass(frozen=True)
class _Around:
    """What sounds around a token of each row: pitches, REST or UNKNOWN.

    Attributes:
        before: in the step before, ``(rows, voices)``.
        now: in its own and in all that any row's fixed tokens hold on, ``(rows, steps, voices)``.
        last: in the last step that it is held in, ``(rows, voices)``.
        after: in the one after that.
        holds: how many steps more it is held, ``(rows,)``.
    """

    before: Integers
    now: Integers
    last: Integers
    after: Integers
    holds: Integers


def steps_held(tokens: Integers, known: npt.NDArray[np.bool_], step: int, voice: int | Integers) -> Integers:
    """How many steps what a voice begins at a step is held on by known tokens after it, ``(batch,)``; a voice each."""
    place = np.arange(len(tokens)), slice(step + 1, None), voice
    held: Integers = (known[place] & (tokens[place] == HELD)).cumprod(1).sum(1)
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


def _of_voices(counts: Integers, voices: Integers) -> Integers:
    """Those ``(rows, steps, n)`` of a number of voices ``(rows, n)``, of ``(rows, steps, voices)``."""
    return np.take_along_axis(counts, np.broadcast_to(voices[:, None], (*counts.shape[:2], voices.shape[1])), -1)


def _parallels(own_step: Integers, other_step: Integers, voice: Integers, pitches: Integers) -> Integers:
    """How many parallels pitches of a voice make with others between two steps, whichever comes first.

    Args:
        own_step: sounds of the step in which the voice is fixed, ``(rows, voices)``.
        other_step: sounds of the other step.
        voice: whose, of each row.
        pitches: in the other step, ``(rows or 1, pitches)``.

    Returns:
        ``(rows, pitches)``.
    """
    own, moves = own_step[np.arange(len(voice)), voice, None], other_step - own_step
    away = voice[:, None] - np.arange(own_step.shape[1])
    apart = (own_step - own) * np.sign(away)
    may = (own < PITCHES) & (own_step < PITCHES) & (other_step < PITCHES) & (moves != 0) & IS_PARALLEL[apart % OCTAVE]
    may &= away != 0
    # mostly nothing moves
    if not may.any():
        return np.zeros((len(own), pitches.shape[1]), np.int64)
    move, others = (pitches - own)[:, None], moves[..., None]
    found: Integers = (may[..., None] & (move * others > 0) & ((move - others) % OCTAVE == 0)).sum(1)
    return found
