"""``pack``: merge the shards into the corpus and deal the splits."""

import json
import logging
from pathlib import Path
from typing import Annotated

import typer

from descant.commands.cli import parse_settings, run
from descant.config.corpus import Splits
from descant.corpus.fingerprint import read_fingerprints
from descant.corpus.ingest import set_aside
from descant.corpus.labels import in_words, minutes_by_label, read_labels, unmatched
from descant.corpus.notes import merge_notes
from descant.corpus.outputs import whole_file
from descant.corpus.pack import pack, read_shards
from descant.corpus.scan import OTHER_KIND, read_items
from descant.corpus.splits import SPLITS, far_in_words
from descant.corpus.splits import in_words as splits_in_words
from descant.corpus.store import prune
from descant.corpus.table import write_csv
from descant.plan.windows import check_windows, parse_windows, usable_in_words
from descant.sequences import open_sequence

log = logging.getLogger(__name__)


def main(
    settings: Annotated[str, typer.Option(help="the section 'corpus.splits' of the configuration, as JSON")],
    seed: Annotated[int, typer.Option(min=0, help="root seed")],
    shard_sequences: Annotated[list[Path], typer.Option(help="folders of classes that 'encode' wrote, all shards")],
    shard_waveforms: Annotated[list[Path], typer.Option(help="folders of samples that 'encode' wrote, all shards")],
    shard_tables: Annotated[list[Path], typer.Option(help="tables that 'encode' wrote, in the same order")],
    shard_fingerprints: Annotated[list[Path], typer.Option(help="tables of fingerprints that 'ingest' wrote")],
    shard_notes: Annotated[list[Path], typer.Option(help="tables of notes that 'ingest' wrote")],
    output: Annotated[Path, typer.Option(help="folder of the mu-law sequence to write")],
    waveform: Annotated[Path, typer.Option(help="folder of the sequence of 16-bit samples to write")],
    tracks_table: Annotated[Path, typer.Option(help="CSV table to write: every item, its split, or why not")],
    labels_table: Annotated[
        Path, typer.Option(help="CSV table to write: minutes of each artist, genre and instrument, by split")
    ],
    remarks: Annotated[
        Path, typer.Option(help="JSON list of sentences to write: what people should know of the corpus")
    ],
    notes_table: Annotated[
        Path, typer.Option("--notes", help="Parquet table to write: the notes of all rendered tracks, a row each")
    ],
    windows: Annotated[
        str, typer.Option(help="JSON list of the trainings' windows, which the tracks must fill")
    ] = "[]",
    labels: Annotated[
        Path | None, typer.Option(help="CSV table to read: file, title, artist, genre, instrument")
    ] = None,
    files: Annotated[
        Path | None, typer.Option(help="table of items that 'scan' wrote, for what is no music among them")
    ] = None,
    store: Annotated[
        Path | None, typer.Option(help="folder of what was decoded and separated; what no track refers to is deleted")
    ] = None,
) -> None:
    """Merge the shards' sequences, drop what occurs in several, and deal whole tracks to train, validation and test.

    Tracks that hold the same recording in another encoding, or render the same score, are kept in one split.

    Give all shards after each option, in the same order. The result does not depend on how many there are.
    """
    own = None if labels is None else read_labels(labels)
    fingerprints = {track: words for path in shard_fingerprints for track, words in read_fingerprints(path).items()}
    shards = read_shards(shard_sequences, shard_waveforms, shard_tables)
    shares = parse_settings(Splits, settings)
    listed = read_items(files) if files else ()
    others = [set_aside(item) for item in listed if item.kind == OTHER_KIND]
    entries = pack(shards, shares, seed, output, waveform, own or {}, fingerprints, others)
    rows, unused = (entries, ()) if own is None else unmatched(entries, own)
    write_csv(rows, tracks_table)
    merge_notes(shard_notes, (entry.track for entry in entries if entry.is_used), notes_table)
    if store and (deleted := prune(store, "ingest", len(shards))):
        log.info("%d kept recordings and stems deleted, which no track refers to", deleted)
    minutes = minutes_by_label(entries)
    with whole_file(labels_table) as temporary:
        minutes.to_csv(temporary, index=False, float_format="%.2f")
    dealt = {split: [entry.seconds for entry in entries if entry.split == split] for split in SPLITS}
    for line in splits_in_words(dealt, shares):
        _say(line)
    asked = parse_windows(windows)
    index = open_sequence(waveform)
    lengths = {split: index.split(split)["length"].tolist() for split in SPLITS}
    check_windows(asked, lengths, index.sample_rate)
    known = [*far_in_words(dealt, shares), *unused, *usable_in_words(asked, lengths, index.sample_rate)]
    for line in known:
        _say(line)
    with whole_file(remarks) as temporary:
        temporary.write_text(json.dumps(known, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    grouped = {entry.track: entry.group for entry in entries if entry.group}
    if grouped:
        log.info("%d tracks are of %d recordings or pieces", len(grouped), len(set(grouped.values())))
    for line in in_words(minutes):
        log.info("%s", line)


def _say(line: str) -> None:
    """Print a line on the terminal too, where the log is a file."""
    log.info("%s", line)
    print(f"corpus: {line}")


if __name__ == "__main__":
    run(main)
