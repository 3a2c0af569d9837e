"""One shard of the corpus: every item becomes a verified track, or is set aside with a reason."""

import contextlib
import dataclasses
import hashlib
import logging
import os
from collections.abc import Iterable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tqdm import tqdm

from descant.audio.fingerprint import Words
from descant.config.corpus import Corpus
from descant.corpus.decode import FLOAT_BYTES, Bounds, Outcome, decoder_versions, rejected, track_file, verify
from descant.corpus.notes import notes_table
from descant.corpus.scan import AS_WRITTEN, OTHER_KIND, Item, printable
from descant.corpus.scores import locate
from descant.corpus.store import Kept, Store, link
from descant.corpus.table import OTHER, REJECTED, USED, Entry
from descant.corpus.worker import Worker, WorkerError
from descant.errors import CorpusError, ScoreError
from descant.scores.notes import program_name

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
    def programs(self) -> list[int]:
        """Those that play, rising; none for a recording."""
        return [] if self.notes is None else sorted(pc.unique(self.notes["program"]).to_pylist())

    @property
    def instrument(self) -> str:
        """The name of its one program; empty where there is none, or several."""
        return program_name(self.programs[0]) if len(self.programs) == 1 else ""


def ingest(items: Iterable[Item], corpus: Corpus, tracks: Path, store: Store | None = None) -> Ingested:
    """Verify the items of a shard, keep their audio, and record what became of each.

    Args:
        items: of the shard.
        corpus: the configuration's section.
        tracks: an existing folder for the verified copies.
        store: of recordings that were decoded before; only what is not there is decoded.

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
            track = (
                _track(worker, item, corpus, tracks, store)
                if room > 0 or item.refusal
                else Track(rejected(_full(corpus)))
            )
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


def _track(worker: Worker, item: Item, corpus: Corpus, tracks: Path, store: Store | None) -> Track:
    if item.refusal:
        return Track(rejected(item.refusal))
    made_of = _made_of(item, corpus) if store is not None and item.kind == "file" else None
    if store is not None and made_of is not None and (kept := store.find(made_of)):
        return Track(_restored(kept, tracks))
    try:
        track = worker.call(ingest_item, item, corpus, tracks)
    except WorkerError as error:
        return Track(rejected(error.problem))
    assert isinstance(track, Track)
    # what was set aside is looked at anew: a decoder may have been installed since
    if store is not None and made_of is not None and track.outcome.is_used:
        words = track.outcome.fingerprint.astype("<u4").tobytes().hex()
        facts = {**dataclasses.asdict(track.outcome), "fingerprint": words}
        store.keep(made_of, facts, track_file(tracks, track.outcome.track))
    return track


def _path(item: Item, corpus: Corpus) -> bytes:
    return os.path.join(os.fsencode(corpus.folder.path or ""), item.name)  # noqa: PTH118 - names are bytes


def _made_of(item: Item, corpus: Corpus) -> dict[str, str]:
    """All that a decoded recording follows from: its bytes, its suffix, the bounds, and the libraries."""
    with _readable(_path(item, corpus)) as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    suffix = printable(os.path.splitext(item.name)[1]).lower()  # noqa: PTH122
    return {"content": content, "suffix": suffix, "bounds": repr(_bounds(corpus)), **decoder_versions()}


def _restored(kept: Kept, tracks: Path) -> Outcome:
    words = np.frombuffer(bytes.fromhex(kept.facts["fingerprint"]), "<u4").astype(np.uint32)
    outcome = Outcome(**{**kept.facts, "fingerprint": words})
    target = tracks / f"{outcome.track}{kept.audio.suffix}"
    if not target.exists():
        link(kept.audio, target)
    return outcome


def set_aside(item: Item) -> Entry:
    """The row of an item that is not opened: it was refused, or is no music."""
    return _entry(item, Track(rejected(item.refusal)), None)


def _entry(item: Item, track: Track, first: str | None) -> Entry:
    outcome = track.outcome
    entry = Entry(
        track=outcome.track,
        title=item.title,
        source=item.source,
        seconds=round(outcome.seconds, 6),
        rate=outcome.rate,
        channels=outcome.channels,
        status=OTHER if item.kind == OTHER_KIND else USED if outcome.is_used else REJECTED,
        split="",
        reason=outcome.reason,
        duplicate_of="",
        piece=track.piece,
        programs=" ".join(map(str, track.programs)),
        instrument=track.instrument,
    )
    return entry if first is None else entry.set_aside(f"same audio as {first}", outcome.track)


@contextlib.contextmanager
def _readable(path: bytes) -> Iterator[BufferedReader]:
    """Open a file. A machine's state is no fact of it: it stops the job, which is run again when it is mended.

    Raises:
        CorpusError: when the file cannot be opened and read.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a path of bytes
            yield file
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
    inside = _path(item, corpus)
    if item.kind == "file":
        with _readable(inside) as file:
            file.read(1)
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
