"""Items dealt to shards by their names: what is added, taken away or changed is work for one shard alone."""

import hashlib
import os
import unicodedata
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from descant.config.corpus import Corpus
from descant.corpus.digests import content_digests
from descant.corpus.scan import CORPUS_KEY, OTHER_KIND, Item, music_in, printable, scan

# names of stems in a folder that is called like their recording
STEM_NAMES = frozenset({"accompaniment", "vocals"})


def shard_of(name: bytes, shards: int) -> int:
    """The shard of a recording or score, which follows from its name without suffix, and from no other item.

    Args:
        name: bytes of its path, relative to the folder.
        shards: how many there are.
    """
    return _shard_of(_key(name), shards)


def items_of(corpus: Corpus, shard: int) -> tuple[Item, ...]:
    """List the items of a shard.

    Args:
        corpus: the configuration's section.
        shard: its number, from 0.

    Returns:
        Items in the order of the scan; what is no music is of no shard, and a shard may have no item.

    Raises:
        CorpusError: as :func:`~descant.corpus.scan.scan` does.
    """
    music = (item for item in scan(corpus) if item.kind != OTHER_KIND)
    return tuple(item for item in music if shard_of(item.name, corpus.shards) == shard)


def shards_of_stem(name: bytes, shards: int) -> frozenset[int]:
    """The shards in which the recordings may be that a separated file belongs to: ``NAME.wav``, ``NAME/vocals.wav``.

    Args:
        name: bytes of its path, relative to the folder of stems.
        shards: how many there are.
    """
    key = _key(name)
    folder, stem = os.path.split(key)
    keys = {key, folder} if folder and stem in STEM_NAMES else {key}
    return frozenset(_shard_of(one, shards) for one in keys)


def _key(name: bytes) -> str:
    # as stems are found: by the name that is shown, whichever way it writes accents
    return unicodedata.normalize("NFC", os.path.splitext(printable(name))[0])  # noqa: PTH122 - names are bytes


def _shard_of(key: str, shards: int) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % shards


def folder_digests(
    path: str | Path,
    shards: int = 1,
    key: str = CORPUS_KEY,
    source: str = "folder",
    memory: Path | None = None,
    is_stems: bool = False,
) -> tuple[str, ...]:
    """Hash names and bytes of all that looks like music, shard by shard.

    Args:
        path: the corpus folder, or one of stems.
        shards: how many there are.
        key: of the configuration, which names the folder.
        source: ``folder`` for recordings, ``midi`` for scores.
        memory: file of what was hashed before, as :func:`descant.corpus.digests.content_digests` keeps it.
        is_stems: whether it is the folder of stems, which go with their recordings.

    Returns:
        Hexadecimal sha256 of each shard, which changes when a recording of it is added, removed, renamed or changed, or
        may be read where it could not be before; not when it was touched or copied anew, or the folder moved.

    Raises:
        CorpusError: when there is no such folder.
    """
    top, music = music_in(path, key, source)
    dealt: Callable[[bytes], Iterable[int]] = (
        partial(shards_of_stem, shards=shards) if is_stems else lambda name: (shard_of(name, shards),)
    )
    digests = [hashlib.sha256() for _ in range(shards)]
    for (name, _), content in zip(music, content_digests(top, music, memory), strict=True):
        for shard in dealt(name):
            digests[shard].update(len(name).to_bytes(8, "little") + name)
            digests[shard].update(f"{content}\n".encode())
    return tuple(digest.hexdigest() for digest in digests)
