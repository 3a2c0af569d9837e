"""Scores in parts from files: what music21 or mido reads, to a grid or a roll.

Notes that lie off the grid of sixteenths are rounded to it, each end for itself, and counted in a remark: a mordent
that is written out, a run of thirty-seconds. A piece in which more than a tenth of the notes lie off it is refused: it
is in triplets, or played by hand, and its rhythm would be another one on the grid. A note that ends less than half a
sixteenth before or after the next one begins ends there: players detach notes or tie them over. Repeats are not played:
what is written twice over would count twice. Fermatas, pedals and grace notes are passed over. Polyphonic pieces may be
in 2/2, too, which has as many sixteenths. Slow to import.
"""

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any

from music21 import chord, converter, harmony, meter, note, stream

from descant.config.parts import Form
from descant.errors import ScoreError
from descant.scores import polyphony
from descant.scores.forms import Piece
from descant.scores.midi import is_midi, read_midi_parts
from descant.scores.parts import MEASURE, METER, PITCHES, STEPS_A_QUARTER, VOICES, PartNote, encode

METERS: Mapping[Form, Set[str]] = {"monophonic": {METER}, "polyphonic": {METER, "2/2"}}
# of the notes; ours
MOST_OFF_GRID = 0.1
# of a sixteenth, ours: what a note may lie beside the grid and count as on it, and what its end may lie beside the next
ON_GRID, JOINED = 1 / 8, 1 / 2
# ours: an hour of slow 4/4. Beyond are damaged files, whose grids would fill the memory
MOST_MEASURES = 1000
EPSILON = 1e-6
# onset and end in sixteenths from the first bar line, and MIDI pitch
Span = tuple[float, float, int]


@dataclass(frozen=True)
class PartsScore:
    """A piece in parts.

    Attributes:
        grid: uint8 ``(steps, parts)``, whole measures; see :mod:`descant.scores.parts`. Of polyphonic parts a roll
            ``(steps, parts, 128)``; see :mod:`descant.scores.polyphony`.
        title: what the file says, or empty.
        artist: who wrote it, or empty.
        remarks: what was changed on the way.
    """

    grid: Piece
    title: str
    artist: str
    remarks: tuple[str, ...]


def read_parts(path: Path, least: int = len(VOICES), most: int = len(VOICES), form: Form = "monophonic") -> PartsScore:
    """Read a piece in parts in 4/4, of four parts unless others are asked for.

    A first measure that is not full is a pickup: rests are put before it, so that the grid begins on a bar line. The
    last measure is filled with rests. Parts are sorted by their mean pitch, the highest first. In MIDI, each channel of
    a track is a part. Where fewer than four parts will do, those without a note are left out.

    Args:
        path: of MIDI, or of any file that music21 reads.
        least: parts that it has at the least.
        most: parts that it has at the most.
        form: whether a part may play several notes at once; where two of them are one, the longer one is kept.

    Raises:
        ScoreError: when it cannot be read, or has another number of parts, another meter, bars that do not line up, a
            part without notes, too many notes off the grid, or, of monophonic parts, chords or two notes at once.
    """
    asked = _Asked(least, most, form)
    try:
        return _of_midi(path, asked) if _begins_as_midi(path) else _of_notation(path, asked)
    except (MemoryError, ScoreError):
        # the first has no words of its own; whoever bounds the memory has
        raise
    except Exception as error:
        # music21's parsers raise whatever a bad file makes them trip over; some name the whole path
        reason = str(error).replace(str(path), path.name)
        raise ScoreError(f"the score cannot be read: {reason}", "save it again as MusicXML or MIDI") from error


