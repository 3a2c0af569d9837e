"""Polyphonic parts as a grid of sixteenths: what begins at each pitch, and how long it lasts (Vignal 2020).

A roll is uint8 ``(steps, voices, 128)``, four steps a quarter note. At each step, voice and MIDI pitch stands the
duration of the note that begins there, in sixteenths; 0 where none does. The thesis has two channels: the activation,
1 where a note begins, is where this number is above 0, and the duration is the number itself: no duration stands
where nothing begins (ours). A note may last over bar lines, and beyond whatever window a network reads; of
two notes that overlap at one pitch each has its own onset and duration. No two begin at one place, and none lasts
longer than :data:`MOST_DURATION` (ours; the thesis's code cuts a note where its pitch is struck again).
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from descant.config.parts import STEPS_A_MEASURE
from descant.errors import ScoreError
from descant.scores.parts import PITCHES, Grid, PartNote, Range
from descant.scores.parts import encode as encode_lines

Roll = npt.NDArray[np.uint8]
# sixteen measures less a sixteenth: what a byte holds
MOST_DURATION = 255
DURATIONS = MOST_DURATION + 1


def part_names(voices: int) -> list[str]:
    """What voices are called that have no names, from the top down."""
    return [f"part {number}" for number in range(1, voices + 1)]


def encode(voices: Sequence[Sequence[PartNote]], steps: int) -> Roll:
    """Write notes as a roll.

    Args:
        voices: the notes of each voice, in any order.
        steps: of the roll.

    Returns:
        uint8 ``(steps, voices, 128)``.

    Raises:
        ScoreError: when two notes of a voice begin at one step and pitch, one does not last, lasts longer than a roll
            holds or ends after it, or its pitch is none of MIDI's.
    """
    roll = np.zeros((steps, len(voices), PITCHES), np.uint8)
    for voice, notes in enumerate(voices):
        for note in notes:
            if not 0 <= note.pitch < PITCHES:
                raise ScoreError(f"a note has number {note.pitch}; MIDI has 0 to 127", "transpose it")
            if not 0 <= note.onset < note.end <= steps:
                raise ScoreError(f"{note} lies outside the piece, or does not last", "write it again")
            lasts = note.end - note.onset
            if lasts > MOST_DURATION:
                raise ScoreError(f"a note lasts {lasts} sixteenths; {MOST_DURATION} are the most", "split it")
            if roll[note.onset, voice, note.pitch]:
                raise ScoreError(f"{note} begins where another of its part does", "write one of them")
            roll[note.onset, voice, note.pitch] = lasts
    return roll


def decode(roll: Roll) -> list[list[PartNote]]:
    """The notes of each voice of a roll, by onset, then by pitch; what lasts beyond its end ends there."""
    found: list[list[PartNote]] = [[] for _ in range(roll.shape[1])]
    for step, voice, pitch in zip(*map(np.ndarray.tolist, np.nonzero(roll)), strict=True):
        end = min(len(roll), step + int(roll[step, voice, pitch]))
        found[voice].append(PartNote(step, end, pitch))
    return found


def lines(roll: Roll) -> Grid:
    """The notes as a monophonic grid of as many lines as sound at once, for what reads those: keys and tunes.

    The voices stay in order; within one, a note goes to its first line that is free, the highest first.

    Returns:
        uint8 ``(steps, lines)``; see :mod:`descant.scores.parts`.
    """
    found: list[list[PartNote]] = []
    for notes in decode(roll):
        of_voice: list[list[PartNote]] = [[]]
        for note in sorted(notes, key=lambda one: (one.onset, -one.pitch)):
            free = next((line for line in of_voice if not line or line[-1].end <= note.onset), None)
            if free is None:
                of_voice.append(free := [])
            free.append(note)
        found += of_voice
    return encode_lines(found, len(roll))


def transposed(roll: Roll, semitones: int) -> Roll:
    """A roll whose pitches are all moved.

    Raises:
        ScoreError: when a pitch would be none of MIDI's.
    """
    pitches = np.flatnonzero(roll.any((0, 1)))
    if len(pitches) and not 0 <= pitches[0] + semitones <= pitches[-1] + semitones < PITCHES:
        raise ScoreError(f"{semitones:+d} semitones lead out of MIDI's 0 to 127", "transpose by less")
    return np.roll(roll, semitones, axis=2)


def silence(steps: int, voices: int) -> Roll:
    """A roll in which nothing begins."""
    return np.zeros((steps, voices, PITCHES), np.uint8)


def from_first_note(roll: Roll) -> Roll:
    """A roll from the step on at which its first note begins; all of it where there is none."""
    return roll[int(roll.any((1, 2)).argmax()) :]


def framed(roll: Roll) -> Roll:
    """A roll between two measures of silence; :func:`descant.scores.parts.unframed` takes them off."""
    rests = silence(STEPS_A_MEASURE, roll.shape[1])
    return np.concatenate([rests, roll, rests])


def ranges(rolls: Iterable[Roll], voices: int) -> tuple[Range, ...]:
    """The range of each voice over all rolls; a voice that never sounds has 127 to 0."""
    used = np.zeros((voices, PITCHES), bool)
    for roll in rolls:
        used |= roll.any(0)
    return tuple(
        Range(int(row.argmax()), PITCHES - 1 - int(row[::-1].argmax())) if row.any() else Range(PITCHES - 1, 0)
        for row in used
    )


def planes_of(classes: int) -> tuple[int, int]:
    """Of a voice's sixteenth: how many planes a network reads and says, and how wide they are.

    One plane of all tokens; or, of rolls, two of pitches: activation and duration.
    """
    return (2, PITCHES) if classes == DURATIONS else (1, classes)
