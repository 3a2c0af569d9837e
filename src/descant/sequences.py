"""A packed sequence on disk: one memory-mapped array of steps and a Parquet index of its tracks.

A folder holds ``data.npy`` and ``index.parquet`` with a row a track: ``track`` (content-hash id), ``offset``,
``length`` (steps), ``split`` and its labels (``title``, ``artist``, ``genre``, ``instrument``; empty where unknown).
The data are ``(steps,)``, or ``(steps, channels)``: classes, in the smallest unsigned type that holds all of them, or
real values in one of ``REAL_TYPES``. What is true of the whole stands in the Parquet file's own metadata:
:class:`descant.sequencefacts.Facts`.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from descant.errors import SequenceError, mistakes
from descant.npy import map_array
from descant.parquet import read_bounded
from descant.sequencefacts import (
    MOST_INDEX_BYTES,
    MOST_TRACKS,
    REAL_TYPES,
    Facts,
    Unit,
    check_data,
    check_index,
    cure_of,
    smallest_dtype,
)

METADATA_KEY = b"descant"
PLACE_COLUMNS = ("track", "offset", "length", "split")
BLOCK_STEPS = 1 << 20


@dataclass(frozen=True)
class Labels:
    """What is known of a piece of music besides its sound: text for people, empty where it is not known.

    Attributes:
        title: what people call it.
        artist: who plays it, or, for a score, who wrote it.
        genre: its kind.
        instrument: what plays all of it: for a score on one General MIDI program, that program's name.
    """

    title: str = ""
    artist: str = ""
    genre: str = ""
    instrument: str = ""

    @property
    def name(self) -> str:
        """Artist and title, as far as they are known."""
        return ": ".join(part for part in (self.artist, self.title) if part)

    @property
    def piece(self) -> str:
        """The same without the instrument, which the title of a rendered score may end with in brackets."""
        return self.name.removesuffix(f" ({self.instrument})")


LABELS = tuple(field.name for field in fields(Labels))
INDEX_COLUMNS = (*PLACE_COLUMNS, *LABELS)
# older indexes lack it
INSTRUMENT = "instrument"


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
        name: its folder's name, such as ``audio``; part of the seeds of what is trained on it.
        data: memory map ``(steps,)``, or ``(steps, channels)``.
        index: a row a track: track, offset, length, split, title, artist, genre, instrument.
        classes: how many values a step can take; 0: its values are real.
        hop: ticks to one step: audio samples for what comes from audio.
        sample_rate: ticks a unit: Hz for what comes from audio.
        fingerprint: sha256 of the data, and of the index without the labels, which change no step.
        channels: values of a step; 0: a step is a scalar.
        unit: of time: ``second``, or ``quarter`` for scores.
    """

    name: str
    data: npt.NDArray[Any]
    index: pd.DataFrame
    classes: int
    hop: int
    sample_rate: int
    fingerprint: str
    channels: int = 0
    unit: Unit = "second"

    @property
    def rate(self) -> float:
        """Steps a second, or a quarter note: see ``unit``."""
        return self.sample_rate / self.hop

    @property
    def form(self) -> tuple[int, int, int, int, np.dtype[Any] | None, Unit]:
        """What another sequence of the same form is written with: see :class:`SequenceWriter`."""
        dtype = None if self.classes else self.data.dtype
        return self.classes, self.hop, self.sample_rate, self.channels, dtype, self.unit

    def steps_per_step_of(self, other: "PackedSequence") -> Fraction:
        """How many of this sequence's steps are as long as one of another's.

        Raises:
            SequenceError: when one is measured in seconds and the other in quarter notes.
        """
        if self.unit != other.unit:
            raise SequenceError(
                f"{self.name} has steps a {self.unit}, {other.name} has steps a {other.unit}: they have no common time",
                "give sequences of one unit",
            )
        return Fraction(self.sample_rate * other.hop, self.hop * other.sample_rate)

    def split(self, name: str) -> pd.DataFrame:
        """The index rows of one split, in the order they are packed."""
        return self.index[self.index["split"] == name]

    def tracks(self, split: str | None = None) -> list[Track]:
        """The tracks of a split, or all, in the order they are packed."""
        index = self.index if split is None else self.split(split)
        rows = index[list(INDEX_COLUMNS)].itertuples(index=False, name=None)
        return [Track(track, at, length, dealt, Labels(*labels)) for track, at, length, dealt, *labels in rows]

    def steps(self, track: Track) -> npt.NDArray[Any]:
        """The steps ``(length,)``, or ``(length, channels)``, of a track, mapped and not read."""
        return self.data[track.offset : track.offset + track.length]

    def blocks(self, track: Track, size: int = BLOCK_STEPS) -> Iterator[npt.NDArray[Any]]:
        """Read a track's steps in order, in blocks ``(size,)`` or ``(size, channels)``, the last one shorter.

        They come through the file: memory stays flat, where pages of a map count as this process's once touched.

        Raises:
            SequenceError: when the data were cut short since they were opened.
        """
        data, end = self.data, track.offset + track.length
        assert isinstance(data, np.memmap)
        width = self.channels or 1
        for start in range(track.offset, end, size):
            count, where = min(size, end - start), data.offset + start * width * data.itemsize
            block = np.fromfile(data.filename or "", data.dtype, count * width, offset=where)
            if len(block) < count * width:
                raise SequenceError(f"{data.filename} was cut short", "delete its folder and run snakemake again")
            yield block.reshape(-1, self.channels) if self.channels else block

    def check_bytes(self) -> None:
        """Read all steps once, and see that they are those that were written: what a training or a drawing begins with.

        Raises:
            SequenceError: when a step or the place of a track has changed, or a step is not below the classes.
        """
        read = hashlib.sha256(_prefix(self.classes, self.channels, self.data.dtype))
        below = True
        for track in self.tracks():
            for block in self.blocks(track):
                read.update(block.data)
                below = below and (not self.classes or int(block.max()) < self.classes)
        read.update(_places(self.index))
        if read.hexdigest() != self.fingerprint or not below:
            raise SequenceError(
                f"the steps of sequence {self.name} are not those that were written: bytes have changed on disk",
                "delete its folder and run snakemake again",
            )


