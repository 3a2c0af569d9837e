"""A packed sequence on disk: one memory-mapped array of integers and a Parquet index of its tracks.

A folder holds ``data.npy`` (1-D, the smallest unsigned type that holds all classes) and ``index.parquet``
with a row a track: ``track`` (content-hash id), ``offset``, ``length`` (steps), ``split`` and its labels
(``title``, ``artist``, ``genre``; empty where unknown). What is true of the whole (classes, hop, sample rate,
fingerprint) stands in the Parquet file's own metadata.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from descant.errors import SequenceError

METADATA_KEY = b"descant"
PLACE_COLUMNS = ("track", "offset", "length", "split")
BLOCK_STEPS = 1 << 20


def smallest_dtype(classes: int) -> np.dtype[Any]:
    """The smallest unsigned type that holds the integers 0 … classes - 1."""
    return np.dtype(np.min_scalar_type(classes - 1))


@dataclass(frozen=True)
class Labels:
    """What is known of a piece of music besides its sound: text for people, empty where it is not known.

    Attributes:
        title: what people call it.
        artist: who plays it, or, for a score, who wrote it.
        genre: its kind.
    """

    title: str = ""
    artist: str = ""
    genre: str = ""

    @property
    def name(self) -> str:
        """Artist and title, as far as they are known."""
        return ": ".join(part for part in (self.artist, self.title) if part)


LABELS = tuple(field.name for field in fields(Labels))
INDEX_COLUMNS = (*PLACE_COLUMNS, *LABELS)


@dataclass(frozen=True)
class Track:
    """A row of the index: where a track's steps lie, and what it is."""

    track: str
    offset: int
    length: int
    split: str
    labels: Labels


@dataclass(frozen=True)
class PackedSequence:
    """An opened sequence.

    Attributes:
        data: memory map ``(steps,)`` of unsigned integers.
        index: a row a track: track, offset, length, split, title, artist, genre.
        classes: how many values a step can take.
        hop: audio samples to one step.
        sample_rate: of the audio, Hz.
        fingerprint: sha256 of the data, and of the index without the labels, which change no step.
    """

    data: npt.NDArray[Any]
    index: pd.DataFrame
    classes: int
    hop: int
    sample_rate: int
    fingerprint: str

    @property
    def rate(self) -> float:
        """Steps a second."""
        return self.sample_rate / self.hop

    def split(self, name: str) -> pd.DataFrame:
        """The index rows of one split, in the order they are packed."""
        return self.index[self.index["split"] == name]

    def tracks(self, split: str | None = None) -> list[Track]:
        """The tracks of a split, or all, in the order they are packed."""
        index = self.index if split is None else self.split(split)
        rows = index[list(INDEX_COLUMNS)].itertuples(index=False, name=None)
        return [Track(track, at, length, dealt, Labels(*labels)) for track, at, length, dealt, *labels in rows]

    def steps(self, track: Track) -> npt.NDArray[Any]:
        """The steps ``(length,)`` of a track, mapped and not read."""
        return self.data[track.offset : track.offset + track.length]

    def blocks(self, track: Track, size: int = BLOCK_STEPS) -> Iterator[npt.NDArray[Any]]:
        """Read a track's steps in order, in blocks ``(size,)``, the last one shorter.

        They come through the file: memory stays flat, where pages of a map count as this process's once touched.

        Raises:
            SequenceError: when the data were cut short since they were opened.
        """
        data, end = self.data, track.offset + track.length
        assert isinstance(data, np.memmap)
        for start in range(track.offset, end, size):
            count, where = min(size, end - start), data.offset + start * data.itemsize
            block = np.fromfile(data.filename or "", data.dtype, count, offset=where)
            if len(block) < count:
                raise SequenceError(f"{data.filename} was cut short", "delete its folder and run snakemake again")
            yield block


