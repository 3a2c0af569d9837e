"""Music in parts as a grid of sixteenths: what every voice strikes, holds and rests, and back to notes.

A grid is uint8 ``(steps, voices)``, four steps a quarter note, voices from the top down. A value below 128 is a MIDI
pitch that is struck at this step; :data:`HELD` goes on with what was there before, a note or a rest; :data:`REST`
begins a rest. Unlike the merged coding of JSB Chorales, in which what is held is written again, a long
note differs from one that is struck twice (note_continue of RMVAE: Vignal 2020).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import get_args

import numpy as np
import numpy.typing as npt

from descant.config.parts import STEPS_A_MEASURE, Voice
from descant.errors import ScoreError

Grid = npt.NDArray[np.uint8]
VOICES: tuple[Voice, ...] = get_args(Voice)
PITCHES = 128
HELD, REST = 128, 129
CLASSES = 130
# of what sounds, where nothing is written of who strikes it: 0 to 127, and this
SILENCE = 128
MEASURE = STEPS_A_MEASURE
STEPS_A_QUARTER = MEASURE // 4
METER = "4/4"


@dataclass(frozen=True, slots=True)
class PartNote:
    """A note of one voice.

    Attributes:
        onset: first step that it sounds at.
        end: first step after it.
        pitch: MIDI number.
    """

    onset: int
    end: int
    pitch: int


def encode(voices: Sequence[Sequence[PartNote]], steps: int) -> Grid:
    """Write notes as a grid; where a voice has none, it rests.

    Args:
        voices: the notes of each voice, in order.
        steps: of the grid.

    Returns:
        uint8 ``(steps, voices)``.

    Raises:
        ScoreError: when notes of a voice overlap or are out of order, one does not last or ends after the grid, or its
            pitch is none of MIDI's.
    """
    grid = np.full((steps, len(voices)), HELD, np.uint8)
    for column, notes in zip(grid.T, voices, strict=True):
        free = 0
        for note in notes:
            if not free <= note.onset < note.end <= steps:
                raise ScoreError(f"{note} overlaps another of its part, or lies outside", "write one note at a time")
            if not 0 <= note.pitch < PITCHES:
                raise ScoreError(f"a note has number {note.pitch}; MIDI has 0 to 127", "transpose it")
            column[free] = REST
            column[note.onset] = note.pitch
            free = note.end
        if free < steps:
            column[free] = REST
    return grid


def decode(grid: Grid) -> list[list[PartNote]]:
    """The notes of each voice of a grid ``(steps, voices)``, in order; what is held before anything began is a rest."""
    return [list(_notes(column)) for column in grid.T]


def _notes(column: Grid) -> Iterator[PartNote]:
    for onset, end in pairwise([*np.flatnonzero(column != HELD), len(column)]):
        if column[onset] < PITCHES:
            yield PartNote(int(onset), int(end), int(column[onset]))


def sounding(grid: Grid) -> Grid:
    """What sounds at every step of a grid.

    Args:
        grid: ``(steps, voices)``.

    Returns:
        Of the same shape: MIDI pitches, or :data:`SILENCE`.
    """
    steps = np.arange(len(grid))[:, None]
    last = np.maximum.accumulate(np.where(grid != HELD, steps, -1), axis=0)
    found = np.take_along_axis(grid, np.maximum(last, 0), axis=0)
    return np.where((last >= 0) & (found < PITCHES), found, SILENCE).astype(np.uint8)


def from_sounding(sounds: Grid) -> Grid:
    """The grid of what sounds, which does not say who strikes again: a note lasts as long as its pitch does.

    Args:
        sounds: ``(steps, voices)``: MIDI pitches, or :data:`SILENCE`.
    """
    begins = np.ones(sounds.shape, bool)
    begins[1:] = sounds[1:] != sounds[:-1]
    written = np.where(sounds == SILENCE, REST, sounds)
    return np.where(begins, written, HELD).astype(np.uint8)


def transposed(grid: Grid, semitones: int) -> Grid:
    """A grid whose pitches are all moved.

    Raises:
        ScoreError: when a pitch would be none of MIDI's.
    """
    is_pitch = grid < PITCHES
    moved = np.where(is_pitch, grid.astype(np.int64) + semitones, grid)
    if is_pitch.any() and not 0 <= moved[is_pitch].min() <= moved[is_pitch].max() < PITCHES:
        raise ScoreError(f"{semitones:+d} semitones lead out of MIDI's 0 to 127", "transpose by less")
    return moved.astype(np.uint8)


def silence(steps: int, voices: int = len(VOICES)) -> Grid:
    """A grid of rests."""
    return encode([()] * voices, steps)


def framed(grid: Grid) -> Grid:
    """A grid between two measures of silence, by which a network learns how pieces begin and end (ours)."""
    rests = silence(MEASURE, grid.shape[1])
    return np.concatenate([rests, grid, rests])


def unframed(grid: Grid) -> Grid:
    """The inverse of :func:`framed`."""
    return grid[MEASURE:-MEASURE]


def from_first_note(grid: Grid) -> Grid:
    """A grid from the step on at which its first note is struck; all of it where there is none."""
    struck = np.flatnonzero((grid < PITCHES).any(1))
    return grid[struck[0] :] if len(struck) else grid


@dataclass(frozen=True)
class Range:
    """The pitches that a voice has, from the lowest to the highest."""

    low: int
    high: int


def ranges(grids: Iterable[Grid], voices: int = len(VOICES)) -> tuple[Range, ...]:
    """The range of each voice over all grids ``(steps, voices)``; a voice that never sounds has 127 to 0."""
    low, high = [PITCHES - 1] * voices, [0] * voices
    for grid in grids:
        for voice, column in enumerate(grid.T):
            pitches = column[column < PITCHES]
            if len(pitches):
                low[voice] = min(low[voice], int(pitches.min()))
                high[voice] = max(high[voice], int(pitches.max()))
    return tuple(Range(*bounds) for bounds in zip(low, high, strict=True))


def keys_within(grid: Grid, voices: Sequence[Range]) -> tuple[int, ...]:
    """By how many semitones a grid can be transposed so that each voice stays within its range; 0 is left out.

    Args:
        grid: ``(steps, voices)``.
        voices: a range each.

    Returns:
        Semitones from -6 to 6, rising: every key once, and the one a tritone away from either side.
    """
    return shifts_within(ranges([grid], grid.shape[1]), voices)


def shifts_within(piece: Sequence[Range], voices: Sequence[Range]) -> tuple[int, ...]:
    """The same of a piece by the range of each of its voices."""
    least, most = -6, 6
    for has, may in zip(piece, voices, strict=True):
        if has.low <= has.high:
            least, most = max(least, may.low - has.low), min(most, may.high - has.high)
    return tuple(shift for shift in range(least, most + 1) if shift)
