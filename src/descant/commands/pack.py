"""``pack``: merge the shards into the corpus and deal the splits."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from descant.commands.cli import parse_settings, run
from descant.config.corpus import Splits
from descant.corpus.pack import pack, read_shards
from descant.corpus.table import write_csv

log = logging.getLogger(__name__)


def main(
    settings: Annotated[str, typer.Option(help="the section 'corpus.splits' of the configuration, as JSON")],
    seed: Annotated[int, typer.Option(min=0, help="root seed")],
    shard_sequences: Annotated[list[Path], typer.Option(help="folders that 'encode' wrote, all shards")],
    shard_tables: Annotated[list[Path], typer.Option(help="tables that 'ingest' wrote, in the same order")],
    output: Annotated[Path, typer.Option(help="folder of the sequence to write")],
    tracks_table: Annotated[Path, typer.Option(help="CSV table to write: every item, its split, or why not")],
) -> None:
    """Merge the shards' sequences, drop what occurs in several, and deal whole tracks to train, validation and test.

    Give all shards after each option, in the same order. The result does not depend on how many there are.
    """
    entries = pack(read_shards(shard_sequences, shard_tables), parse_settings(Splits, settings), seed, output)
    write_csv(entries, tracks_table)
    for split in ("train", "validation", "test"):
        dealt = [entry.seconds for entry in entries if entry.split == split]
        log.info("%s: %d tracks, %.1f min", split, len(dealt), sum(dealt) / 60)


if __name__ == "__main__":
    run(main)
