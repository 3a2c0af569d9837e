"""What a keyboard can play of a score, as notes and as the roll that a network reads."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from descant.corpus.rendering import read_score
from descant.errors import ScoreError
from descant.scores.notes import PIANO, Note, on_one_program
from descant.scores.roll import HIGHEST, LOWEST, roll_blocks

log = logging.getLogger(__name__)


def playable(path: Path) -> list[Note]:
    """The notes of a score that a keyboard of a piano has, all on one instrument.

    Raises:
        ScoreError: when the score cannot be read, or has none.
    """
    written = read_score(path, None)
    pitched = on_one_program(written, PIANO)
    notes = [note for note in pitched if LOWEST <= note.pitch <= HIGHEST]
    if not notes:
        what = "percussion only" if not pitched else f"no note from {LOWEST} to {HIGHEST}, the keys of a piano"
        raise ScoreError(f"{path.name} has {what}: there is nothing to play", "choose another score")
    log.info(
        "%d notes to play, and %d left out: percussion, or no key of a piano", len(notes), len(written) - len(notes)
    )
    return notes


def roll_of(notes: Sequence[Note], frames: int, rate: float) -> Iterator[npt.NDArray[np.float16]]:
    """The roll of notes, block by block: see :func:`descant.scores.roll.roll_blocks`."""
    onset, end = (np.array([getattr(note, name) for note in notes]) for name in ("onset", "end"))
    pitch, velocity = (np.array([getattr(note, name) for note in notes]) for name in ("pitch", "velocity"))
    return roll_blocks(onset, end, pitch, velocity, frames, rate)
