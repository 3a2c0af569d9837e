"""What a keyboard can play of a score, as notes and as the roll that a network reads."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from descant.corpus.rendering import read_score
from descant.corpus.worker import Worker, WorkerError
from descant.errors import CorpusError, ScoreError
from descant.scores.notes import PIANO, Note, on_one_program
from descant.scores.roll import HIGHEST, LOWEST, roll_blocks

log = logging.getLogger(__name__)
# ours: longer than an opera. Beyond are damaged tempos and silences; frames of an hour take 0.3 GB of disk
MAX_HOURS = 6
# ours: what takes longer to read is a trap, such as a repeat that is played 100,000 times
READ_SECONDS = 600.0


def playable(
    path: Path,
    quarters_per_minute: float | None = None,
    seconds: float | None = None,
    from_first_note: bool = False,
) -> list[Note]:
    """The notes of a score that a keyboard of a piano has, all on one instrument.

    Args:
        path: of a MIDI file, or of what music21 reads.
        quarters_per_minute: tempo of a written score; None for its own. MIDI keeps its own.
        seconds: of its beginning; None for all of it.
        from_first_note: as for :func:`on_keyboard`.

    Raises:
        ScoreError: naming the file, when it cannot be read, in bounded time and memory, or :func:`on_keyboard` refuses.
    """
    try:
        # a parser that hangs or fills the memory costs no more than itself
        with Worker(READ_SECONDS) as worker:
            written: tuple[Note, ...] = worker.call(read_score, path, quarters_per_minute)
    except CorpusError as error:
        raise ScoreError(f"{path.name}: {error.problem}", error.cure) from error
    except WorkerError as error:
        raise ScoreError(f"{path.name}: {error.problem}", "save it again, in parts, or choose another score") from error
    return on_keyboard(written, path.name, seconds, from_first_note)


def on_keyboard(
    written: Sequence[Note], name: str, seconds: float | None = None, from_first_note: bool = False
) -> list[Note]:
    """The notes that a keyboard of a piano has, all on one instrument.

    Args:
        written: of a score.
        name: of its file.
        seconds: of its beginning; None for all of it.
        from_first_note: whether it begins there, and not with the rests that come before.

    Raises:
        ScoreError: when there is none, or the last one ends after :data:`MAX_HOURS`.
    """
    pitched = on_one_program(written, PIANO)
    notes = [note for note in pitched if LOWEST <= note.pitch <= HIGHEST]
    if not notes:
        what = "percussion only" if not pitched else f"no note from {LOWEST} to {HIGHEST}, the keys of a piano"
        raise ScoreError(f"{name} has {what}: there is nothing to play", "choose another score")
    if from_first_note:
        first = min(note.onset for note in notes)
        notes = [replace(note, onset=note.onset - first, end=note.end - first) for note in notes]
    notes = beginning(notes, seconds)
    end = max(note.end for note in notes)
    if end > 3600 * MAX_HOURS:
        raise ScoreError(
            f"{name} lasts {end / 3600:.3g} hours, and its first note is at {notes[0].onset / 3600:.3g}; "
            f"{MAX_HOURS} hours are the most",
            "take out its silence, mend its tempo, or play it in parts",
        )
    log.info(
        "%d notes to play, and %d left out: percussion, or no key of a piano", len(notes), len(written) - len(notes)
    )
    return notes


def beginning(notes: Sequence[Note], seconds: float | None) -> list[Note]:
    """The notes that begin in so many seconds, and none that is held longer; all of them for None.

    Raises:
        ScoreError: when none begins there.
    """
    if seconds is None:
        return list(notes)
    kept = [replace(note, end=min(note.end, seconds)) for note in notes if note.onset < seconds]
    if not kept:
        first = min(note.onset for note in notes)
        raise ScoreError(
            f"the first note begins at {first:.1f} s, after the {seconds:g} s that are asked for",
            "raise seconds, or leave it out",
        )
    return kept


def roll_of(notes: Sequence[Note], frames: int, rate: float) -> Iterator[npt.NDArray[np.float16]]:
    """The roll of notes, block by block: see :func:`descant.scores.roll.roll_blocks`."""
    onset, end = (np.array([getattr(note, name) for note in notes]) for name in ("onset", "end"))
    pitch, velocity = (np.array([getattr(note, name) for note in notes]) for name in ("pitch", "velocity"))
    return roll_blocks(onset, end, pitch, velocity, frames, rate)
