"""One shard of the corpus: every item becomes a verified track, or is set aside with a reason."""

import dataclasses
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from tqdm import tqdm

from descant.audio.fingerprint import Words
from descant.config.corpus import Corpus
from descant.corpus.decode import FLOAT_BYTES, Bounds, Outcome, rejected, track_file, verify
from descant.corpus.notes import notes_table
from descant.corpus.scan import AS_WRITTEN, Item, printable
from descant.corpus.scores import locate
from descant.corpus.table import OTHER, REJECTED, USED, Entry
from descant.corpus.worker import Worker, WorkerError
from descant.errors import CorpusError, ScoreError

log = logging.getLogger(__name__)

# A file's header and a decoder's last block come beside the samples
FILE_MARGIN = 1 << 20


class Ingested(NamedTuple):
    """What became of a shard.

    Attributes:
        entries: one an item, in their order.
        fingerprints: of each track, by its id.
        notes: tables of :func:`~descant.corpus.notes.notes_table`, one a rendered track.
    """

    entries: tuple[Entry, ...]
    fingerprints: dict[str, Words]
    notes: tuple[pa.Table, ...]


class Track(NamedTuple):
    """What became of one item.

    Attributes:
        outcome: of its audio.
        notes: that it plays; None for a recording, and for what is set aside.
        piece: name of the score that it renders, or empty.
    """

    outcome: Outcome
    notes: pa.Table | None = None
    piece: str = ""

    @property
    def programs(self) -> str:
        """Those that play, as :class:`~descant.corpus.table.Entry` writes them."""
        return "" if self.notes is None else " ".join(map(str, sorted(pc.unique(self.notes["program"]).to_pylist())))


def ingest(items: Iterable[Item], corpus: Corpus, tracks: Path) -> Ingested:
    """Verify the items of a shard, keep their audio, and tell what became of each.

    Args:
        items: of the shard.
        corpus: the configuration's section.
        tracks: an existing folder for the verified copies.

    Returns:
        The entries, no split dealt yet, the fingerprints, and the notes of what was rendered.

    Raises:
        AudioFileError: when a copy cannot be written; a bad item never raises.
        CorpusError: when a file cannot be read, whatever it holds.
    """
    entries: list[Entry] = []
    sources: dict[str, str] = {}
    fingerprints: dict[str, Words] = {}
    notes: list[pa.Table] = []
    room = corpus.folder.max_corpus_gib * 2**30 / corpus.shards
    with Worker(corpus.item_minutes * 60, _bounds(corpus).bytes + FILE_MARGIN) as worker:
        for item in tqdm(list(items), unit="track", disable=None):
            track = _track(worker, item, corpus, tracks) if room > 0 or item.refusal else Track(rejected(_full(corpus)))
            if track.outcome.is_used and track.outcome.track not in sources:
                room -= track.outcome.seconds * track.outcome.rate * track.outcome.channels * FLOAT_BYTES
                if room < 0:
                    track_file(tracks, track.outcome.track).unlink()
                    track = Track(dataclasses.replace(track.outcome, track="", reason=_full(corpus)))
            outcome = track.outcome
            first = sources.get(outcome.track)
            if outcome.is_used and first is None:
                sources[outcome.track] = item.source
                fingerprints[outcome.track] = outcome.fingerprint
                if track.notes is not None:
                    notes.append(track.notes)
            if outcome.reason:
                log.info("%s: %s", item.source, outcome.reason)
            entries.append(_entry(item, track, first))
    return Ingested(tuple(entries), fingerprints, tuple(notes))


def _full(corpus: Corpus) -> str:
    limit = f"corpus.folder.max_corpus_gib, {corpus.folder.max_corpus_gib:g}"
    return f"the files before it, all together, decode to as much as {limit}, allows"


def _bounds(corpus: Corpus) -> Bounds:
    return Bounds(corpus.folder.max_minutes * 60, int(corpus.folder.max_decoded_gib * 2**30))


def _track(worker: Worker, item: Item, corpus: Corpus, tracks: Path) -> Track:
    if item.refusal:
        return Track(rejected(item.refusal))
    try:
        track = worker.call(ingest_item, item, corpus, tracks)
    except WorkerError as error:
        return Track(rejected(error.problem))
    assert isinstance(track, Track)
    return track


def _entry(item: Item, track: Track, first: str | None) -> Entry:
    outcome = track.outcome
    entry = Entry(
        track=outcome.track,
        title=item.title,
        source=item.source,
        seconds=round(outcome.seconds, 6),
        rate=outcome.rate,
        channels=outcome.channels,
        status=OTHER if item.kind == "other" else USED if outcome.is_used else REJECTED,
        split="",
        reason=outcome.reason,
        duplicate_of="",
        piece=track.piece,
        programs=track.programs,
    )
    return entry if first is None else entry.set_aside(f"same audio as {first}", outcome.track)


def _check_readable(path: bytes) -> None:
    """A machine's state is no fact of a file: it stops the job, which is run again when it is mended.

    Raises:
        CorpusError: when the file cannot be opened and read.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a path of bytes
            file.read(1)
    except OSError as error:
        raise CorpusError(
            f"{printable(os.path.basename(path))} cannot be read: {error.strerror}",  # noqa: PTH119
            "mend its rights, the disk or the mount, then run again",
        ) from error


def ingest_item(item: Item, corpus: Corpus, tracks: Path) -> Track:
    """Render or decode one item; called in the worker.

    Args:
        item: not a refused one.
        corpus: the configuration's section.
        tracks: folder for the verified copy.

    Returns:
        What became of it.

    Raises:
        AudioFileError: when the copy cannot be written.
    """
    inside = os.path.join(os.fsencode(corpus.folder.path or ""), item.name)  # noqa: PTH118 - names are bytes
    if item.kind == "file":
        _check_readable(inside)
        return Track(verify(inside, tracks, _bounds(corpus)))
    # music21 takes long to import, and a folder of recordings does not need it
    from descant.corpus.rendering import render

    scores = corpus.scores
    program = None if item.program == AS_WRITTEN else item.program
    rendering = tracks / f".{os.getpid()}.score.tmp"
    try:
        own = corpus.source == "midi"
        score = Path(os.fsdecode(inside)) if own else locate(scores.pieces, os.fsdecode(item.name))
        rendered = render(score, item.quarters_per_minute or None, program, scores, rendering)
        bounds = Bounds(scores.seconds_per_piece + 1, _bounds(corpus).bytes)
        outcome = verify(os.fsencode(rendering), tracks, bounds)
    except (CorpusError, ScoreError) as error:
        return Track(rejected(error.problem))
    finally:
        rendering.unlink(missing_ok=True)
    if not outcome.is_used:
        return Track(outcome)
    outcome = dataclasses.replace(outcome, reason="; ".join(filter(None, [rendered.remark, outcome.reason])))
    return Track(outcome, notes_table(outcome.track, rendered.notes), rendered.piece)
