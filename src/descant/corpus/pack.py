"""Shards merged into one sequence, with the splits dealt and a table of what became of every item."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from descant.audio.fingerprint import Words
from descant.config.corpus import Splits
from descant.corpus.duplicates import join_groups, near_duplicates
from descant.corpus.labels import apply_labels
from descant.corpus.splits import LEAST_TRACKS, deal
from descant.corpus.table import OTHER, Entry, read_table
from descant.errors import CorpusError, SequenceError
from descant.recordings import open_recordings
from descant.sequences import Labels, PackedSequence, SequenceWriter, open_sequence

SHOWN_REASONS = 5


@dataclass(frozen=True)
class Shard:
    """One shard: its mu-law sequence, its 16-bit samples, and the entries of its items."""

    sequence: PackedSequence
    waveform: PackedSequence
    entries: tuple[Entry, ...]


def read_shards(sequences: Sequence[Path], waveforms: Sequence[Path], tables: Sequence[Path]) -> tuple[Shard, ...]:
    """Open shards.

    Args:
        sequences: folders of packed mu-law classes.
        waveforms: folders of packed 16-bit samples, in the same order.
        tables: the shards' tables, in the same order.

    Returns:
        At least one shard.

    Raises:
        SequenceError: when the lists do not match, a sequence is torn or has changed, or the sequences differ in kind
            or tracks.
        CorpusError: when a table cannot be read.
    """
    if not len(sequences) == len(waveforms) == len(tables) or not sequences:
        counted = f"{len(sequences)} shard sequences, {len(waveforms)} waveforms, {len(tables)} tables"
        raise SequenceError(counted, "give one of each for a shard")
    shards = tuple(
        Shard(open_sequence(sequence), open_recordings(waveform), read_table(table))
        for sequence, waveform, table in zip(sequences, waveforms, tables, strict=True)
    )
    for shard in shards:
        # what is packed gets a digest of its own: a byte that changed before would be found by nobody
        shard.sequence.check_bytes()
        shard.waveform.check_bytes()
    cure = "delete the shards' sequences and run snakemake again"
    kinds = {shard.sequence.form for shard in shards}
    if len(kinds) > 1:
        raise SequenceError("the shards' sequences differ in classes, channels, type or rate", cure)
    for shard in shards:
        ids = [[track.track for track in sequence.tracks()] for sequence in (shard.sequence, shard.waveform)]
        if ids[0] != ids[1] or shard.sequence.sample_rate != shard.waveform.sample_rate:
            raise SequenceError("a shard's samples are not of the tracks that its mu-law classes are of", cure)
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
    # the title distinguishes names that look the same when shown
    for entry in sorted(entries, key=lambda entry: (entry.source, entry.title, entry.track, not entry.is_used)):
        if entry.is_used and entry.track in first:
            entry = entry.set_aside(f"same audio as {first[entry.track].source}", entry.track)
        elif entry.is_used:
            first[entry.track] = entry
            if entry.track not in seconds:
                entry = entry.set_aside(f"too short: {entry.seconds:.2g} s hold no sample at the models' rate")
        merged.append(entry)
    return tuple(merged)


def group_entries(entries: Sequence[Entry], fingerprints: Mapping[str, Words]) -> tuple[Entry, ...]:
    """Find the used entries that hold the same recording or render the same piece, and say so.

    Args:
        entries: of :func:`merge_entries`.
        fingerprints: of their tracks, by id.

    Returns:
        The entries in their order, with the groups filled in, and a remark at all but the first of each.
    """
    used = {entry.track for entry in entries if entry.is_used}
    recordings = near_duplicates({track: words for track, words in fingerprints.items() if track in used})
    groups = join_groups(recordings, {entry.track: entry.piece for entry in entries if entry.is_used and entry.piece})
    first: dict[str, str] = {}
    grouped = []
    for entry in entries:
        if entry.is_used and (group := groups.get(entry.track)):
            like = first.setdefault(group, entry.source)
            what = "recording" if entry.track in recordings else "piece"
            remark = "" if like == entry.source else f"the same {what} as {like}, and in one split with it"
            entry = dataclasses.replace(entry, group=group, reason="; ".join(filter(None, [entry.reason, remark])))
        grouped.append(entry)
    return tuple(grouped)


def deal_entries(
    entries: Sequence[Entry], seconds: Mapping[str, float], splits: Splits, seed: int
) -> tuple[Entry, ...]:
    """Deal the used entries to splits, near-duplicates and renderings of one piece to one.

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
    entries = [entry for entry in entries if entry.status != OTHER]
    aside = [entry for entry in entries if not entry.is_used]
    # copies of one recording count as one
    count = len({entry.group or entry.track for entry in entries if entry.is_used})
    lines = [f"    {entry.source}: {entry.reason}" for entry in aside[:SHOWN_REASONS]]
    if len(aside) > SHOWN_REASONS:
        lines.append(f"    and {len(aside) - SHOWN_REASONS} more")
    usable = {0: "no usable track", 1: "1 usable track"}.get(count, f"{count} usable tracks")
    if copies := len(entries) - len(aside) - count:
        usable += f" (besides {copies} of the same recordings or pieces)"
    reasons = f"; {len(aside)} of {len(entries)} items were set aside:\n" + "\n".join(lines) if lines else ""
    return CorpusError(
        f"the corpus has {usable}, but {LEAST_TRACKS} are the least: one each for train, validation and test{reasons}",
        "add recordings, or mend those that were set aside; a long recording can be cut into several files",
    )


def pack(
    shards: Sequence[Shard],
    splits: Splits,
    seed: int,
    folder: Path,
    waveform: Path,
    labels: Mapping[str, Labels],
    fingerprints: Mapping[str, Words],
    others: Sequence[Entry] = (),
) -> tuple[Entry, ...]:
    """Write the used tracks of all shards as two sequences, in the order of their ids.

    Args:
        shards: opened.
        splits: the shares wanted.
        seed: root seed.
        folder: where the mu-law classes are written; the same bytes whatever the number of shards.
        waveform: where the 16-bit samples are written.
        labels: a person's own, by the source's name in NFC; they are put over those of the tags.
        fingerprints: of the tracks, by id; one without is compared with none.
        others: rows of what is no music.

    Returns:
        The entries of all items, splits dealt.

    Raises:
        CorpusError: when too few tracks are usable, with the first reasons.
    """
    seconds = {row.track: row.length / shard.sequence.rate for shard in shards for row in shard.sequence.tracks()}
    merged = merge_entries([*(entry for shard in shards for entry in shard.entries), *others], seconds)
    merged = group_entries(apply_labels(merged, labels), fingerprints)
    entries = deal_entries(merged, seconds, splits, seed)
    used = sorted((entry for entry in entries if entry.is_used), key=lambda entry: entry.track)
    first = shards[0]
    with SequenceWriter(folder, *first.sequence.form) as writer:
        _copy([shard.sequence for shard in shards], used, writer)
    with SequenceWriter(waveform, *first.waveform.form) as writer:
        _copy([shard.waveform for shard in shards], used, writer)
    return entries


def _copy(sequences: Sequence[PackedSequence], entries: Sequence[Entry], writer: SequenceWriter) -> None:
    """Copy the entries' tracks from the shards, in the order of the entries."""
    places = {row.track: (sequence, row) for sequence in sequences for row in sequence.tracks()}
    for entry in entries:
        sequence, row = places[entry.track]
        writer.add(entry.track, entry.split, entry.labels, sequence.blocks(row))
