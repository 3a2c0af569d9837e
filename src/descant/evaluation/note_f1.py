"""Whether the notes survive: those that a transcriber hears in a rendering, against those of the score.

Where the corpus has no scores, what the transcriber hears in the recording stands in for them.
"""

from collections.abc import Sequence
from pathlib import Path

import mir_eval
import numpy as np

from descant.audio.files import Block
from descant.corpus.notes import count_notes, read_notes
from descant.evaluation.reconstruction import Stretch
from descant.evaluation.reconstruction_results import Material
from descant.evaluation.renderings import (
    Figure,
    Measure,
    RenderingsGiven,
    RenderingsSummary,
    summarise_renderings,
)
from descant.evaluation.transcription.notes import Note
from descant.evaluation.transcription.transcriber import Transcriber
from descant.results import Computation, write_json
from descant.scores.notes import PERCUSSION

# of mir_eval and of MIREX: a note is found where its onset is within 50 ms, and its pitch within a quarter tone
TOLERANCE_SECONDS = 0.05
# notes that ring on into an excerpt seem to begin with it: onsets so near its start do not count (ours)
EDGE_SECONDS = 2 * TOLERANCE_SECONDS
# the transcriber's window
SHORTEST_SECONDS = 2.0
A4_HZ, A4 = 440.0, 69
MOST_VELOCITY = 127


class NoteF1Given(RenderingsGiven):
    """Beside what renderings are measured with, the notes of rendered scores; none of a corpus of recordings."""

    notes: Path


class NoteF1Summary(RenderingsSummary):
    """And whether the notes are those of scores; else they were heard in the recordings."""

    of_scores: bool


def note_f1(reference: Sequence[Note], heard: Sequence[Note]) -> float | None:
    """F-measure of notes by onset and pitch (Bay et al. 2009, as mir_eval has it); ends do not count.

    Args:
        reference: the notes that there are.
        heard: those that were found.

    Returns:
        1 where all were found and no other, 0 where none was; None where there is none to be found.
    """
    if not reference:
        return None
    if not heard:
        return 0.0
    sides = []
    for notes in (reference, heard):
        pitches = np.array([A4_HZ * 2 ** ((note.pitch - A4) / 12) for note in notes])
        sides += [np.array([(note.start, note.end) for note in notes]), pitches]
    matched = mir_eval.transcription.precision_recall_f1_overlap(
        *sides, onset_tolerance=TOLERANCE_SECONDS, offset_ratio=None
    )
    return float(matched[2])


def score_notes(path: Path, stretches: Sequence[Stretch], sample_rate: int) -> list[list[Note]]:
    """The notes of the score that begin within each stretch, in seconds from its start; percussion is left out.

    Args:
        path: of ``notes.parquet``.
        stretches: of tracks, each of another one.
        sample_rate: Hz.

    Raises:
        CorpusError: when the file cannot be read.
    """
    places = {stretch.track.track: (number, stretch) for number, stretch in enumerate(stretches)}
    found: list[list[Note]] = [[] for _ in stretches]
    for row in read_notes(path, places).to_pylist():
        number, stretch = places[row["track"]]
        start = stretch.start / sample_rate
        if row["program"] != PERCUSSION and 0 <= row["onset"] - start < stretch.length / sample_rate:
            note = Note(row["onset"] - start, row["end"] - start, row["pitch"], row["velocity"] / MOST_VELOCITY)
            found[number].append(note)
    return found


def _within(notes: Sequence[Note], stop: float) -> list[Note]:
    return [note for note in notes if EDGE_SECONDS <= note.start <= stop]


def measure(given: NoteF1Given, folder: Path) -> None:
    """Write ``summary.json``."""
    of_scores = count_notes(given.notes) > 0

    def figure_of(material: Material) -> Figure:
        rate, settings = material.audio.sample_rate, given.evaluation.transcription
        transcriber = Transcriber(settings)
        reference = (
            score_notes(given.notes, material.stretches, rate)
            if of_scores
            else [transcriber.transcribe(audio, rate) for audio in material.originals]
        )

        def f1(place: int, audio: Block) -> float | None:
            # a note that begins later is too short for the transcriber
            stop = len(audio) / rate - settings.shortest_note_seconds
            return note_f1(_within(reference[place], stop), _within(transcriber.transcribe(audio, rate), stop))

        return f1

    measured = Measure(SHORTEST_SECONDS, "no note in any excerpt", with_original=of_scores)
    summary = summarise_renderings(given, measured, figure_of)
    write_json(folder / "summary.json", NoteF1Summary(**summary.model_dump(), of_scores=of_scores))


COMPUTATION = Computation(NoteF1Given, measure)
