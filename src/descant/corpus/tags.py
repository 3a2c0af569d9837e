"""Labels that the sources of a shard carry themselves: tags in the recordings, lines in the list of pieces."""

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

import mutagen
import soundfile
from mutagen.aiff import AIFF
from mutagen.easymp4 import EasyMP4
from mutagen.flac import FLAC
from mutagen.mp3 import EasyMP3
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE
from tqdm import tqdm

from descant.config.corpus import Corpus
from descant.corpus.labels import clean, label
from descant.corpus.scan import Item, rendering_title
from descant.corpus.scores import read_pieces
from descant.corpus.table import Entry
from descant.corpus.worker import Worker
from descant.errors import CorpusError, DescantError
from descant.sequences import Labels

log = logging.getLogger(__name__)

TAG_SECONDS = 30.0
KINDS = [EasyMP3, EasyMP4, FLAC, OggVorbis, OggOpus, OggFLAC, WAVE, AIFF]
# of Vorbis comments and mutagen's easy tags, then of plain ID3
KEYS = {"title": ("title", "TIT2"), "artist": ("artist", "TPE1"), "genre": ("genre", "TCON")}


def read_tags(source: bytes) -> Labels:
    """Read the tags of a recording; called in the worker, as they are parsed from bytes of unknown origin.

    Args:
        source: path, as bytes.

    Returns:
        Labels, each from the first value of its tag, empty where there is none.

    Raises:
        CorpusError: when the tags cannot be parsed.
    """
    try:
        file = mutagen.File(source, options=KINDS)
        found = {label: _first(file.tags or {}, keys) if file else "" for label, keys in KEYS.items()}
        if isinstance(file, WAVE | AIFF) and not all(found.values()):
            # their own text chunks, which mutagen passes over
            with soundfile.SoundFile(source) as audio:
                found = {label: found[label] or getattr(audio, label) for label in KEYS}
    except (mutagen.MutagenError, soundfile.SoundFileError, OSError) as error:
        raise CorpusError(f"its tags cannot be read: {clean(str(error))}", "write them anew") from error
    return Labels(**{label: clean(text) for label, text in found.items()})


def _first(tags: Mapping[str, Any], keys: Sequence[str]) -> str:
    for key in keys:
        # an ID3 frame holds its values in `text`
        values = getattr(tags.get(key), "text", tags.get(key))
        if values:
            return str(values[0])
    return ""


def label_entries(entries: Sequence[Entry], items: Sequence[Item], corpus: Corpus) -> tuple[Entry, ...]:
    """Label the used entries of a shard by what their sources say: tags of a recording, the list's line of a score.

    Args:
        entries: one an item, in the same order.
        items: of the shard.
        corpus: the configuration's section.

    Returns:
        The entries in their order; a title stays as it is where the source has none.

    Raises:
        CorpusError: when the list of pieces cannot be read.
    """
    if corpus.source == "scores":
        pieces = {os.fsencode(piece.path): piece for piece in read_pieces(corpus.scores)}
        return tuple(
            label(entry, Labels(rendering_title(piece.title, item.program), piece.composer))
            for entry, item in zip(entries, items, strict=True)
            for piece in (pieces[item.name],)
        )
    if corpus.source != "folder":
        return tuple(entries)
    root = os.fsencode(corpus.folder.path or "")
    labelled = []
    with Worker(TAG_SECONDS) as worker:
        for entry, item in tqdm(list(zip(entries, items, strict=True)), unit="track", desc="tags", disable=None):
            if entry.is_used:
                try:
                    source = os.path.join(root, item.name)  # noqa: PTH118 - names are bytes
                    entry = label(entry, worker.call(read_tags, source))
                except DescantError as error:
                    log.info("%s: no labels, %s", entry.source, error.problem)
            labelled.append(entry)
    return tuple(labelled)
