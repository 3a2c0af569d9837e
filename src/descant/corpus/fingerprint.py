"""The tracks' fingerprints on disk: the words of :mod:`descant.audio.fingerprint` by track id, as Parquet."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from descant.audio.fingerprint import Words
from descant.corpus.outputs import whole_file
from descant.parquet import read_own

SCHEMA = pa.schema([("track", pa.string()), ("words", pa.list_(pa.uint32()))])


def write_fingerprints(fingerprints: Mapping[str, Words], path: Path) -> None:
    """Write fingerprints by track id as Parquet."""
    columns = [list(fingerprints), list(fingerprints.values())]
    table = pa.table([pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], SCHEMA)
    with whole_file(path) as temporary:
        pq.write_table(table, temporary)


def read_fingerprints(path: Path) -> dict[str, Words]:
    """Read fingerprints by track id.

    Raises:
        ResultError: when the file is missing, torn or of another kind.
    """
    table = read_own(path, SCHEMA)
    return {
        track: words.values.to_numpy() for track, words in zip(table["track"].to_pylist(), table["words"], strict=True)
    }
