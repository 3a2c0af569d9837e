"""Written scores to notes: MusicXML, ABC and Humdrum files, by music21, which is slow to import."""

import warnings
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from music21 import chord, converter, harmony, instrument, note, stream, tempo
from music21.exceptions21 import Music21Exception

from descant.errors import ScoreError
from descant.scores.notes import PIANO, Note, resolve_unisons

DEFAULT_QUARTERS_PER_MINUTE = 120.0
# The first part carries the tune in every piece of the shipped list; 12 steps of velocity bring it out
TUNE_VELOCITY = 84
OTHER_VELOCITY = 72


@dataclass(frozen=True)
class _Steps:
    """A value that changes at some offsets: the tempo, or a part's program.

    Attributes:
        offsets: quarters, rising, the first is 0.
        values: from each offset on.
    """

    offsets: Sequence[float]
    values: Sequence[float]

    def at(self, offset: float) -> float:
        return self.values[bisect_right(self.offsets, offset) - 1]

    def seconds(self, offset: float) -> float:
        """Seconds from the beginning, where the values are tempos."""
        bounds = [*(begin for begin in self.offsets if begin < offset), offset]
        spans = zip(bounds, bounds[1:], self.values, strict=False)
        return sum((end - begin) * 60 / quarters_per_minute for begin, end, quarters_per_minute in spans)


def read_notation(path: Path, quarters_per_minute: float | None = None) -> tuple[Note, ...]:
    """Read the notes of a written score, with repeats played and ties joined; grace notes, which last 0, are dropped.

    Each part is a voice, on the program of its instrument, the piano where it names none. Percussion without pitch is
    left out. Dynamics are not followed: the first part is louder than the others.

    Args:
        path: of any file that music21 reads.
        quarters_per_minute: constant tempo; None for the score's metronome marks, 120 where there is none.

    Returns:
        Notes as :func:`~descant.scores.notes.resolve_unisons` leaves them.

    Raises:
        ScoreError: when the score cannot be read, has no note, or one that MIDI has no number for.
    """
    cure = "save it again as MusicXML or MIDI, or choose another score"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # forceSource: music21 would otherwise read pickles that it left in the temporary folder
            score = _unfold(converter.parseFile(path, forceSource=True))
            parts: list[stream.Stream[Any]] = list(score.getElementsByClass(stream.Part)) or [score]
            tempos = _tempos(score) if quarters_per_minute is None else _Steps([0.0], [quarters_per_minute])
            notes = [found for voice, part in enumerate(parts) for found in _part_notes(part, voice, tempos)]
    except MemoryError:
        # has no words of its own; whoever bounds the memory has
        raise
    except Exception as error:
        # music21's parsers raise whatever a bad file makes them trip over; some name the whole path
        reason = str(error).replace(str(path), path.name)
        raise ScoreError(f"the score cannot be read: {reason}", cure) from error
    if beyond := [found.pitch for found in notes if not 0 <= found.pitch <= 127]:
        raise ScoreError(f"the score has a note of number {beyond[0]}; MIDI has 0 to 127", "transpose it")
    resolved = resolve_unisons(notes)
    if not resolved:
        raise ScoreError("the score has no notes", cure)
    return resolved


def _unfold(score: stream.Stream[Any]) -> stream.Stream[Any]:
    try:
        return score.expandRepeats()
    except Music21Exception:
        # a repeat without a beginning, as in many first strains: played once through
        return score


def _tempos(score: stream.Stream[Any]) -> _Steps:
    marks = score.flatten().getElementsByClass(tempo.MetronomeMark)
    found = sorted((float(mark.offset), _quarters_per_minute(mark)) for mark in marks)
    # a tempo of 0 or less is none, as in MIDI files
    steps = {0.0: DEFAULT_QUARTERS_PER_MINUTE, **{offset: bpm for offset, bpm in found if bpm > 0}}
    return _Steps(list(steps), list(steps.values()))


def _quarters_per_minute(mark: tempo.MetronomeMark) -> float:
    """Of a mark; 0 where it has none."""
    try:
        return float(mark.getQuarterBPM() or 0)
    except ZeroDivisionError:
        # how music21 takes a mark of 0
        return 0.0


def _programs(part: stream.Stream[Any]) -> _Steps:
    instruments = part.flatten().getElementsByClass(instrument.Instrument)
    steps = {0.0: PIANO, **{float(one.offset): one.midiProgram for one in instruments if one.midiProgram is not None}}
    return _Steps(list(steps), list(steps.values()))


def _part_notes(part: stream.Stream[Any], voice: int, tempos: _Steps) -> Iterator[Note]:
    programs = _programs(part)
    velocity = OTHER_VELOCITY if voice else TUNE_VELOCITY
    for element in part.stripTies().flatten().notes:
        is_pitched = isinstance(element, note.Note | chord.Chord) and not isinstance(element, harmony.Harmony)
        if not is_pitched or element.quarterLength <= 0:
            continue
        begins, ends = float(element.offset), float(element.offset + element.quarterLength)
        onset, end, program = tempos.seconds(begins), tempos.seconds(ends), int(programs.at(begins))
        for pitch in element.pitches:
            yield Note(onset, round(pitch.ps), end, velocity, program, voice, begins, ends)
