"""Two codings of a piece in parts as tokens, and what baselines know before each token.

``events`` is the packed sequence's own coding (130 classes: a pitch struck, held, a rest begins), every step of it.
``merged`` is that of JSB Chorales: what sounds at each sixteenth, held or struck again, 128 pitches and silence; steps
before the first note and after the last are left out. Figures of one coding say nothing about the other's.

Tokens come step by step, within a step from the top voice down.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from descant.evaluation.ngram import Contexts, pack
from descant.scores.parts import CLASSES, HELD, MEASURE, SILENCE, STEPS_A_QUARTER, Grid, sounding

Coding = Literal["events", "merged"]
MERGED_CLASSES = 129
# what sounded before the first step; and the voice above the top one
START, NONE = 129, 130
# a step's place in the measure, and how many voices moved, in one byte
PLACES = 16


@dataclass(frozen=True)
class Piece:
    """A piece as tokens.

    Attributes:
        name: track id.
        tokens: uint8 ``(steps, voices)``.
        sounds: what sounds ``(steps, voices)``: pitch, or SILENCE.
        changed: where something begins: a note or a rest ``(steps, voices)``.
        coding: which tokens these are.
        first: place of the first step in its measure.
    """

    name: str
    tokens: Grid
    sounds: Grid
    changed: npt.NDArray[np.bool_]
    coding: Coding
    first: int

    @property
    def classes(self) -> int:
        """How many values a token can take."""
        return CLASSES if self.coding == "events" else MERGED_CLASSES

    @property
    def before(self) -> Grid:
        """What sounded before each step ``(steps, voices)``; START before the first."""
        return np.concatenate([np.full_like(self.sounds[:1], START), self.sounds[:-1]])

    @property
    def places(self) -> npt.NDArray[np.int64]:
        """Of each step in its measure, ``(steps,)``."""
        return (self.first + np.arange(len(self.tokens))) % MEASURE

    @property
    def moved(self) -> Grid:
        """Where a voice is seen to move; in the merged coding what sounds says it, and nothing is marked."""
        return self.changed.astype(np.uint8) * (self.coding == "events")


def code(name: str, grid: Grid, coding: Coding) -> Piece:
    """A grid as tokens.

    Args:
        name: track id.
        grid: uint8 ``(steps, voices)``; see :mod:`descant.scores.parts`.
        coding: which.
    """
    sounds = sounding(grid)
    if coding == "events":
        return Piece(name, grid, sounds, grid != HELD, coding, 0)
    heard = np.flatnonzero((sounds != SILENCE).any(1))
    first, stop = (int(heard[0]), int(heard[-1]) + 1) if len(heard) else (0, 0)
    sounds = sounds[first:stop]
    changed = np.ones(sounds.shape, bool)
    changed[1:] = sounds[1:] != sounds[:-1]
    return Piece(name, sounds, sounds, changed, coding, first % MEASURE)


def contexts(piece: Piece) -> Contexts:
    """What comes before each token of a piece, from the vaguest to the most exact.

    The voice; what it sounded last; the place in the beat; the note above; the note above before; or all that sounds
    above, and all that sounded before. In the coding of events, how many voices above have moved at this step, too.

    Returns:
        uint64 ``(6, steps · voices)``, in the order of the tokens.
    """
    steps, voices = piece.tokens.shape
    own, sounds = piece.before, piece.sounds
    above = np.concatenate([np.full((steps, 1), NONE), sounds[:, :-1]], axis=1)
    above_before = np.concatenate([np.full((steps, 1), NONE), own[:, :-1]], axis=1)
    moved = piece.moved
    moved_above = np.cumsum(moved, axis=1) - moved
    place = np.broadcast_to(piece.places[:, None] % STEPS_A_QUARTER, (steps, voices)) + PLACES * moved_above
    voice = np.broadcast_to(np.arange(voices), (steps, voices))
    # of the voices above the one that is predicted, what sounds now
    now = [np.where(voice > upper, sounds[:, [upper]], NONE) for upper in range(voices - 1)]
    past = [np.broadcast_to(own[:, [other]], (steps, voices)) for other in range(voices)]
    levels = [
        pack(voice),
        pack(voice, own),
        pack(voice, own, place),
        pack(voice, own, place, above),
        pack(voice, own, place, above, above_before),
        pack(voice + voices * place, *now, *past),
    ]
    return np.stack([level.reshape(-1) for level in levels])


def fill_contexts(piece: Piece, voice: int, step: int | slice, own: Grid | int) -> Contexts:
    """What is known of a missing voice when the others are given, from the vaguest to the most exact.

    Its own last sound; the others; the place in the measure with how many others move; both; all of it.

    Args:
        piece: the piece.
        voice: which one is missing.
        step: which steps.
        own: what it sounded last at each of them.

    Returns:
        uint64 ``(5, steps)``.
    """
    others = [place for place in range(piece.tokens.shape[1]) if place != voice]
    given = [np.atleast_1d(piece.sounds[step, other]) for other in others]
    moves = np.atleast_1d(piece.changed[step][..., others].sum(-1))
    place = np.atleast_1d(piece.places[step])
    last, own = place + PLACES * moves, np.atleast_1d(own)
    levels = [
        pack(voice, own),
        pack(voice, *given),
        pack(voice, own, last),
        pack(voice, own, *given),
        pack(voice, own, last, *given),
    ]
    return np.stack(np.broadcast_arrays(*levels))
