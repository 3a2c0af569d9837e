"""The table of tracks: what became of every item of the corpus, as rows on disk."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from descant.corpus.outputs import whole_file
from descant.parquet import read_own
from descant.sequences import Labels

# what the folder holds besides recordings is neither used nor set aside
USED, REJECTED, OTHER = "used", "rejected", "other"
TYPES = {str: pa.string(), float: pa.float64(), int: pa.int64()}


@dataclass(frozen=True)
class Entry:
    """What became of one item.

    Attributes:
        track: content-hash id; empty when nothing usable was decoded.
        title: what people call it.
        source: its name in the corpus, as it can be shown.
        seconds: duration.
        rate: Hz.
        channels: how many.
        status: ``used``, ``rejected``, or ``other`` for what is no recording.
        split: ``train``, ``validation`` or ``test``; empty while it is not dealt, or when it is not used.
        reason: why it is set aside; for a used one, what people should know, or empty.
        duplicate_of: the id of the track that has the same audio, or empty.
        artist: empty where it is not known.
        genre: empty where it is not known.
        group: of its near-duplicates, and of other renderings of its piece, which are of one split: the lowest id
            among them; empty when it stands alone.
        piece: name of the score that it renders, the same whatever plays it; empty for a recording.
        programs: General MIDI programs that play it, rising, with blanks between; 128 is percussion; empty for a
            recording.
        instrument: what plays all of it: the name of its one program; empty where there are several, or it is not
            known.
    """

    track: str
    title: str
    source: str
    seconds: float
    rate: int
    channels: int
    status: str
    split: str
    reason: str
    duplicate_of: str
    artist: str = ""
    genre: str = ""
    group: str = ""
    piece: str = ""
    programs: str = ""
    instrument: str = ""

    @property
    def labels(self) -> Labels:
        """What is known of it besides its sound."""
        return Labels(self.title, self.artist, self.genre, self.instrument)

    @property
    def is_used(self) -> bool:
        """Whether it is part of the corpus that is trained and tested on."""
        return self.status == USED

    def set_aside(self, reason: str, duplicate_of: str = "") -> "Entry":
        """The same item, rejected for a reason."""
        return dataclasses.replace(self, status=REJECTED, split="", reason=reason, duplicate_of=duplicate_of)


SCHEMA = pa.schema([(field.name, TYPES[field.type]) for field in dataclasses.fields(Entry)])  # type: ignore[index]


def columns() -> list[str]:
    """Names of the columns, in order."""
    return list(SCHEMA.names)


def write_table(entries: Iterable[Entry], path: Path) -> None:
    """Write entries as Parquet."""
    table = pa.Table.from_pylist([dataclasses.asdict(entry) for entry in entries], schema=SCHEMA)
    with whole_file(path) as temporary:
        pq.write_table(table, temporary)


def read_table(path: Path) -> tuple[Entry, ...]:
    """Read entries from Parquet.

    Raises:
        ResultError: when the table is missing, torn or has other columns.
    """
    return tuple(Entry(**row) for row in read_own(path, SCHEMA).to_pylist())


def write_csv(entries: Sequence[Entry], path: Path) -> None:
    """Write entries as CSV for people, UTF-8."""
    frame = pd.DataFrame([dataclasses.asdict(entry) for entry in entries], columns=columns())
    with whole_file(path) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.3f")