class SequenceWriter:
    """Writes a packed sequence block by block; nothing is seen under its name until :meth:`close`.

    Args:
        folder: where ``data.npy`` and ``index.parquet`` will stand.
        classes: how many values a step can take.
        hop: audio samples to one step.
        sample_rate: of the audio, Hz.
    """

    def __init__(self, folder: Path, classes: int, hop: int, sample_rate: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._facts = {"classes": classes, "hop": hop, "sample_rate": sample_rate}
        self._dtype = smallest_dtype(classes)
        self._rows: list[dict[str, Any]] = []
        self._steps = 0
        self._hash = hashlib.sha256()
        self._temporary = folder / "data.npy.tmp"
        self._file: BinaryIO = self._temporary.open("wb")
        self._write_header()

    def _write_header(self) -> None:
        # numpy pads the header so that it can be rewritten in place when the array has grown
        self._file.seek(0)
        header = {"descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False, "shape": (self._steps,)}
        np.lib.format.write_array_header_1_0(self._file, header)

    def add(self, track: str, split: str, labels: Labels, blocks: Iterable[npt.NDArray[Any]]) -> int:
        """Append one track.

        Args:
            track: content-hash id.
            split: ``train``, ``validation``, ``test``, or empty while it is not dealt yet.
            labels: what is known of it.
            blocks: its steps in order, each ``(steps,)`` of integers below ``classes``.

        Returns:
            Steps written.

        Raises:
            SequenceError: when a step does not fit the classes.
        """
        offset = self._steps
        for block in blocks:
            if len(block) and not 0 <= int(block.min()) <= int(block.max()) < self._facts["classes"]:
                raise SequenceError(
                    f"track {track} has steps outside 0 … {self._facts['classes'] - 1}", "report this as a defect"
                )
            packed = np.ascontiguousarray(block, dtype=self._dtype)
            self._file.write(packed.tobytes())
            self._hash.update(packed.data)
            self._steps += len(packed)
        length = self._steps - offset
        self._rows.append({"track": track, "offset": offset, "length": length, "split": split, **asdict(labels)})
        return length

    def close(self) -> None:
        """Write the index, then move the data to its name."""
        self._write_header()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        index = pd.DataFrame(self._rows, columns=list(INDEX_COLUMNS)).astype({"offset": "int64", "length": "int64"})
        self._hash.update(index[list(PLACE_COLUMNS)].to_csv(index=False).encode())
        facts = {**self._facts, "steps": self._steps, "fingerprint": self._hash.hexdigest()}
        table = pa.Table.from_pandas(index, preserve_index=False)
        table = table.replace_schema_metadata(
            {**(table.schema.metadata or {}), METADATA_KEY: json.dumps(facts).encode()}
        )
        self._temporary.replace(self._folder / "data.npy")
        pq.write_table(table, self._folder / "index.parquet.tmp")
        (self._folder / "index.parquet.tmp").replace(self._folder / "index.parquet")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._file.close()
            self._temporary.unlink(missing_ok=True)


def open_sequence(folder: Path) -> PackedSequence:
    """Open a packed sequence; the data are mapped, not read.

    Raises:
        SequenceError: when a file is missing, torn or disagrees with its index.
    """
    cure = f"delete {folder} and run snakemake again"
    try:
        table = pq.read_table(folder / "index.parquet")
        data = np.load(folder / "data.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, pa.ArrowException) as error:
        raise SequenceError(f"{folder} holds no readable sequence: {error}", cure) from error
    raw = (table.schema.metadata or {}).get(METADATA_KEY)
    if raw is None:
        raise SequenceError(f"{folder}/index.parquet was not written by this pipeline", cure)
    if not set(INDEX_COLUMNS) <= set(table.column_names):
        raise SequenceError(f"{folder}/index.parquet lacks columns, it was written by another version", cure)
    facts = json.loads(raw)
    if len(data) != facts["steps"]:
        raise SequenceError(f"{folder}/data.npy has {len(data)} steps but its index says {facts['steps']}", cure)
    return PackedSequence(
        data, table.to_pandas(), facts["classes"], facts["hop"], facts["sample_rate"], facts["fingerprint"]
    )


def total_seconds(sequence: PackedSequence, splits: Sequence[str] = ("train", "validation", "test")) -> float:
    """Seconds of audio in the named splits."""
    return float(sequence.index[sequence.index["split"].isin(splits)]["length"].sum() / sequence.rate)
