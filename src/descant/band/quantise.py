"""From what a person plays to the tokens of a voice: every note begins and ends at its nearest sixteenth."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from descant.scores.parts import HELD, MEASURE, REST, STEPS_A_QUARTER, Grid


@dataclass(frozen=True, slots=True)
class Played:
    """A note as it was played.

    Attributes:
        pitch: MIDI number.
        on: sixteenths from the first bar line, with their fraction; negative in the count-in.
        off: the same; None while it is held.
    """

    pitch: int
    on: float
    off: float | None = None


def step_seconds(tempo: float) -> float:
    """Seconds of a sixteenth, at a tempo in quarters a minute."""
    return 60 / tempo / STEPS_A_QUARTER


def nearest(step: float) -> int:
    """The sixteenth that is nearest; half a sixteenth before a bar line counts to the next measure."""
    return math.floor(step + 0.5)


def quantise(notes: Sequence[Played], first: int, count: int = MEASURE) -> Grid:
    """Tokens of a voice over some steps: one note at a time, and the last one wins.

    A note lasts a sixteenth at least, or until the next one begins. One that began in the count-in begins the piece.

    Args:
        notes: in the order in which they began; all that sound within the steps, and the last one before them.
        first: number of the first step, from the first bar line.
        count: steps.

    Returns:
        uint8 ``(count,)``; see :mod:`descant.scores.parts`.
    """
    tokens = np.full(count, HELD, np.uint8)
    if first == 0:
        tokens[0] = REST
    for note, after in pairwise([*notes, None]):
        assert note is not None
        onset = nearest(note.on)
        end = first + count if note.off is None else max(onset + 1, nearest(note.off))
        if after is not None:
            end = min(end, nearest(after.on))
        onset = max(0, onset)
        if onset >= end:
            continue
        if first <= onset < first + count:
            tokens[onset - first] = note.pitch
        if first <= end < first + count:
            tokens[end - first] = REST
    return tokens
