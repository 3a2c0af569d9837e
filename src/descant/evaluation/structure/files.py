"""What was measured, read from its folders, and the comparison written and read again."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from descant.corpus.outputs import whole_file
from descant.errors import ResultError
from descant.evaluation.structure.compare import Comparison, Source, drawn_source, references
from descant.evaluation.structure.measure import CURVES_FILE, MEASURES_FILE, PLACE, SIMILARITY_FILE, write_csv
from descant.evaluation.transcription.excerpts import NOTES_FILE
from descant.evaluation.transcription.notes import Note
from descant.npy import map_array
from descant.results import CURE, write_json

# ids of tracks and names of files stay text, even where they look like numbers
TEXT = {"condition": str, "group": str, "file": str, "source": str}


@dataclass(frozen=True)
class Paths:
    """Where a comparison is written: three CSV files and a JSON file."""

    table: Path
    separation: Path
    curves: Path
    summary: Path


def read_csv(path: Path) -> pd.DataFrame:
    """Read a table of this measure.

    Raises:
        ResultError: when it is missing or torn.
    """
    try:
        return pd.read_csv(path, dtype=TEXT)
    except (OSError, ValueError) as error:
        raise ResultError(f"{path} cannot be read: {error}", CURE) from error


def _measures(structure: Path, transcription: Path) -> pd.DataFrame:
    """The rows of both measurements of the same excerpts."""
    rows, notes = read_csv(structure / MEASURES_FILE), read_csv(transcription / MEASURES_FILE)
    if len(rows) != len(notes):
        raise ResultError(f"{structure} and {transcription} hold different excerpts", CURE)
    return rows.merge(notes, on=list(PLACE), how="left", validate="one_to_one")


def read_references(structure: Path, transcription: Path) -> list[Source]:
    """Real music, the same shuffled, and white noise.

    Args:
        structure: folder that measure_structure wrote.
        transcription: folder that transcribe wrote.

    Raises:
        ResultError: when a file is missing or torn, or they are of different excerpts.
    """
    return references(_measures(structure, transcription), read_csv(structure / CURVES_FILE))


def model_title(named: str) -> tuple[str, str]:
    """The name and the title in ``NAME=TITLE``.

    Raises:
        ResultError: when there is no name.
    """
    name, separator, title = named.partition("=")
    if not separator or not name:
        raise ResultError(f"--model {named!r} has no name", "write --model hop8='hop-8 VQ-VAE'")
    return name, title


def read_drawn(named: str, structure: Path, transcription: Path) -> Source:
    """A model's drawn audio.

    Args:
        named: ``NAME=TITLE`` of the model.
        structure: folder that measure_structure wrote.
        transcription: folder that transcribe wrote.

    Raises:
        ResultError: when a file is missing or torn, or there is no name.
    """
    name, title = model_title(named)
    return drawn_source(name, title, _measures(structure, transcription), read_csv(structure / CURVES_FILE))


def read_similarity(structure: Path) -> npt.NDArray[np.float32]:
    """The matrices of the first excerpt ``(2, cells, cells)``.

    Raises:
        ResultError: when the file is missing or torn.
    """
    path = structure / SIMILARITY_FILE
    try:
        matrices = map_array(path)
    except (OSError, ValueError) as error:
        raise ResultError(f"{path} cannot be read: {error}", CURE) from error
    return np.asarray(matrices, dtype=np.float32)


def read_notes(transcription: Path) -> list[Note]:
    """The notes of the first excerpt.

    Raises:
        ResultError: when the file is missing or torn.
    """
    rows = read_csv(transcription / NOTES_FILE)
    first = rows[rows["file"] == "00.mid"]
    columns = first[["note_start", "note_end", "pitch", "strength"]].itertuples(index=False, name=None)
    return [Note(float(start), float(end), int(pitch), float(strength)) for start, end, pitch, strength in columns]


def write_comparison(comparison: Comparison, paths: Paths) -> None:
    """Write each file beside its place, then rename it."""
    tables = {paths.table: comparison.table, paths.separation: comparison.separation, paths.curves: comparison.curves}
    for path, table in tables.items():
        with whole_file(path) as temporary:
            temporary.write_text(write_csv(table), encoding="utf-8")
    write_json(paths.summary, comparison.summary)
