"""Transcribed notes as MIDI files: the same notes give the same bytes."""

import io
from collections.abc import Sequence

import pretty_midi

from descant.evaluation.transcription.notes import Note

TICKS_PER_BEAT = 480
BPM = 120.0


def midi_bytes(notes: Sequence[Note]) -> bytes:
    """A MIDI file of one piano at 120 beats a minute, which is no tempo that was measured; strength is its velocity."""
    score = pretty_midi.PrettyMIDI(resolution=TICKS_PER_BEAT, initial_tempo=BPM)
    piano = pretty_midi.Instrument(program=0)
    piano.notes = [
        pretty_midi.Note(max(1, min(127, round(127 * note.strength))), note.pitch, note.start, note.end)
        for note in notes
    ]
    score.instruments.append(piano)
    buffer = io.BytesIO()
    score.write(buffer)
    return buffer.getvalue()
