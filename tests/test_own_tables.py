"""Tables that one job writes and another reads: cut short, or another program's, they are refused, with the way out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from descant.corpus.fingerprint import read_fingerprints, write_fingerprints
from descant.corpus.notes import count_notes, notes_by_track, notes_table, read_notes, write_notes
from descant.corpus.scan import Item, read_items, write_items
from descant.corpus.table import Entry, read_table, write_table
from descant.errors import DescantError
from descant.evaluation.distances.embed import COLUMNS, read_set, write_set
from descant.evaluation.distances.kinds import Kind
from descant.evaluation.table import read_bits
from descant.parquet import read_own
from descant.report.pages.separation import read_stems
from descant.scores.notes import Note
from descant.separation.shard import StemRow, write_stem_table

PARTS = 16
KIND = Kind("k", "K", 3, 1.0, "")
NOTE = Note(0.0, 60, 1.0, 90)


def write_bits(path: Path) -> None:
    pd.DataFrame({"track": ["a"], "steps": [2], "samples": [4], "bits": [8.5]}).to_parquet(path)


def write_vectors(path: Path) -> None:
    write_set(pd.DataFrame([("k", "1", "g", 0.0, "00", np.zeros(3, np.float32))], columns=COLUMNS), path)


ENTRY = Entry("a", "t", "a.wav", 1.0, 8000, 1, "used", "train", "", "")
STEM = StemRow("a", "a.wav", "s", "vocals", 1.0, 0.0, None, None, 100.0, "", "")
TABLES: list[tuple[Callable[[Path], object], Callable[[Path], object]]] = [
    (lambda path: write_items([Item(b"a.wav", "file", "a", 0.0, 0, "")], path), read_items),
    (lambda path: write_table([ENTRY], path), read_table),
    (lambda path: write_fingerprints({"a": np.arange(3, dtype=np.uint32)}, path), read_fingerprints),
    (lambda path: write_notes([notes_table("a", [NOTE])], path), read_notes),
    (lambda path: write_notes([notes_table("a", [NOTE])], path), lambda path: read_notes(path, ["a"])),
    (lambda path: write_notes([notes_table("a", [NOTE])], path), lambda path: list(notes_by_track(path))),
    (lambda path: write_notes([notes_table("a", [NOTE])], path), count_notes),
    (lambda path: write_stem_table([STEM], path), lambda path: read_stems([path])),
    (write_vectors, lambda path: read_set(path, KIND)),
    (write_bits, read_bits),
]


@pytest.mark.parametrize(("write", "read"), TABLES, ids=range(len(TABLES)))
def test_a_table_that_is_not_what_was_written_is_refused(
    tmp_path: Path, write: Callable[[Path], object], read: Callable[[Path], object]
) -> None:
    path = tmp_path / "a=1.parquet"
    write(path)
    read(path)
    whole, names = path.read_bytes(), pq.read_schema(path).names

    def refuses() -> None:
        with pytest.raises(DescantError, match=r"a=1.parquet cannot be read") as shown:
            read(path)
        assert "run snakemake again" in shown.value.cure

    for part in range(PARTS):
        path.write_bytes(whole[: len(whole) * part // PARTS])
        refuses()
    for foreign in ({"x": [1]}, {name: [[True]] for name in names}, {name: [1] for name in names[1:]}):
        pq.write_table(pa.table(foreign), path)
        refuses()
    path.unlink()
    refuses()
    path.mkdir()
    refuses()


def test_what_else_a_table_has_stays_unread(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"more": [[1]], "b": [0.5], "a": pa.array(["x"], pa.large_string())}), path)
    schema = pa.schema([("a", pa.string()), ("b", pa.float64())])
    assert read_own(path, schema).equals(pa.table({"a": ["x"], "b": [0.5]}, schema))