@dataclass(frozen=True)
class _Asked:
    """How many parts are asked for, and of which form."""

    least: int
    most: int
    form: Form

    def __str__(self) -> str:
        return f"{self.least} to {self.most}" if self.least < self.most else f"{self.least}"

    @property
    def cure(self) -> str:
        parts = "part" if self.most == 1 else "parts"
        single = "" if self.form == "polyphonic" else " one note at a time,"
        return f"choose another score, or write it in {self} {parts},{single} in {METER}"

    def check(self, parts: int, meters: Set[str]) -> None:
        if not self.least <= parts <= self.most:
            raise ScoreError(f"{parts} parts, not {self}", self.cure)
        if not meters or not meters <= METERS[self.form]:
            raise ScoreError(f"meter {', '.join(sorted(meters)) or 'not given'}, not {METER}", self.cure)


def _begins_as_midi(path: Path) -> bool:
    with path.open("rb") as file:
        return is_midi(file.read(12))


def _of_midi(path: Path, asked: _Asked) -> PartsScore:
    found = read_midi_parts(path.read_bytes())
    asked.check(len(found.parts), found.meters)
    scale = STEPS_A_QUARTER
    parts = {n: [(scale * a, scale * b, pitch) for a, b, pitch in part] for n, part in enumerate(found.parts, 1)}
    grid, remarks = _on_grid(parts, asked)
    return PartsScore(grid, "", "", remarks)


def _of_notation(path: Path, asked: _Asked) -> PartsScore:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # forceSource: music21 would otherwise read pickles that it left in the temporary folder
        score: stream.Stream[Any] = converter.parseFile(path, forceSource=True)
        if isinstance(score, stream.Opus):
            raise ScoreError("several pieces in one file", "save each in a file of its own")
        written: dict[int, stream.Stream[Any]] = dict(enumerate(score.getElementsByClass(stream.Part), 1))
        parts = written
        if asked.least < len(VOICES):
            parts = {number: part for number, part in written.items() if part.recurse().notes} or written
        meters = {signature.ratioString for signature in score.recurse().getElementsByClass(meter.TimeSignature)}
        asked.check(len(parts), meters)
        if score.atSoundingPitch is not True:
            score.toSoundingPitch(inPlace=True)
        pickup = _pickup(next(iter(parts.values())), asked.cure)
        grid, remarks = _on_grid({n: _spans(part, n, pickup, asked) for n, part in parts.items()}, asked)
    quarters, empty = (MEASURE - pickup) / STEPS_A_QUARTER, len(written) - len(parts)
    changed = [f"pickup of {_counted(quarters, 'quarter')}"] if pickup else []
    changed += [f"{_counted(empty, 'empty part')} left out"] if empty else []
    says = score.metadata
    title, artist = (says.bestTitle or "", says.composer or "") if says else ("", "")
    # music21 calls a piece without a name after its file
    return PartsScore(grid, "" if title == path.name else title, artist, (*changed, *remarks))


def _counted(number: float, noun: str) -> str:
    return f"{number:g} {noun}{'' if number == 1 else 's'}"


