"""Scores in parts from files and to files: what music21 reads, to a grid; a grid, as MIDI and MusicXML. Slow to import.

Notes that lie off the grid of sixteenths are rounded to it, each end for itself, and counted in a remark: a mordent
that is written out, a run of thirty-seconds. A piece in which more than a tenth of the notes lie off it is refused: it
is in triplets, or played by hand, and its rhythm would be another one on the grid. Repeats are not played: what is
written twice over would count twice. Fermatas and grace notes are passed over.
"""

import io
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mido
from music21 import chord, clef, converter, harmony, key, metadata, meter, note, stream
from music21.musicxml.m21ToXml import GeneralObjectExporter

from descant.errors import ScoreError
from descant.scores.key import key_of, sharps_of, spelled
from descant.scores.midi import is_midi
from descant.scores.parts import MEASURE, PITCHES, STEPS_A_QUARTER, VOICES, Grid, PartNote, decode, encode

METER = "4/4"
# of the notes; ours
MOST_OFF_GRID = 0.1
# ours: an hour of slow 4/4. Beyond are damaged files, whose grids would fill the memory
MOST_MEASURES = 1000
TICKS = 480
CHOIR = 52
EPSILON = 1e-6
CURE = "leave it out, or write it in four parts, one note at a time, in 4/4"


@dataclass(frozen=True)
class PartsScore:
    """A piece in parts.

    Attributes:
        grid: uint8 ``(steps, parts)``, whole measures; see :mod:`descant.scores.parts`.
        title: what the file says, or empty.
        artist: who wrote it, or empty.
        remarks: what was changed on the way.
    """

    grid: Grid
    title: str
    artist: str
    remarks: tuple[str, ...]


def read_parts(path: Path, least: int = len(VOICES), most: int = len(VOICES)) -> PartsScore:
    """Read a piece in parts in 4/4, of four parts unless others are asked for.

    A first measure that is not full is a pickup: rests are put before it, so that the grid begins on a bar line. The
    last measure is filled with rests. Parts are sorted by their mean pitch, the highest first.

    Args:
        path: of any file that music21 reads, MIDI too.
        least: parts that it has at the least.
        most: parts that it has at the most.

    Raises:
        ScoreError: when it cannot be read, or has another number of parts, another meter, chords, two notes at once in
            a part, bars that do not line up, a part without notes, or too many notes off the grid.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # forceSource: music21 would otherwise read pickles that it left in the temporary folder
            kind = "midi" if _begins_as_midi(path) else None
            score: stream.Stream[Any] = converter.parseFile(path, forceSource=True, format=kind)
            if isinstance(score, stream.Opus):
                raise ScoreError("several pieces in one file", "save each in a file of its own")
            return _read(score, path, range(least, most + 1))
    except (MemoryError, ScoreError):
        # the first has no words of its own; whoever bounds the memory has
        raise
    except Exception as error:
        # music21's parsers raise whatever a bad file makes them trip over; some name the whole path
        reason = str(error).replace(str(path), path.name)
        raise ScoreError(f"the score cannot be read: {reason}", "save it again as MusicXML or MIDI") from error


def _begins_as_midi(path: Path) -> bool:
    with path.open("rb") as file:
        return is_midi(file.read(12))


def _read(score: stream.Stream[Any], path: Path, allowed: range) -> PartsScore:
    parts: list[stream.Stream[Any]] = list(score.getElementsByClass(stream.Part))
    if len(parts) not in allowed:
        asked = f"{allowed[0]} to {allowed[-1]}" if len(allowed) > 1 else f"{allowed[0]}"
        raise ScoreError(f"{len(parts)} parts, not {asked}", CURE)
    meters = {signature.ratioString for signature in score.recurse().getElementsByClass(meter.TimeSignature)}
    if meters != {METER}:
        raise ScoreError(f"meter {', '.join(sorted(meters)) or 'not given'}, not {METER}", CURE)
    if score.atSoundingPitch is not True:
        score.toSoundingPitch(inPlace=True)
    pickup = _pickup(parts)
    off_grid = lost = written = 0
    voices: list[list[PartNote]] = []
    for number, part in enumerate(parts, 1):
        notes, off, short = _part_notes(part, number, pickup)
        voices.append(notes)
        off_grid, lost, written = off_grid + off, lost + short, written + len(notes) + short
    if off_grid > MOST_OFF_GRID * written:
        raise ScoreError(f"{off_grid} of {written} notes lie off the sixteenths: triplets, or played by hand", CURE)
    ordered = sorted(voices, key=lambda notes: -sum(one.pitch for one in notes) / len(notes))
    remarks = [f"pickup of {(MEASURE - pickup) / STEPS_A_QUARTER:g} quarters"] if pickup else []
    remarks += [f"{off_grid} of {written} notes rounded to sixteenths"] if off_grid else []
    remarks += [f"{lost} notes too short for the grid left out"] if lost else []
    remarks += ["parts sorted by their pitch"] if ordered != voices else []
    steps = -(-max(notes[-1].end for notes in ordered) // MEASURE) * MEASURE
    if steps > MOST_MEASURES * MEASURE:
        raise ScoreError(f"{steps // MEASURE} measures; {MOST_MEASURES} are the most", "split it into pieces")
    says = score.metadata
    title, artist = (says.bestTitle or "", says.composer or "") if says else ("", "")
    # music21 calls a piece without a name after its file
    title = "" if title == path.name else title
    return PartsScore(encode(ordered, steps), title, artist, tuple(remarks))


def _pickup(parts: Sequence[stream.Stream[Any]]) -> int:
    """Steps of rest before a first measure that is not full.

    Raises:
        ScoreError: when a full measure then begins within a bar.
    """
    measures = list(parts[0].getElementsByClass(stream.Measure))
    if len(measures) < 2:
        return 0
    first = float(measures[1].offset)
    pickup = -first % 4
    for measure in measures[1:]:
        is_full = abs(float(measure.duration.quarterLength) - 4) < EPSILON
        if is_full and abs((float(measure.offset) + pickup + EPSILON) % 4) > 2 * EPSILON:
            raise ScoreError(f"measure {measure.number} begins within a bar", CURE)
    return math.floor(pickup * STEPS_A_QUARTER + 0.5)


def _part_notes(part: stream.Stream[Any], number: int, pickup: int) -> tuple[list[PartNote], int, int]:
    """Notes of a part, how many of them lie off the grid, and how many were too short for it."""
    notes: list[PartNote] = []
    off_grid = lost = 0
    for begins, ends, pitch in _written(part, number):
        onset, end = (pickup + math.floor(at * STEPS_A_QUARTER + 0.5) for at in (begins, ends))
        off_grid += any(abs(at * STEPS_A_QUARTER - round(at * STEPS_A_QUARTER)) > 1e-3 for at in (begins, ends))
        if notes and onset < notes[-1].end:
            raise ScoreError(f"part {number} has two notes at once", CURE)
        if end <= onset:
            lost += 1
        else:
            notes.append(PartNote(onset, end, pitch))
    if not notes:
        raise ScoreError(f"part {number} has no notes", CURE)
    return notes, off_grid, lost


def _written(part: stream.Stream[Any], number: int) -> Iterator[tuple[float, float, int]]:
    """Onset and end in quarters, and pitch, of a part's notes in order, ties joined."""
    found = []
    for element in part.stripTies().flatten().notes:
        if isinstance(element, harmony.Harmony) or element.quarterLength <= 0:
            continue
        if isinstance(element, chord.Chord) and len(element.pitches) > 1:
            raise ScoreError(f"part {number} has chords", CURE)
        if not isinstance(element, note.Note | chord.Chord):
            raise ScoreError(f"part {number} has percussion", CURE)
        begins = float(element.offset)
        pitch = round(element.pitches[0].ps)
        if not 0 <= pitch < PITCHES:
            raise ScoreError(f"a note has number {pitch}; MIDI has 0 to 127", "transpose it")
        found.append((begins, begins + float(element.quarterLength), pitch))
    return iter(sorted(found))


