"""What is compared of every track: its fingerprint and its notes, small files that searches read track by track.

A folder holds ``words.npy`` (uint32, fingerprints one after another), ``pitches.npy`` (float16 ``(cells, BANDS)``) and
``index.parquet``, a row a track. It takes about 2 MB an hour of music.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from tqdm import tqdm

from descant.audio.clips import from_16_bit
from descant.audio.fingerprint import Words, fingerprint
from descant.evaluation.novelty.pitch import BANDS, pitch_grid
from descant.npy import map_array
from descant.parquet import read_own, unreadable
from descant.sequences import PackedSequence

PLACES = ("first_word", "words", "first_cell", "cells")
INDEX = pa.schema(
    [
        *((name, pa.string()) for name in ("track", "split", "name")),
        ("seconds", pa.float64()),
        *((name, pa.int64()) for name in PLACES),
    ]
)
COLUMNS = tuple(INDEX.names)
WORDS, CELLS = np.dtype("<u4"), np.dtype("<f2")
HELD_OUT = ("validation", "test")


@dataclass(frozen=True)
class TrackFeatures:
    """What is compared of a track.

    Attributes:
        track: its id.
        name: artist and title, or empty.
        seconds: its length.
        words: its fingerprint ``(words,)``.
        pitches: its notes ``(cells, BANDS)``, float16.
    """

    track: str
    name: str
    seconds: float
    words: Words
    pitches: npt.NDArray[np.float16]


@dataclass(frozen=True)
class Features:
    """Opened features of a corpus; the arrays are mapped, not read."""

    index: pd.DataFrame
    words: Words
    pitches: npt.NDArray[np.float16]

    def tracks(self, *splits: str) -> Iterator[TrackFeatures]:
        """The tracks of these splits in the order they are packed, one at a time."""
        rows = self.index.loc[self.index["split"].isin(splits), list(COLUMNS)].to_dict("records")
        for row in rows:
            words = _read_rows(self.words, row["first_word"], row["words"])
            cells = _read_rows(self.pitches, row["first_cell"], row["cells"])
            yield TrackFeatures(row["track"], row["name"], row["seconds"], words, cells)

    def seconds(self, *splits: str) -> float:
        """Seconds of music in these splits."""
        return float(self.index.loc[self.index["split"].isin(splits), "seconds"].sum())


def _read_rows(mapped: npt.NDArray[Any], first: int, count: int) -> npt.NDArray[Any]:
    """Rows of a mapped array, through its file: pages of a map count as this process's once touched."""
    if not isinstance(mapped, np.memmap):
        return mapped[first : first + count]
    row = int(np.prod(mapped.shape[1:], dtype=np.int64))
    where = mapped.offset + first * row * mapped.itemsize
    return np.fromfile(mapped.filename or "", mapped.dtype, count * row, offset=where).reshape(count, *mapped.shape[1:])


def write_features(recordings: PackedSequence, folder: Path) -> None:
    """Write the features of every track, read in blocks, into a folder that exists."""
    rate, rows = recordings.sample_rate, []
    with (
        _GrowingArray(folder / "words.npy", WORDS, ()) as all_words,
        _GrowingArray(folder / "pitches.npy", CELLS, (BANDS,)) as all_cells,
    ):
        for track in tqdm(recordings.tracks(), disable=None, unit="track"):
            words = fingerprint((from_16_bit(block)[:, None] for block in recordings.blocks(track)), rate)
            cells = pitch_grid((from_16_bit(block) for block in recordings.blocks(track)), rate)
            place = (all_words.append(words), len(words), all_cells.append(cells), len(cells))
            row = (track.track, track.split, track.labels.name, track.length / rate, *place)
            rows.append(dict(zip(COLUMNS, row, strict=True)))
    pd.DataFrame(rows, columns=list(COLUMNS)).to_parquet(folder / "index.parquet")


class _GrowingArray:
    """A .npy file that rows are appended to."""

    def __init__(self, path: Path, dtype: np.dtype[Any], row: tuple[int, ...]) -> None:
        self._file, self._dtype, self._row, self._length = path.open("wb"), dtype, row, 0

    def append(self, rows: npt.NDArray[Any]) -> int:
        """Append, and return where the rows begin."""
        self._file.write(np.ascontiguousarray(rows, dtype=self._dtype).tobytes())
        self._length += len(rows)
        return self._length - len(rows)

    def __enter__(self) -> Self:
        self._write_header()
        return self

    def __exit__(self, *error: object) -> None:
        # numpy pads the header so that it can be rewritten in place when the array has grown
        self._file.seek(0)
        self._write_header()
        self._file.close()

    def _write_header(self) -> None:
        descriptor = np.lib.format.dtype_to_descr(self._dtype)
        header = {"descr": descriptor, "fortran_order": False, "shape": (self._length, *self._row)}
        np.lib.format.write_array_header_1_0(self._file, header)


def open_features(folder: Path) -> Features:
    """Open what :func:`write_features` wrote.

    Raises:
        ResultError: when a file is missing, torn or of another kind.
    """
    index = read_own(folder / "index.parquet", INDEX).to_pandas()
    words = _open_rows(folder / "words.npy", WORDS, (), int(index["words"].sum()))
    pitches = _open_rows(folder / "pitches.npy", CELLS, (BANDS,), int(index["cells"].sum()))
    return Features(index, words, pitches)


def _open_rows(path: Path, dtype: np.dtype[Any], row: tuple[int, ...], count: int) -> npt.NDArray[Any]:
    """Map an array of so many rows; an empty one is not mapped."""
    try:
        array = map_array(path) if count else np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise unreadable(path, error) from error
    if array.dtype != dtype or array.shape != (count, *row):
        raise unreadable(path, f"it holds {array.dtype} {array.shape}, not {dtype} {(count, *row)}")
    return array
