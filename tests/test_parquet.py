"""A Parquet file says how large it is before it is read, and is not believed."""

import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.parquet import read_bounded

MB = 1 << 20


def read(path: Path, *columns: str, rows: int = 10**6, size: int = 64 * MB) -> pa.Table:
    return read_bounded(path, columns, ("more",), rows, size)


def arrow_peak() -> int:
    pool = pa.default_memory_pool()
    return int(pool.max_memory())


@given(
    st.lists(
        st.tuples(st.text(max_size=20), st.none() | st.integers(-(2**62), 2**62), st.booleans()),
        min_size=0,
        max_size=50,
    )
)
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int | None, bool]]
) -> None:
    path = tmp_path_factory.mktemp("p") / "t.parquet"
    texts, numbers, truths = [list(column) for column in zip(*rows, strict=True)] if rows else ([], [], [])
    table = pa.table(
        {
            "text": pa.array(texts, pa.string()),
            "number": pa.array(numbers, pa.int64()),
            "truth": pa.array(truths, pa.bool_()),
            "unread": pa.array([[1]] * len(rows), pa.list_(pa.int8())),
        }
    ).replace_schema_metadata({b"k": b"v"})
    pq.write_table(table, path, row_group_size=7)
    back = read(path, "number", "text", "truth")
    assert back.equals(table.select(["number", "text", "truth"]))
    assert back.schema.metadata[b"k"] == b"v"


def test_a_text_that_is_repeated_a_million_times_is_not_written_out(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    long = pa.DictionaryArray.from_arrays(pa.array(np.zeros(900_000, np.int32)), pa.array(["x" * 100_000]))
    pq.write_table(pa.table({"text": long}), path, store_schema=False)
    assert path.stat().st_size < MB
    before = arrow_peak()
    with pytest.raises(ValueError, match="it holds more than"):
        read(path, "text")
    assert arrow_peak() - before < 64 * MB


def test_rows_that_take_nothing_on_disk_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"number": pa.array(np.zeros(16_000_000, np.int64))}), path)
    assert path.stat().st_size < MB
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="16,000,000 rows"):
            read(path, "number")
        assert tracemalloc.get_traced_memory()[1] < 8 * MB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        (pa.array([[1]]), "neither numbers nor texts"),
        (pa.array([{"a": 1}]), "neither numbers nor texts"),
        (pa.array([b"x"]), "neither numbers nor texts"),
    ],
)
def test_what_is_no_number_and_no_text_is_refused(tmp_path: Path, column: pa.Array, shown: str) -> None:
    pq.write_table(pa.table({"a": column}), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match=shown):
        read(tmp_path / "t.parquet", "a")
    with pytest.raises(ValueError, match="0 columns b"):
        read(tmp_path / "t.parquet", "b")


def test_a_flipped_bit_is_found_where_pages_have_checksums(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"number": pa.array(range(1000))}), path, write_page_checksum=True, compression="none")
    whole = path.read_bytes()
    body = whole.index((500).to_bytes(8, "little"))
    path.write_bytes(whole[:body] + bytes([whole[body] ^ 1]) + whole[body + 1 :])
    with pytest.raises((ValueError, OSError), match=r"(?i)checksum|crc"):
        read(path, "number")