def midi_of(grid: Grid, quarters_per_minute: float = 80.0, program: int = CHOIR) -> bytes:
    """A grid as a MIDI file of type 1: a track for tempo and meter, and one a voice, each on its own channel.

    Args:
        grid: ``(steps, 4)``.
        quarters_per_minute: tempo; the grid has none, and this one is ours.
        program: General MIDI program of all voices.
    """
    file = mido.MidiFile(ticks_per_beat=TICKS)
    conductor = file.add_track()
    conductor.append(mido.MetaMessage("time_signature", numerator=4, denominator=4))
    conductor.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(quarters_per_minute)))
    ticks = TICKS // STEPS_A_QUARTER
    for voice, (name, notes) in enumerate(zip(VOICES, decode(grid), strict=True)):
        track = file.add_track(name)
        track.append(mido.Message("program_change", channel=voice, program=program))
        now = 0
        for one in notes:
            on, off = one.onset * ticks, one.end * ticks
            track.append(mido.Message("note_on", channel=voice, note=one.pitch, velocity=72, time=on - now))
            track.append(mido.Message("note_off", channel=voice, note=one.pitch, velocity=0, time=off - on))
            now = off
        track.append(mido.MetaMessage("end_of_track", time=len(grid) * ticks - now))
    content = io.BytesIO()
    file.save(file=content)
    return content.getvalue()


def musicxml_of(grid: Grid, title: str = "") -> bytes:
    """A grid as MusicXML, a part a voice, in 4/4, in the key that its pitches fit best.

    Args:
        grid: ``(steps, 4)``.
        title: of the piece.
    """
    score: Any = stream.Score()
    score.metadata = metadata.Metadata(title=title)
    sharps = sharps_of(key_of(grid))
    clefs = (clef.TrebleClef, clef.TrebleClef, clef.Treble8vbClef, clef.BassClef)
    for voice, kind, notes in zip(VOICES, clefs, decode(grid), strict=True):
        part: Any = stream.Part(id=voice)  # type: ignore[no-untyped-call]
        part.partName = voice.capitalize()
        part.append([kind(), meter.TimeSignature(METER), key.KeySignature(sharps)])  # type: ignore[no-untyped-call]
        free = 0
        for one in [*notes, None]:
            begins = len(grid) if one is None else one.onset
            if begins > free:
                part.insert(free / STEPS_A_QUARTER, note.Rest(quarterLength=(begins - free) / STEPS_A_QUARTER))
            if one is not None:
                name, octave = spelled(one.pitch, sharps)
                written = note.Note(name, octave=octave, quarterLength=(one.end - one.onset) / STEPS_A_QUARTER)
                part.insert(one.onset / STEPS_A_QUARTER, written)
                free = one.end
        part.makeMeasures(inPlace=True)
        part.makeTies(inPlace=True)
        # music21 would write a natural before every note that its measure has had before
        part.makeAccidentals(inPlace=True, cautionaryPitchClass=False, cautionaryNotImmediateRepeat=False)
        score.insert(0, part)
    return bytes(GeneralObjectExporter(score).parse())
