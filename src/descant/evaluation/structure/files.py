"""What was measured of excerpts, read from its folders, and tables written."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from descant.corpus.outputs import whole_file
from descant.errors import ResultError
from descant.evaluation.transcription.notes import Note
from descant.npy import map_array
from descant.results import CURE

MEASURES_FILE, CURVES_FILE, SIMILARITY_FILE, NOTES_FILE = "measures.csv", "curves.csv", "similarity.npy", "notes.csv"
PLACE = ("condition", "group", "start")
# ids of tracks and names of files stay text, even where they look like numbers
TEXT = {"condition": str, "group": str, "file": str, "source": str}


def read_csv(path: Path) -> pd.DataFrame:
    """Read a table of this measure.

    Raises:
        ResultError: when it is missing or torn.
    """
    try:
        return pd.read_csv(path, dtype=TEXT)
    except (OSError, ValueError) as error:
        raise ResultError(f"{path} cannot be read: {error}", CURE) from error


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table beside its place, then rename it: nine digits, an empty cell for what is not defined."""
    with whole_file(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.9g", lineterminator="\n")


def read_measures(structure: Path, transcription: Path) -> pd.DataFrame:
    """The rows of the folders that measure_structure and transcribe wrote of the same excerpts.

    Raises:
        ResultError: when a file is missing or torn, or they are of different excerpts.
    """
    rows, notes = read_csv(structure / MEASURES_FILE), read_csv(transcription / MEASURES_FILE)
    if len(rows) != len(notes):
        raise ResultError(f"{structure} and {transcription} hold different excerpts", CURE)
    return rows.merge(notes, on=list(PLACE), how="left", validate="one_to_one")


def read_similarity(structure: Path) -> npt.NDArray[np.float32]:
    """The matrices of the first excerpt ``(2, cells, cells)``.

    Raises:
        ResultError: when the file is missing or torn.
    """
    path = structure / SIMILARITY_FILE
    try:
        return np.asarray(map_array(path), dtype=np.float32)
    except (OSError, ValueError) as error:
        raise ResultError(f"{path} cannot be read: {error}", CURE) from error


def read_notes(transcription: Path) -> list[Note]:
    """The notes of the first excerpt.

    Raises:
        ResultError: when the file is missing or torn.
    """
    rows = read_csv(transcription / NOTES_FILE)
    first = rows[rows["file"] == "00.mid"]
    columns = first[["note_start", "note_end", "pitch", "strength"]].itertuples(index=False, name=None)
    return [Note(float(start), float(end), int(pitch), float(strength)) for start, end, pitch, strength in columns]
