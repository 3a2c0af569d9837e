"""Stems that a person brings: files found by the recordings' names, read in step with the mix.

For ``album/song.mp3`` that is ``album/song.EXT``, which is the stem that is trained on, or a folder ``album/song`` with
``accompaniment.EXT`` and, if there is one, ``vocals.EXT``, as spleeter's own command writes them. Names are compared as
they are shown, never made into paths, and links are not followed.
"""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from descant.audio.files import AudioFileError, Block
from descant.corpus.scan import SUFFIXES, printable
from descant.separation.separator import (
    ACCOMPANIMENT,
    CHANNELS,
    RATE,
    VOCALS,
    Separated,
    SeparationError,
    TrackError,
    stereo_blocks,
)

# ours; an MP3's decoder adds up to about 50 ms at each end
LENGTH_TOLERANCE = 0.2


class StemFiles:
    """Reads the stems of a folder.

    Args:
        folder: searched recursively.
        stem: the one that is trained on.

    Raises:
        SeparationError: when the folder is missing, cannot be read or has no audio file.
    """

    bandwidth = RATE / 2
    # a mastered mix is more than the sum of its stems, and not everyone has all of them
    has_all_stems = False

    def __init__(self, folder: Path, stem: str) -> None:
        self.name = f"{stem} from files"
        self._stem = stem
        self._files = _listed(folder)

    def separate(self, track: Path, source: str) -> Iterator[Separated]:
        """Read the stems of a track, cut or filled up with silence to its length."""
        key = _key(os.path.splitext(source)[0])  # noqa: PTH122 - a name that is shown, not a path
        stem = self._find(f"{key}/{self._stem}") or self._find(key)
        if stem is None:
            raise TrackError(f"no separated file of this name in separation.stems_folder (nor {key}/{self._stem})")
        files = {self._stem: stem}
        other = VOCALS if self._stem == ACCOMPANIMENT else ACCOMPANIMENT
        if found := self._find(f"{key}/{other}"):
            files[other] = found
        try:
            yield from _in_step(stereo_blocks(track), {name: stereo_blocks(path) for name, path in files.items()})
        except AudioFileError as error:
            raise TrackError(f"its separated file cannot be read: {error.problem}; {error.cure}") from error

    def _find(self, key: str) -> bytes | None:
        found = self._files.get(_key(key), [])
        if len(found) > 1:
            raise TrackError(f"{len(found)} separated files have the name {key}; leave one of them")
        return found[0] if found else None

    def close(self) -> None:
        """Nothing is held."""


def _key(name: str) -> str:
    """A name to compare: macOS writes letters with accents in another way (NFD) than others do."""
    return unicodedata.normalize("NFC", name)


def _listed(folder: Path) -> dict[str, list[bytes]]:
    """Paths of all audio files in a folder by their relative names, without suffix, as they can be shown."""
    cure = "set separation.stems_folder to the folder that holds your separated files"
    if not folder.is_dir():
        raise SeparationError(f"separation.stems_folder: there is no folder {folder}", cure)
    root = os.fsencode(folder)
    files: dict[str, list[bytes]] = defaultdict(list)
    for place, _, names in os.walk(root):
        for name in names:
            path = os.path.join(place, name)  # noqa: PTH118 - names are bytes
            stem, suffix = os.path.splitext(path)  # noqa: PTH122
            # neither links, which may lead anywhere, nor pipes, which may wait for ever
            if suffix.decode("ascii", errors="replace").lower() in SUFFIXES and _is_plain(path):
                files[_key(printable(os.path.relpath(stem, root)))].append(path)
    if not files:
        raise SeparationError(f"separation.stems_folder: no audio file in {folder}", cure)
    return dict(files)


def _is_plain(path: bytes) -> bool:
    return os.path.isfile(path) and not os.path.islink(path)  # noqa: PTH113, PTH114 - a path of bytes


def _in_step(mix: Iterable[Block], stems: dict[str, Iterator[Block]]) -> Iterator[Separated]:
    """Read stems along with the mix; each is cut or filled up with silence where the mix ends."""
    readers = {name: _Reader(blocks) for name, blocks in stems.items()}
    for block in mix:
        yield Separated(block, {name: reader.take(len(block)) for name, reader in readers.items()})
    for name, reader in readers.items():
        limit = round(LENGTH_TOLERANCE * RATE)
        difference = reader.left(limit + 1) - reader.silence
        if abs(difference) > limit:
            word = "longer" if difference > 0 else f"{-difference / RATE:.1f} s shorter"
            raise TrackError(
                f"{name}: the separated file is {word} than the recording; {LENGTH_TOLERANCE} s are allowed"
            )


class _Reader:
    """Hands out a stream in pieces of given lengths, and silence after its end."""

    def __init__(self, blocks: Iterator[Block]) -> None:
        self._blocks = blocks
        self._held = np.zeros((0, CHANNELS), dtype=np.float32)
        self.silence = 0

    def _fill(self, frames: int) -> None:
        parts = [self._held]
        missing = frames - len(self._held)
        while missing > 0 and (block := next(self._blocks, None)) is not None:
            parts.append(block)
            missing -= len(block)
        self._held = np.concatenate(parts)

    def take(self, frames: int) -> Block:
        """The next frames, silence where there are none."""
        self._fill(frames)
        taken, self._held = self._held[:frames], self._held[frames:]
        missing = frames - len(taken)
        self.silence += missing
        return np.concatenate([taken, np.zeros((missing, CHANNELS), dtype=np.float32)]) if missing else taken

    def left(self, most: int) -> int:
        """Frames that are left, counted no further than needed to see whether there are that many."""
        self._fill(most)
        return len(self._held)
