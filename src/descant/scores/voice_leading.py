"""Rules of voice leading, counted: parallels, crossing, spacing, range.

Real Bach is the target, not zero: his chorales have a few of each. Parallels are counted between successive distinct
frames, a frame being what all voices sound at a sixteenth: two voices that move the same way and are a fifth, or an
octave or unison, apart before and after (octaves folded). Crossing and spacing are counted in every frame, between
neighbours: a voice below the next lower one; more than an octave between soprano and alto, or alto and tenor. A voice
that rests is not counted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from descant.scores.parts import SILENCE, Grid, Range, sounding

FIFTH, OCTAVE = 7, 12
# of soprano, alto, tenor and bass in JSB Chorales, over all its pieces in all splits
CHORALE_RANGES = (Range(60, 81), Range(52, 74), Range(46, 69), Range(36, 66))


@dataclass(frozen=True)
class VoiceLeading:
    """What was counted in one piece, or in several together.

    Attributes:
        pieces: how many.
        changes: steps from one distinct frame to the next.
        pairs: neighbouring voices times sixteenths, those that rest too.
        notes: sixteenths at which a voice sounds, of all voices.
        parallel_fifths: of any two voices.
        parallel_octaves: of any two voices, unisons too.
        crossings: neighbouring voices in the wrong order, by sixteenth.
        wide: upper neighbours further than an octave apart, by sixteenth.
        out_of_range: sixteenths at which a voice sounds outside its range.
    """

    pieces: int
    changes: int
    pairs: int
    notes: int
    parallel_fifths: int
    parallel_octaves: int
    crossings: int
    wide: int
    out_of_range: int


@dataclass(frozen=True)
class Rates:
    """Counts by piece and by hundred; None where there is nothing to divide by.

    Attributes:
        fifths_per_piece: parallel fifths.
        octaves_per_piece: parallel octaves and unisons.
        fifths_per_100: changes of the frame.
        octaves_per_100: changes of the frame.
        crossing_percent: of neighbours by sixteenth.
        spacing_percent: of the same neighbours, the lowest two too, although these may be wide.
        range_percent: of sounding sixteenths.
    """

    fifths_per_piece: float | None
    octaves_per_piece: float | None
    fifths_per_100: float | None
    octaves_per_100: float | None
    crossing_percent: float | None
    spacing_percent: float | None
    range_percent: float | None


def count_voice_leading(grid: Grid, voices: Sequence[Range]) -> VoiceLeading:
    """Count one piece.

    Args:
        grid: uint8 ``(steps, voices)``; see :mod:`descant.scores.parts`.
        voices: the range of each.
    """
    sounds = sounding(grid).astype(np.int64)
    is_sounding = sounds != SILENCE
    both = is_sounding[:, 1:] & is_sounding[:, :-1]
    apart = sounds[:, :-1] - sounds[:, 1:]
    low, high = (np.array([getattr(one, end) for one in voices]) for end in ("low", "high"))
    frames = _distinct(sounds)
    fifths, octaves = _parallels(frames)
    return VoiceLeading(
        pieces=1,
        changes=max(0, len(frames) - 1),
        pairs=both.size,
        notes=int(is_sounding.sum()),
        parallel_fifths=fifths,
        parallel_octaves=octaves,
        crossings=int((both & (apart < 0)).sum()),
        wide=int((both & (apart > OCTAVE))[:, :-1].sum()),
        out_of_range=int((is_sounding & ((sounds < low) | (sounds > high))).sum()),
    )


def _distinct(sounds: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Frames ``(frames, voices)`` without those that repeat the one before."""
    differs = np.ones(len(sounds), bool)
    differs[1:] = (sounds[1:] != sounds[:-1]).any(1)
    return sounds[differs]


def _parallels(frames: npt.NDArray[np.int64]) -> tuple[int, int]:
    fifths = octaves = 0
    moves = np.sign(np.diff(frames, axis=0))
    heard = (frames[1:] != SILENCE) & (frames[:-1] != SILENCE)
    for upper, lower in combinations(range(frames.shape[1]), 2):
        apart = (frames[:, upper] - frames[:, lower]) % OCTAVE
        together = (moves[:, upper] == moves[:, lower]) & (moves[:, upper] != 0) & heard[:, upper] & heard[:, lower]
        kept = together & (apart[1:] == apart[:-1])
        fifths += int((kept & (apart[1:] == FIFTH)).sum())
        octaves += int((kept & (apart[1:] == 0)).sum())
    return fifths, octaves


def together(counted: Iterable[VoiceLeading]) -> VoiceLeading:
    """The sums over pieces."""
    columns = [vars(one) for one in counted]
    return VoiceLeading(**{name: sum(each[name] for each in columns) for name in VoiceLeading.__annotations__})


def rates(counted: VoiceLeading) -> Rates:
    """Counts as rates, which pieces of any number and length can be compared by."""
    fifths, octaves = counted.parallel_fifths, counted.parallel_octaves
    return Rates(
        fifths_per_piece=_share(fifths, counted.pieces),
        octaves_per_piece=_share(octaves, counted.pieces),
        fifths_per_100=_share(100 * fifths, counted.changes),
        octaves_per_100=_share(100 * octaves, counted.changes),
        crossing_percent=_share(100 * counted.crossings, counted.pairs),
        spacing_percent=_share(100 * counted.wide, counted.pairs),
        range_percent=_share(100 * counted.out_of_range, counted.notes),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
