"""Shards merged into one sequence, with the splits dealt and a table of what became of every item."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from descant.audio.fingerprint import Words
from descant.config.corpus import Splits
from descant.corpus.duplicates import near_duplicates
from descant.corpus.labels import apply_labels
from descant.corpus.splits import LEAST_TRACKS, deal
from descant.corpus.table import Entry, read_table
from descant.errors import CorpusError, SequenceError
from descant.sequences import Labels, PackedSequence, SequenceWriter, open_sequence

SHOWN_REASONS = 5


@dataclass(frozen=True)
class Shard:
    """One shard: its sequence, and the entries of its items."""

    sequence: PackedSequence
    entries: tuple[Entry, ...]


def read_shards(sequences: Sequence[Path], tables: Sequence[Path]) -> tuple[Shard, ...]:
    """Open shards.

    Args:
        sequences: folders of packed sequences.
        tables: the shards' tables, in the same order.

    Returns:
        At least one shard.

    Raises:
        SequenceError: when the lists do not match, a sequence is torn, or the sequences differ in kind.
        CorpusError: when a table cannot be read.
    """
    if len(sequences) != len(tables) or not sequences:
        raise SequenceError(
            f"{len(sequences)} shard sequences but {len(tables)} tables", "give one of each for a shard"
        )
    shards = tuple(Shard(open_sequence(s), read_table(t)) for s, t in zip(sequences, tables, strict=True))
    kinds = {shard.sequence.form for shard in shards}
    if len(kinds) > 1:
        cure = "delete the shards' sequences and run snakemake again"
        raise SequenceError("the shards' sequences differ in classes, channels, type or rate", cure)
    return shards


def merge_entries(entries: Iterable[Entry], seconds: Mapping[str, float]) -> tuple[Entry, ...]:
    """Put the entries of all shards in one order, and set aside duplicates over shards and what is too short.

    Args:
        entries: of all shards.
        seconds: duration of each track that has steps in its shard's sequence, by its id.

    Returns:
        All entries by their sources: the same whatever the number of shards.
    """
    merged: list[Entry] = []
    first: dict[str, Entry] = {}
    # the title tells apart names that look the same when shown
    for entry in sorted(entries, key=lambda entry: (entry.source, entry.title, entry.track, not entry.is_used)):
        if entry.is_used and entry.track in first:
            entry = entry.set_aside(f"same audio as {first[entry.track].source}", entry.track)
        elif entry.is_used:
            first[entry.track] = entry
            if entry.track not in seconds:
                entry = entry.set_aside(f"too short: {entry.seconds:.2f} s does not fill one code of the longest hop")
        merged.append(entry)
    return tuple(merged)


def group_entries(entries: Sequence[Entry], fingerprints: Mapping[str, Words]) -> tuple[Entry, ...]:
    """Find the used entries that hold the same recording, and tell it.

    Args:
        entries: of :func:`merge_entries`.
        fingerprints: of their tracks, by id.

    Returns:
        The entries in their order, with the groups filled in, and a remark at all but the first of each.
    """
    used = {entry.track for entry in entries if entry.is_used}
    groups = near_duplicates({track: words for track, words in fingerprints.items() if track in used})
    first: dict[str, str] = {}
    grouped = []
    for entry in entries:
        if entry.is_used and (group := groups.get(entry.track)):
            like = first.setdefault(group, entry.source)
            remark = "" if like == entry.source else f"the same recording as {like}, and in one split with it"
            entry = dataclasses.replace(entry, group=group, reason="; ".join(filter(None, [entry.reason, remark])))
        grouped.append(entry)
    return tuple(grouped)


def deal_entries(
    entries: Sequence[Entry], seconds: Mapping[str, float], splits: Splits, seed: int
) -> tuple[Entry, ...]:
    """Deal the used entries to splits, near-duplicates to one.

    Args:
        entries: of :func:`group_entries`.
        seconds: duration of each track, by its id.
        splits: the shares wanted.
        seed: root seed.

    Returns:
        The entries in their order, with the splits filled in.

    Raises:
        CorpusError: when too few tracks are usable, with the first reasons.
    """
    used = {entry.track: seconds[entry.track] for entry in entries if entry.is_used}
    groups = {entry.track: entry.group for entry in entries if entry.is_used and entry.group}
    if len({groups.get(track, track) for track in used}) < LEAST_TRACKS:
        raise _too_few(entries)
    dealt = deal(used, splits, seed, groups)
    return tuple(dataclasses.replace(entry, split=dealt[entry.track]) if entry.is_used else entry for entry in entries)


def _too_few(entries: Sequence[Entry]) -> CorpusError:
    aside = [entry for entry in entries if not entry.is_used]
    # copies of one recording count as one
    count = len({entry.group or entry.track for entry in entries if entry.is_used})
    lines = [f"    {entry.source}: {entry.reason}" for entry in aside[:SHOWN_REASONS]]
    if len(aside) > SHOWN_REASONS:
        lines.append(f"    and {len(aside) - SHOWN_REASONS} more")
    usable = {0: "no usable track", 1: "1 usable track"}.get(count, f"{count} usable tracks")
    if copies := len(entries) - len(aside) - count:
        usable += f" (besides {copies} of the same recordings)"
    told = f"; {len(aside)} of {len(entries)} items were set aside:\n" + "\n".join(lines) if lines else ""
    return CorpusError(
        f"the corpus has {usable}, but {LEAST_TRACKS} are the least: one each for train, validation and test{told}",
        "add recordings, or mend those that were set aside; a long recording can be cut into several files",
    )


def pack(
    shards: Sequence[Shard],
    splits: Splits,
    seed: int,
    folder: Path,
    labels: Mapping[str, Labels],
    fingerprints: Mapping[str, Words],
) -> tuple[Entry, ...]:
    """Write the used tracks of all shards as one sequence, in the order of their ids.

    Args:
        shards: opened.
        splits: the shares wanted.
        seed: root seed.
        folder: where the sequence is written; the same bytes whatever the number of shards.
        labels: a person's own, by the source's name in NFC; they are put over those of the tags.
        fingerprints: of the tracks, by id; one without is compared with none.

    Returns:
        The entries of all items, splits dealt.

    Raises:
        CorpusError: when too few tracks are usable, with the first reasons.
    """
    places = {row.track: (shard.sequence, row) for shard in shards for row in shard.sequence.tracks()}
    seconds = {track: row.length / sequence.rate for track, (sequence, row) in places.items()}
    merged = merge_entries((entry for shard in shards for entry in shard.entries), seconds)
    merged = group_entries(apply_labels(merged, labels), fingerprints)
    entries = deal_entries(merged, seconds, splits, seed)
    first = shards[0].sequence
    with SequenceWriter(folder, *first.form) as writer:
        for entry in sorted((entry for entry in entries if entry.is_used), key=lambda entry: entry.track):
            sequence, row = places[entry.track]
            writer.add(entry.track, entry.split, entry.labels, sequence.blocks(row))
    return entries