def _on_grid(parts: Mapping[int, Sequence[Span]], asked: _Asked) -> tuple[Piece, tuple[str, ...]]:
    """The grid of parts that have their numbers in the file, and what was changed on the way."""
    off_grid = lost = doubled = 0
    polyphonic, cure = asked.form == "polyphonic", asked.cure
    voices: list[list[PartNote]] = []
    for number, spans in parts.items():
        joined = spans if polyphonic else list(_joined(spans))
        off_grid += sum(any(abs(at - round(at)) > ON_GRID for at in span[:2]) for span in joined)
        rounded = [PartNote(math.floor(begins + 0.5), math.floor(ends + 0.5), pitch) for begins, ends, pitch in joined]
        lasting = [one for one in rounded if one.end > one.onset]
        lost += len(rounded) - len(lasting)
        # of those that begin at once at one pitch the longest comes last
        single = {(one.onset, one.pitch): one for one in sorted(lasting, key=lambda one: (one.onset, one.end))}
        voices.append(list(single.values()) if polyphonic else lasting)
        doubled += len(lasting) - len(voices[-1])
        if not voices[-1]:
            raise ScoreError(f"part {number} has no notes", cure)
    written = lost + doubled + sum(map(len, voices))
    if off_grid > MOST_OFF_GRID * written:
        raise ScoreError(f"{off_grid} of {written} notes lie off the sixteenths: triplets, or played by hand", cure)
    for number, notes in zip(parts, voices, strict=True):
        if not polyphonic and any(after.onset < one.end for one, after in pairwise(notes)):
            raise ScoreError(f"part {number} has two notes at once", cure)
    ordered = sorted(voices, key=lambda notes: -sum(one.pitch for one in notes) / len(notes))
    remarks = [f"{off_grid} of {_counted(written, 'note')} rounded to sixteenths"] if off_grid else []
    remarks += [f"{_counted(lost, 'note')} too short for the grid left out"] if lost else []
    remarks += [f"{_counted(doubled, 'note')} left out that another of its part doubles"] if doubled else []
    remarks += ["parts sorted by their pitch"] if ordered != voices else []
    steps = -(-max(one.end for notes in ordered for one in notes) // MEASURE) * MEASURE
    if steps > MOST_MEASURES * MEASURE:
        raise ScoreError(f"{steps // MEASURE} measures; {MOST_MEASURES} are the most", "split it into pieces")
    return (polyphony.encode if polyphonic else encode)(ordered, steps), tuple(remarks)


def _joined(spans: Sequence[Span]) -> Iterator[Span]:
    """Notes in order, each that ends close to the onset of the next ending there."""
    for span, after in zip_longest(spans, spans[1:]):
        begins, ends, pitch = span
        yield (begins, after[0], pitch) if after and abs(after[0] - ends) < JOINED else span


def _pickup(part: stream.Stream[Any], cure: str) -> int:
    """Steps of rest before a first measure that is not full.

    Raises:
        ScoreError: when a full measure then begins within a bar.
    """
    measures = list(part.getElementsByClass(stream.Measure))
    if len(measures) < 2:
        return 0
    first = float(measures[1].offset)
    pickup = -first % 4
    for measure in measures[1:]:
        is_full = abs(float(measure.duration.quarterLength) - 4) < EPSILON
        if is_full and abs((float(measure.offset) + pickup + EPSILON) % 4) > 2 * EPSILON:
            raise ScoreError(f"measure {measure.number} begins within a bar", cure)
    return math.floor(pickup * STEPS_A_QUARTER + 0.5)


def _spans(part: stream.Stream[Any], number: int, pickup: int, asked: _Asked) -> list[Span]:
    """A part's notes in order, ties joined."""
    found: list[Span] = []
    polyphonic = asked.form == "polyphonic"
    # by pitch, music21 would not join an F whose natural is written to one whose natural is understood; and where notes
    # sound at once, what follows a tie is another one
    elements = part.flatten() if polyphonic else part.stripTies(matchByPitch=False).flatten()
    tied: dict[int, int] = {}
    for element in elements.notes:
        if isinstance(element, harmony.Harmony) or element.quarterLength <= 0:
            continue
        if not isinstance(element, note.Note | chord.Chord):
            raise ScoreError(f"part {number} has percussion", asked.cure)
        single = element.notes if isinstance(element, chord.Chord) else (element,)
        if len(single) > 1 and not polyphonic:
            raise ScoreError(f"part {number} has chords", asked.cure)
        begins, length = (STEPS_A_QUARTER * float(at) for at in (element.offset, element.quarterLength))
        begins += pickup
        for one in single:
            sounds = round(one.pitch.ps)
            if not 0 <= sounds < PITCHES:
                raise ScoreError(f"a note has number {sounds}; MIDI has 0 to 127", "transpose it")
            tie, before = one.tie if polyphonic else None, tied.pop(sounds, None)
            if tie and tie.type != "start" and before is not None and abs(found[before][1] - begins) < EPSILON:
                found[before] = (found[before][0], begins + length, sounds)
            else:
                before = len(found)
                found.append((begins, begins + length, sounds))
            if tie and tie.type != "stop":
                tied[sounds] = before
    return sorted(found)
