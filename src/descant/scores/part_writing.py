"""Music in parts to files: a grid or a roll as MIDI, a grid as MusicXML. Slow to import, because of music21."""

import io
from typing import Any

import mido
from music21 import clef, instrument, key, metadata, meter, note, stream
from music21.musicxml.m21ToXml import GeneralObjectExporter
from music21.pitch import Accidental

from descant.config.parts import QUARTERS_PER_MINUTE
from descant.scores import polyphony
from descant.scores.forms import Piece
from descant.scores.key import key_of, sharps_of, spelled
from descant.scores.midi import PERCUSSION_CHANNEL
from descant.scores.notes import PIANO
from descant.scores.parts import METER, STEPS_A_QUARTER, VOICES, Grid, PartNote, decode

TICKS = 480


def midi_of(piece: Piece, quarters_per_minute: float = QUARTERS_PER_MINUTE, program: int = PIANO) -> bytes:
    """A piece as a MIDI file of type 1: a track for tempo and meter, and one a voice, each on its own channel.

    Args:
        piece: a grid ``(steps, 4)``; or a roll ``(steps, voices, 128)``, in which a note ends where its pitch is struck
            again, as on a keyboard.
        quarters_per_minute: tempo; the piece has none, and this one is ours.
        program: General MIDI program of all voices.
    """
    voices = _played(piece) if piece.ndim == 3 else dict(zip(VOICES, decode(piece), strict=True))
    file = mido.MidiFile(ticks_per_beat=TICKS)
    conductor = file.add_track()
    conductor.append(mido.MetaMessage("time_signature", numerator=4, denominator=4))
    conductor.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(quarters_per_minute)))
    ticks = TICKS // STEPS_A_QUARTER
    for voice, (name, notes) in enumerate(voices.items()):
        track = file.add_track(name)
        # the tenth is of percussion
        channel = voice + (voice >= PERCUSSION_CHANNEL)
        track.append(mido.Message("program_change", channel=channel, program=program))
        now = 0
        # at one time what ends comes first
        strokes = [(one.end, 0, one.pitch) for one in notes] + [(one.onset, 1, one.pitch) for one in notes]
        for step, begins, pitch in sorted(strokes):
            kind, velocity, at = ("note_on", 72, step * ticks) if begins else ("note_off", 0, step * ticks)
            track.append(mido.Message(kind, channel=channel, note=pitch, velocity=velocity, time=at - now))
            now = at
        track.append(mido.MetaMessage("end_of_track", time=len(piece) * ticks - now))
    content = io.BytesIO()
    file.save(file=content)
    return content.getvalue()


def _played(roll: polyphony.Roll) -> dict[str, list[PartNote]]:
    """The notes of a roll by the names of its parts, each until its pitch is struck again."""
    voices: dict[str, list[PartNote]] = {}
    for name, notes in zip(polyphony.part_names(roll.shape[1]), polyphony.decode(roll), strict=True):
        after: dict[int, int] = {}
        voices[name] = []
        for one in reversed(notes):
            voices[name].append(PartNote(one.onset, min(one.end, after.get(one.pitch, one.end)), one.pitch))
            after[one.pitch] = one.onset
    return voices


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
        sings: Any = instrument.Instrument()
        # music21 would draw names by chance
        sings.partId = sings.instrumentId = voice
        part.partName = sings.partName = voice.capitalize()
        part.insert(0, sings)
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
        _write_accidentals(part, sharps)
        score.insert(0, part)
    return bytes(GeneralObjectExporter(score).parse())


def _write_accidentals(part: Any, sharps: int) -> None:
    """Show an accidental where a reader needs it: each holds for its line of the staff, to the end of the measure.

    music21's own lets one octave count for the others. A note that is tied from the measure before has none, and
    whatever follows on its line has one.
    """
    signature = {tone.step: tone.alter for tone in key.KeySignature(sharps).alteredPitches}
    for measure in part.getElementsByClass(stream.Measure):
        holds: dict[str, float | None] = {}
        for written in measure.notes:
            tone = written.pitch
            line = f"{tone.step}{tone.octave}"
            known = holds.get(line, signature.get(tone.step, 0))
            is_tied = written.tie is not None and written.tie.type != "start"
            if not is_tied and known != tone.alter:
                tone.accidental = tone.accidental or Accidental("natural")
            if tone.accidental:
                tone.accidental.displayStatus = not is_tied and known != tone.alter
            if known != tone.alter:
                holds[line] = None if is_tied else tone.alter
