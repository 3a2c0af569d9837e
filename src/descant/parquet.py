"""Reading Parquet files: our own, and a stranger's, of which small ones can say that they hold gigabytes."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from descant.errors import ResultError

ROWS_AT_ONCE = 1 << 16


def read_own(path: Path, schema: pa.Schema, chosen: pc.Expression | None = None) -> pa.Table:
    """Read a table that a job of this pipeline wrote.

    Args:
        path: of the file.
        schema: the columns that are read; what other columns there are stays unread.
        chosen: which rows are read; all where it is None.

    Returns:
        The columns, in the schema's order and types.

    Raises:
        ResultError: when it is missing, torn, or not such a table.
    """
    try:
        # without partitioning, a name with = in it would be one more column
        table = pq.read_table(path, columns=schema.names, filters=chosen, partitioning=None)
        return table.cast(schema)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, why: object) -> ResultError:
    """The error of a file that a job of this pipeline wrote, and that cannot be read back."""
    return ResultError(f"{path} cannot be read: {why}", "delete it and run snakemake again")


def read_bounded(
    path: Path, columns: Sequence[str], optional: Sequence[str], most_rows: int, most_bytes: int
) -> pa.Table:
    """Read columns of numbers, truth values and texts; what other columns there are stays unread.

    Texts are read as their dictionaries first, so that a text that is repeated a million times is not written out
    before its size is known. Checksums of pages are verified where the file has them.

    Args:
        path: of the file.
        columns: that must be there.
        optional: that are read where they are there.
        most_rows: refused above.
        most_bytes: of the file, and of the table in memory; refused above.

    Raises:
        OSError: when it cannot be read.
        ValueError: when it is no Parquet file, is too large, lacks a column, or has one that is no number or text.
    """
    if path.stat().st_size > most_bytes:
        raise ValueError(f"it has {path.stat().st_size:,} bytes; {most_bytes:,} are the most")
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
            groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
        stated = sum(group.total_byte_size for group in groups)
        if rows > most_rows or stated > most_bytes:
            raise ValueError(
                f"it says that it has {rows:,} rows in {stated:,} bytes; "
                f"{most_rows:,} rows in {most_bytes:,} bytes are the most"
            )
        wanted = _wanted(schema, columns, optional)
        return _read(path, schema, wanted, most_rows, most_bytes)
    except (pa.ArrowException, IndexError, KeyError, OverflowError) as error:
        raise ValueError(f"it is no Parquet file that can be read: {error}") from error


def _wanted(schema: pa.Schema, columns: Sequence[str], optional: Sequence[str]) -> list[str]:
    names = list(schema.names)
    if missing := [name for name in columns if names.count(name) != 1]:
        raise ValueError(f"it has {names.count(missing[0])} columns {missing[0]}, it was written by another version")
    wanted = [*columns, *(name for name in optional if names.count(name) == 1)]
    for name in wanted:
        kind = schema.field(name).type
        if not (_is_text(kind) or pa.types.is_primitive(kind) or pa.types.is_null(kind)):
            raise ValueError(f"its column {name} holds {kind}, neither numbers nor texts")
    return wanted


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _read(path: Path, schema: pa.Schema, wanted: list[str], most_rows: int, most_bytes: int) -> pa.Table:
    texts = [name for name in wanted if _is_text(schema.field(name).type)]
    batches: list[pa.RecordBatch] = []
    rows = size = 0
    with pq.ParquetFile(path, read_dictionary=texts, page_checksum_verification=True) as file:
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=wanted):
            rows += len(batch)
            size += sum(_bytes_of(column) for column in batch.columns)
            if rows > most_rows or size > most_bytes:
                raise ValueError(f"it holds more than {most_rows:,} rows or {most_bytes:,} bytes")
            batches.append(pa.RecordBatch.from_arrays([_plain(column) for column in batch.columns], batch.schema.names))
    plain = pa.schema([pa.field(name, _plain_type(schema.field(name).type)) for name in wanted], schema.metadata)
    table = pa.Table.from_batches([batch.select(wanted) for batch in batches]) if batches else plain.empty_table()
    return table.cast(plain) if batches else table


def _plain_type(kind: pa.DataType) -> pa.DataType:
    return pa.string() if _is_text(kind) else kind


def _bytes_of(column: pa.Array) -> int:
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = pc.binary_length(column.dictionary)
    written = pc.sum(pc.take(lengths, column.indices)).as_py()
    return int(written or 0) + 8 * len(column)


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
