"""Transcribing excerpts one after another: a row of measures each, their notes, and MIDI files."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from descant.config.structure import Transcription
from descant.evaluation.material import Excerpt
from descant.evaluation.structure.conditions import DRAWN, REAL
from descant.evaluation.structure.features import measure_features
from descant.evaluation.structure.files import MEASURES_FILE, NOTES_FILE, PLACE, write_csv
from descant.evaluation.structure.measures import NOTES, RANDOM, of_kind
from descant.evaluation.structure.pulse import find_pulse
from descant.evaluation.transcription.midi import midi_bytes
from descant.evaluation.transcription.notes import measure_notes
from descant.evaluation.transcription.transcriber import Transcriber

NOTE_COLUMNS = ("file", "group", "start", "note_start", "note_end", "pitch", "strength")
WITH_BASELINE = ("pitch_class_entropy", "scale_consistency")
COLUMNS = (*(measure.name for measure in of_kind(NOTES)), *(f"{name}{RANDOM}" for name in WITH_BASELINE))
SHORTEST = min(measure.shortest for measure in of_kind(NOTES))


def transcribe_excerpts(
    excerpts: Iterable[tuple[str, Excerpt]],
    sample_rate: int,
    settings: Transcription,
    seed: int,
    threads: int,
    folder: Path,
) -> None:
    """Transcribe excerpts and write ``measures.csv``, ``notes.csv`` and a MIDI file of each that is not degraded.

    An excerpt under 2 s, the network's window, is not transcribed: it has no figures and no file.

    Args:
        excerpts: conditions and excerpts; real and drawn ones get MIDI files ``00.mid`` … in this order.
        sample_rate: Hz.
        settings: thresholds.
        seed: of the random baselines.
        threads: of the network.
        folder: that exists.

    Raises:
        ModelFileError: when basic-pitch is not installed.
    """
    rows: list[dict[str, object]] = []
    notes_rows: list[tuple[object, ...]] = []
    transcriber: Transcriber | None = None
    files = 0
    for condition, excerpt in excerpts:
        place = {"condition": condition, "group": excerpt.group, "start": excerpt.start}
        seconds = len(excerpt.audio) / sample_rate
        if seconds < SHORTEST:
            rows.append(place)
            continue
        transcriber = transcriber or Transcriber(settings, threads)
        features = measure_features(excerpt.audio, sample_rate)
        # the network scales what it hears, and finds notes in digital silence
        notes = [] if features.silent.all() else transcriber.transcribe(excerpt.audio, sample_rate)
        bpm = None if features.silent.all() else find_pulse(features.onset).bpm
        measured = measure_notes(notes, seconds, bpm, seed)
        for measure in of_kind(NOTES):
            if seconds < measure.shortest:
                measured[measure.name] = None
        rows.append({**place, **measured})
        if condition in (REAL, DRAWN):
            name = f"{files:02}.mid"
            (folder / name).write_bytes(midi_bytes(notes))
            of_excerpt = (name, excerpt.group, excerpt.start)
            notes_rows += [(*of_excerpt, note.start, note.end, note.pitch, note.strength) for note in notes]
            files += 1
    write_csv(pd.DataFrame(rows, columns=[*PLACE, *COLUMNS]), folder / MEASURES_FILE)
    write_csv(pd.DataFrame(notes_rows, columns=list(NOTE_COLUMNS)), folder / NOTES_FILE)
