"""``ingest``: turn one shard's items into verified tracks."""

import logging
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from descant.commands.cli import parse_settings, run
from descant.config.corpus import Corpus
from descant.corpus.fingerprint import write_fingerprints
from descant.corpus.ingest import ingest
from descant.corpus.notes import write_notes
from descant.corpus.outputs import whole_folder
from descant.corpus.shards import items_of
from descant.corpus.store import Store
from descant.corpus.table import REJECTED, USED, write_table
from descant.corpus.tags import label_entries

log = logging.getLogger(__name__)


def main(
    settings: Annotated[str, typer.Option(help="the section 'corpus' of the configuration, as JSON")],
    shard: Annotated[int, typer.Option(min=0, help="number of the shard, from 0")],
    tracks: Annotated[Path, typer.Option(help="folder to make, with a lossless copy of each track")],
    table: Annotated[Path, typer.Option(help="Parquet table to write: what became of each item, and why")],
    fingerprints_table: Annotated[
        Path, typer.Option("--fingerprints", help="Parquet table to write: what near-duplicates are known by")
    ],
    notes_table: Annotated[
        Path, typer.Option("--notes", help="Parquet table to write: the notes of rendered tracks, a row each")
    ],
    store: Annotated[
        Path | None, typer.Option(help="folder where decoded recordings are kept, by what they hold, for later runs")
    ] = None,
) -> None:
    """Decode or render each item of a shard, verify it, and keep a copy named by its content.

    A bad file is set aside with a reason in the table; it never stops the rest, even if it makes the decoder hang
    or crash.
    """
    corpus = parse_settings(Corpus, settings)
    items = items_of(corpus, shard)
    kept = Store(store, "corpus", "audio") if store else None
    with whole_folder(tracks) as folder:
        entries, fingerprints, notes = ingest(items, corpus, folder, kept)
    if kept:
        kept.settle("ingest", shard)
    write_fingerprints(fingerprints, fingerprints_table)
    write_notes(notes, notes_table)
    write_table(label_entries(entries, items, corpus), table)
    counts = Counter(entry.status for entry in entries)
    log.info(
        "shard %d: %d tracks used, %d of them decoded before; %d set aside",
        shard,
        counts[USED],
        kept.found if kept else 0,
        counts[REJECTED],
    )


if __name__ == "__main__":
    run(main)
