"""The notes of rendered tracks on disk, one row a note, so that score and sound stay aligned.

Onsets and ends stand twice: in seconds of the track, and in quarter notes from the beginning of the score.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from descant.corpus.outputs import whole_file
from descant.parquet import read_own, unreadable
from descant.scores.notes import Note

SCHEMA = pa.schema(
    [
        ("track", pa.string()),
        ("onset", pa.float64()),
        ("end", pa.float64()),
        ("pitch", pa.uint8()),
        ("velocity", pa.uint8()),
        ("program", pa.uint8()),
        ("voice", pa.uint16()),
        ("onset_quarters", pa.float64()),
        ("end_quarters", pa.float64()),
    ]
)


def notes_table(track: str, notes: Sequence[Note]) -> pa.Table:
    """The notes of one track, a row each."""
    columns = {name: [getattr(note, name) for note in notes] for name in SCHEMA.names[1:]}
    return pa.table({"track": [track] * len(notes), **columns}, SCHEMA)


def write_notes(tables: Iterable[pa.Table], path: Path) -> int:
    """Write the notes of tracks as Parquet.

    Args:
        tables: of :func:`notes_table`; none where nothing was rendered.
        path: of the file.

    Returns:
        Rows written.
    """
    merged = pa.concat_tables([SCHEMA.empty_table(), *tables])
    with whole_file(path) as temporary:
        pq.write_table(merged, temporary)
    return int(merged.num_rows)


def read_notes(path: Path, tracks: Iterable[str] | None = None) -> pa.Table:
    """Read notes.

    Args:
        path: of the file.
        tracks: ids of those whose notes are read; None for all.

    Raises:
        ResultError: when the file is missing, torn or of another kind.
    """
    return read_own(path, SCHEMA, None if tracks is None else pc.field("track").isin(list(tracks)))


def count_notes(path: Path) -> int:
    """How many notes a file holds: none where the corpus was not rendered from scores.

    Raises:
        ResultError: when the file is missing, torn or of another kind.
    """
    return int(read_own(path, pa.schema([SCHEMA.field("track")])).num_rows)


def notes_by_track(path: Path) -> Iterator[tuple[str, pa.Table]]:
    """Read the notes that :func:`merge_notes` wrote, a track at a time: memory does not grow with the corpus.

    Yields:
        Each track's id, rising, and its notes.

    Raises:
        ResultError: when the file is missing, torn or of another kind.
    """
    track = ""
    parts: list[pa.RecordBatch] = []
    try:
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(SCHEMA):
                raise unreadable(path, "it holds something else")
            for batch in file.iter_batches(columns=SCHEMA.names):
                runs, start = pc.run_end_encode(batch["track"]), 0
                for name, stop in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
                    if parts and name != track:
                        yield track, pa.Table.from_batches(parts)
                        parts = []
                    track, start, part = name, stop, batch.slice(start, stop - start)
                    parts.append(part)
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, error) from error
    if parts:
        yield track, pa.Table.from_batches(parts)


def merge_notes(paths: Iterable[Path], tracks: Iterable[str], path: Path) -> int:
    """Write the notes of some tracks, by track and onset: the same bytes whatever the number of shards.

    Args:
        paths: one file a shard.
        tracks: ids of those to keep.
        path: of the file to write.

    Returns:
        Rows written.

    Raises:
        CorpusError: when a shard's file cannot be read.
    """
    kept: set[str] = set(tracks)
    tables = []
    for shard in map(read_notes, paths):
        # a track that two shards rendered alike is taken once
        mine = kept & set(pc.unique(shard["track"]).to_pylist())
        kept -= mine
        tables.append(shard.filter(pc.is_in(shard["track"], pa.array(sorted(mine), pa.string()))))
    merged = pa.concat_tables([SCHEMA.empty_table(), *tables])
    order = [(name, "ascending") for name in ("track", "onset", "pitch", "program")]
    return write_notes([merged.sort_by(order)], path)
