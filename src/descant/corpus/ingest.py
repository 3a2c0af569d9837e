"""One shard of the corpus: every item becomes a verified track, or is set aside with a reason."""

import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from descant.audio.fingerprint import Words
from descant.config.corpus import Corpus
from descant.corpus.decode import Bounds, Outcome, rejected, verify
from descant.corpus.scan import Item
from descant.corpus.scores import locate
from descant.corpus.table import OTHER, REJECTED, USED, Entry
from descant.corpus.worker import Worker, WorkerError
from descant.errors import CorpusError

log = logging.getLogger(__name__)

# A file's header and a decoder's last block come beside the samples
FILE_MARGIN = 1 << 20


class Ingested(NamedTuple):
    """What became of a shard: an entry an item, in their order, and the fingerprint of each track by its id."""

    entries: tuple[Entry, ...]
    fingerprints: dict[str, Words]


def ingest(items: Iterable[Item], corpus: Corpus, tracks: Path) -> Ingested:
    """Verify the items of a shard, keep their audio, and tell what became of each.

    Args:
        items: of the shard.
        corpus: the configuration's section.
        tracks: an existing folder for the verified copies.

    Returns:
        The entries, no split dealt yet, and the fingerprints.

    Raises:
        AudioFileError: when a copy cannot be written; a bad item never raises.
    """
    entries: list[Entry] = []
    sources: dict[str, str] = {}
    fingerprints: dict[str, Words] = {}
    with Worker(corpus.item_minutes * 60, _bounds(corpus).bytes + FILE_MARGIN) as worker:
        for item in tqdm(list(items), unit="track", disable=None):
            outcome = _outcome(worker, item, corpus, tracks)
            first = sources.get(outcome.track)
            if outcome.is_used and first is None:
                sources[outcome.track] = item.source
                fingerprints[outcome.track] = outcome.fingerprint
            if outcome.reason:
                log.info("%s: %s", item.source, outcome.reason)
            entries.append(_entry(item, outcome, first))
    return Ingested(tuple(entries), fingerprints)


def _bounds(corpus: Corpus) -> Bounds:
    return Bounds(corpus.folder.max_minutes * 60, int(corpus.folder.max_decoded_gib * 2**30))


def _outcome(worker: Worker, item: Item, corpus: Corpus, tracks: Path) -> Outcome:
    if item.refusal:
        return rejected(item.refusal)
    try:
        outcome = worker.call(ingest_item, item, corpus, tracks)
    except WorkerError as error:
        return rejected(error.problem)
    assert isinstance(outcome, Outcome)
    return outcome


def _entry(item: Item, outcome: Outcome, first: str | None) -> Entry:
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
    )
    return entry if first is None else entry.set_aside(f"same audio as {first}", outcome.track)


def ingest_item(item: Item, corpus: Corpus, tracks: Path) -> Outcome:
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
    if item.kind == "file":
        source = os.path.join(os.fsencode(corpus.folder.path or ""), item.name)  # noqa: PTH118 - names are bytes
        return verify(source, tracks, _bounds(corpus))
    # music21 takes long to import, and a folder of recordings does not need it
    from descant.corpus.rendering import render

    scores = corpus.scores
    rendering = tracks / f".{os.getpid()}.score.tmp"
    try:
        score = locate(scores.pieces, os.fsdecode(item.name))
        render(score, item.quarters_per_minute, scores.seconds_per_piece, scores.render_rate, rendering)
        return verify(os.fsencode(rendering), tracks, Bounds(scores.seconds_per_piece + 1, _bounds(corpus).bytes))
    except CorpusError as error:
        return rejected(error.problem)
    finally:
        rendering.unlink(missing_ok=True)