def _prefix(classes: int, channels: int, dtype: np.dtype[Any]) -> bytes:
    # the same bytes may stand for other values
    return f"{dtype.name}:{channels}".encode() if channels or not classes else b""


def _places(index: pd.DataFrame) -> bytes:
    return index[list(PLACE_COLUMNS)].to_csv(index=False).encode()


def filled(steps: npt.NDArray[Any], multiple: int) -> npt.NDArray[Any]:
    """Steps with the last one repeated until their number is a multiple: what a network of a hop reads of a track.

    Repeated, and not silence: it is a value of any kind of sequence, and makes no jump at the end of the track.

    Args:
        steps: ``(steps,)`` or ``(steps, channels)``, at least one.
        multiple: steps.
    """
    lacking = -len(steps) % multiple
    return np.concatenate([steps, np.repeat(steps[-1:], lacking, axis=0)]) if lacking else steps


class SequenceWriter:
    """Writes a packed sequence block by block; nothing is seen under its name until :meth:`close`.

    Args:
        folder: where ``data.npy`` and ``index.parquet`` will stand.
        classes: how many values a step can take; 0: its values are real.
        hop: ticks to one step: audio samples for what comes from audio.
        sample_rate: ticks a unit: Hz for what comes from audio.
        channels: values of a step; 0: a step is a scalar.
        dtype: of real values, one of ``REAL_TYPES``; None where there are classes.
        unit: of time.

    Raises:
        ValueError: when both classes and a type of real values are given, or neither.
    """

    def __init__(
        self,
        folder: Path,
        classes: int,
        hop: int,
        sample_rate: int,
        channels: int = 0,
        dtype: npt.DTypeLike | None = None,
        unit: Unit = "second",
    ) -> None:
        if (dtype is None) == (classes == 0) or (dtype is not None and np.dtype(dtype).name not in REAL_TYPES):
            raise ValueError(f"{classes} classes of type {dtype}: give classes, or one of {REAL_TYPES}")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._channels = channels
        self._classes = classes
        self._facts = {
            "classes": classes,
            "hop": hop,
            "sample_rate": sample_rate,
            "channels": channels,
            "unit": unit,
        }
        self._dtype = smallest_dtype(classes) if dtype is None else np.dtype(dtype)
        self._rows: list[dict[str, Any]] = []
        self._steps = 0
        self._hash = hashlib.sha256()
        self._hash.update(_prefix(classes, channels, self._dtype))
        self._temporary = folder / "data.npy.tmp"
        self._file: BinaryIO = self._temporary.open("wb")
        self._write_header()

    def _write_header(self) -> None:
        # numpy pads the header so that it can be rewritten in place when the array has grown
        self._file.seek(0)
        shape = (self._steps, self._channels) if self._channels else (self._steps,)
        header = {"descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)

    def add(self, track: str, split: str, labels: Labels, blocks: Iterable[npt.NDArray[Any]]) -> int:
        """Append one track.

        Args:
            track: content-hash id.
            split: ``train``, ``validation``, ``test``, or empty while it is not dealt yet.
            labels: what is known of it.
            blocks: its steps in order, each ``(steps,)`` or ``(steps, channels)``: integers below ``classes``, or
                finite numbers that fit the type.

        Returns:
            Steps written.

        Raises:
            SequenceError: when a step does not fit.
        """
        for block in blocks:
            self.append(track, block)
        return self.finish(track, split, labels)

    def append(self, track: str, block: npt.NDArray[Any]) -> None:
        """Append the next steps of a track, which :meth:`finish` ends; see :meth:`add`."""
        packed = self._packed(track, block)
        self._file.write(packed.tobytes())
        self._hash.update(packed.data)
        self._steps += len(packed)

    def finish(self, track: str, split: str, labels: Labels) -> int:
        """Note the track whose steps were appended since the last; see :meth:`add`."""
        offset = self._rows[-1]["offset"] + self._rows[-1]["length"] if self._rows else 0
        length = self._steps - offset
        self._rows.append({"track": track, "offset": offset, "length": length, "split": split, **asdict(labels)})
        return int(length)

    def _packed(self, track: str, block: npt.NDArray[Any]) -> npt.NDArray[Any]:
        cure = "report this as a defect"
        shape = (self._channels,) if self._channels else ()
        if block.shape[1:] != shape:
            raise SequenceError(f"track {track} has steps of shape {block.shape[1:]}, not {shape}", cure)
        if self._classes:
            if block.size and not 0 <= int(block.min()) <= int(block.max()) < self._classes:
                raise SequenceError(f"track {track} has steps outside 0 … {self._classes - 1}", cure)
        elif block.size:
            low, high = float(block.min()), float(block.max())
            limits = np.iinfo(self._dtype) if self._dtype.kind == "i" else np.finfo(self._dtype)
            # NaN is not between anything
            fits = float(limits.min) <= low <= high <= float(limits.max)
            if not fits or (self._dtype.kind == "i" and block.dtype.kind not in "iu"):
                raise SequenceError(f"track {track} has steps that {self._dtype.name} does not hold", cure)
        return np.ascontiguousarray(block, dtype=self._dtype)

    def close(self) -> None:
        """Write the index, then move the data to its name."""
        self._write_header()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        index = pd.DataFrame(self._rows, columns=list(INDEX_COLUMNS)).astype({"offset": "int64", "length": "int64"})
        self._hash.update(_places(index))
        facts = {**self._facts, "steps": self._steps, "fingerprint": self._hash.hexdigest()}
        table = pa.Table.from_pandas(index, preserve_index=False)
        table = table.replace_schema_metadata(
            {**(table.schema.metadata or {}), METADATA_KEY: json.dumps(facts).encode()}
        )
        self._temporary.replace(self._folder / "data.npy")
        pq.write_table(table, self._folder / "index.parquet.tmp", write_page_checksum=True)
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
    """Open a packed sequence; the data are mapped, not read. That steps are below the classes is checked when written.

    Raises:
        SequenceError: when a file is missing or torn, was written by something else, or disagrees with the other.
    """
    cure = cure_of(folder)
    try:
        required = [column for column in INDEX_COLUMNS if column != INSTRUMENT]
        table = read_bounded(folder / "index.parquet", required, (INSTRUMENT,), MOST_TRACKS, MOST_INDEX_BYTES)
        data = map_array(folder / "data.npy")
    except (OSError, ValueError) as error:
        raise SequenceError(f"{folder} holds no readable sequence: {error}", cure) from error
    raw = (table.schema.metadata or {}).get(METADATA_KEY)
    if raw is None:
        raise SequenceError(f"{folder}/index.parquet was not written by this pipeline", cure)
    try:
        facts = Facts.model_validate_json(raw)
    except ValidationError as error:
        raise SequenceError(
            f"{folder}/index.parquet does not say what its steps are: {mistakes(error)}", cure
        ) from error
    check_data(folder, data, facts)
    index = table.replace_schema_metadata().to_pandas()
    if INSTRUMENT not in index:
        index[INSTRUMENT] = ""
    check_index(folder, index, ("track", "split", *LABELS), facts.steps)
    return PackedSequence(
        folder.resolve().name,
        data,
        index,
        facts.classes,
        facts.hop,
        facts.sample_rate,
        facts.fingerprint,
        facts.channels,
        facts.unit,
    )


def open_checked(folder: Path) -> PackedSequence:
    """Open a packed sequence and read it through: for what takes hours, and must not find at its end what was changed.

    Raises:
        SequenceError: as :func:`open_sequence`, and when a byte is not what was written.
    """
    sequence = open_sequence(folder)
    sequence.check_bytes()
    return sequence


def total_seconds(sequence: PackedSequence, splits: Sequence[str] = ("train", "validation", "test")) -> float:
    """Seconds of audio in the named splits; of a sequence by the quarter note, quarter notes."""
    return float(sequence.index[sequence.index["split"].isin(splits)]["length"].sum() / sequence.rate)
