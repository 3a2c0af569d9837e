"""``separate``: take the stem that is trained on out of each track."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from descant.commands.cli import parse_settings, run
from descant.config.corpus import Separation
from descant.corpus.outputs import whole_folder
from descant.corpus.store import Store
from descant.corpus.table import read_table, write_table
from descant.separation.shard import separate_shard, write_stem_table

log = logging.getLogger(__name__)


def main(
    settings: Annotated[str, typer.Option(help="the section 'separation' of the configuration, as JSON")],
    table: Annotated[Path, typer.Option(help="the shard's table that 'ingest' wrote")],
    tracks: Annotated[Path, typer.Option(help="folder of verified tracks that 'ingest' made")],
    output: Annotated[Path, typer.Option(help="folder to make, with the stem of each track under the track's id")],
    output_table: Annotated[Path, typer.Option(help="the shard's table to write: failed tracks are set aside in it")],
    stem_table: Annotated[Path, typer.Option(help="Parquet table to write: what was measured of each stem")],
    weights: Annotated[Path | None, typer.Option(help="folder of spleeter's models, with 2stems in it")] = None,
    interpreter: Annotated[
        Path | None, typer.Option(help="text file that names the Python of spleeter's environment; for tensorflow")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of the network")] = 1,
    store: Annotated[
        Path | None, typer.Option(help="folder where a network's stems are kept, by track, for later runs")
    ] = None,
    shard: Annotated[int, typer.Option(min=0, help="number of the shard, for the store")] = 0,
) -> None:
    """Separate all tracks of a shard and check every stem. With method 'none' the tracks are linked as they are.

    A stem that fails a check is not trained on: its track is set aside, with the reason, in the table.
    """
    section = parse_settings(Separation, settings)
    kept = Store(store, "separation", "audio") if store else None
    with whole_folder(output) as folder:
        entries, rows = separate_shard(section, read_table(table), tracks, folder, weights, interpreter, threads, kept)
    if kept and section.method == "spleeter":
        # without it the stems stay that were separated before
        kept.settle("separate", shard)
    write_table(entries, output_table)
    write_stem_table(rows, stem_table)
    log.info(
        "%d tracks kept, %d of them separated before; %d set aside",
        sum(entry.is_used for entry in entries),
        kept.found if kept else 0,
        sum(bool(row.failure) for row in rows),
    )


if __name__ == "__main__":
    run(main)
