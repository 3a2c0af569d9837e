"""What was measured, read from its folders, and the comparison written and read again."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from descant.corpus.outputs import whole_file
from descant.errors import DescantError
from descant.evaluation.structure.compare import Comparison, Source, drawn_source, references
from descant.evaluation.structure.measure import CURVES_FILE, MEASURES_FILE, PLACE, SIMILARITY_FILE, write_csv
from descant.evaluation.transcription.excerpts import NOTES_FILE
from descant.evaluation.transcription.notes import Note

CURE = "delete it and run snakemake again"
# names and numbers of tracks and files are no numbers
TEXT = {"condition": str, "group": str, "file": str, "source": str}


class StructureError(DescantError):
    """What was measured of structure cannot be read."""


@dataclass(frozen=True)
class Paths:
    """Where a comparison is written: three CSV files and a JSON file."""

    table: Path
    separation: Path
    curves: Path
    summary: Path


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=TEXT)
    except (OSError, ValueError) as error:
        raise StructureError(f"{path} cannot be read: {error}", CURE) from error


def _measures(structure: Path, transcription: Path) -> pd.DataFrame:
    """The rows of both measurements of the same excerpts."""
    rows, notes = _read(structure / MEASURES_FILE), _read(transcription / MEASURES_FILE)
    if len(rows) != len(notes):
        raise StructureError(f"{structure} and {transcription} hold different excerpts", CURE)
    return rows.merge(notes, on=list(PLACE), how="left", validate="one_to_one")


def read_references(structure: Path, transcription: Path) -> list[Source]:
    """Real music, the same shuffled, and white noise.

    Args:
        structure: folder that measure_structure wrote.
        transcription: folder that transcribe wrote.

    Raises:
        StructureError: when a file is missing or torn, or they are of different excerpts.
    """
    return references(_measures(structure, transcription), _read(structure / CURVES_FILE))


def model_title(named: str) -> tuple[str, str]:
    """The name and the title in ``NAME=TITLE``.

    Raises:
        StructureError: when there is no name.
    """
    name, separator, title = named.partition("=")
    if not separator or not name:
        raise StructureError(f"--model {named!r} has no name", "write --model hop8='hop-8 VQ-VAE'")
    return name, title


def read_drawn(named: str, structure: Path, transcription: Path) -> Source:
    """A model's drawn audio.

    Args:
        named: ``NAME=TITLE`` of the model.
        structure: folder that measure_structure wrote.
        transcription: folder that transcribe wrote.

    Raises:
        StructureError: when a file is missing or torn, or there is no name.
    """
    name, title = model_title(named)
    return drawn_source(name, title, _measures(structure, transcription), _read(structure / CURVES_FILE))


def read_similarity(structure: Path) -> npt.NDArray[np.float32]:
    """The matrices of the first excerpt ``(2, cells, cells)``.

    Raises:
        StructureError: when the file is missing or torn.
    """
    path = structure / SIMILARITY_FILE
    try:
        matrices = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise StructureError(f"{path} cannot be read: {error}", CURE) from error
    return np.asarray(matrices, dtype=np.float32)


def read_notes(transcription: Path) -> list[Note]:
    """The notes of the first excerpt.

    Raises:
        StructureError: when the file is missing or torn.
    """
    rows = _read(transcription / NOTES_FILE)
    first = rows[rows["file"] == "00.mid"]
    columns = first[["note_start", "note_end", "pitch", "strength"]].itertuples(index=False, name=None)
    return [Note(float(start), float(end), int(pitch), float(strength)) for start, end, pitch, strength in columns]


def write_comparison(comparison: Comparison, paths: Paths) -> None:
    """Write each file beside its place, then rename it."""
    texts = {
        paths.table: write_csv(comparison.table),
        paths.separation: write_csv(comparison.separation),
        paths.curves: write_csv(comparison.curves),
        paths.summary: json.dumps(comparison.summary, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
    }
    for path, text in texts.items():
        with whole_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def read_comparison(paths: Paths) -> Comparison:
    """Read what :func:`write_comparison` wrote.

    Raises:
        StructureError: when a file is missing or torn.
    """
    try:
        summary = json.loads(paths.summary.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StructureError(f"{paths.summary} cannot be read: {error}", CURE) from error
    return Comparison(_read(paths.table), _read(paths.separation), _read(paths.curves), summary)
