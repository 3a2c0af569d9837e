from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from descant.corpus.notes import SCHEMA, merge_notes, notes_by_track, notes_table, read_notes, write_notes
from descant.errors import ResultError
from descant.scores.notes import Note


def notes(count: int, program: int = 0) -> list[Note]:
    return [Note(0.5 * n, 60 + n, 0.5 * n + 0.4, 80, program, n % 2, 1.0 * n, 1.0 * n + 0.8) for n in range(count)]


def test_shards_merge_to_the_same_bytes_however_they_are_dealt(tmp_path: Path) -> None:
    tables = [notes_table(f"{n:016x}", notes(n, n)) for n in (5, 3, 1, 4)]
    contents = set()
    for name, shards in (("a", [tables[:2], tables[2:]]), ("b", [tables[::-1], []]), ("c", [tables, tables[:2]])):
        paths = [tmp_path / f"{name}{n}.parquet" for n in range(len(shards))]
        for path, shard in zip(paths, shards, strict=True):
            write_notes(shard, path)
        kept = [f"{n:016x}" for n in (5, 1, 4, 9)]
        assert merge_notes(paths, kept, tmp_path / name) == 10
        contents.add((tmp_path / name).read_bytes())
    assert len(contents) == 1
    merged = read_notes(tmp_path / "a")
    assert merged["track"].to_pylist() == [f"{n:016x}" for n in (1, 4, 4, 4, 4, 5, 5, 5, 5, 5)]
    last = merged.slice(9).to_pylist()[0]
    assert last == {
        "track": f"{5:016x}", "onset": 2.0, "end": 2.4, "pitch": 64, "velocity": 80, "program": 5, "voice": 0,
        "onset_quarters": 4.0, "end_quarters": 4.8,
    }  # fmt: skip


def test_recordings_have_no_notes_and_torn_files_are_named(tmp_path: Path) -> None:
    write_notes([], tmp_path / "none.parquet")
    assert merge_notes([tmp_path / "none.parquet"], ["a"], tmp_path / "all.parquet") == 0
    assert read_notes(tmp_path / "all.parquet").schema.equals(SCHEMA)
    (tmp_path / "torn.parquet").write_bytes((tmp_path / "none.parquet").read_bytes()[:-9])
    with pytest.raises(ResultError, match=r"torn.parquet cannot be read"):
        read_notes(tmp_path / "torn.parquet")


@pytest.mark.parametrize("batch", [1, 3, 1000])
def test_notes_are_read_a_track_at_a_time(tmp_path: Path, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {f"{n:016x}": notes_table(f"{n:016x}", notes(n, n)) for n in (1, 3, 4, 5)}
    write_notes(tables.values(), tmp_path / "notes")
    whole = pq.ParquetFile.iter_batches
    monkeypatch.setattr(pq.ParquetFile, "iter_batches", lambda file, **over: whole(file, batch, **over))
    found = dict(notes_by_track(tmp_path / "notes"))
    assert list(found) == list(tables)
    assert all(found[track].equals(table) for track, table in tables.items())


def test_a_table_of_another_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "torn").write_bytes(b"PAR1")
    pq.write_table(pa.table({"track": ["a"]}), tmp_path / "other")
    for name in ("torn", "other", "none"):
        with pytest.raises(ResultError, match=f"{name} cannot be read"):
            list(notes_by_track(tmp_path / name))
    write_notes([], tmp_path / "empty")
    assert list(notes_by_track(tmp_path / "empty")) == []
