"""WavPack whose chain of blocks is broken: ffmpeg stops where a block has no header, and is begun anew behind it.

A block is a header of 32 bytes, which says how long the block is, and what follows it (WavPack 4 & 5 Binary File and
Block Format, sections 2.0 and 3.0).
"""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType
from typing import Self

from descant.audio.files import AudioFileError, Block
from descant.corpus.ffmpeg import FfmpegDecoder, Kind
from descant.corpus.libsndfile import Ending
from descant.formatting import count

HEADER = struct.Struct("<4sIH14xI")
VERSIONS = range(0x402, 0x411)
# ffmpeg takes no larger ones (libavformat/wv.h, WV_BLOCK_LIMIT)
BLOCK_BYTES = range(24, 1 << 20)
# of several blocks that hold the same stretch of more than two channels
IS_FIRST = 0x800
# an ffmpeg each; ours
MOST_PARTS = 100


class BrokenWavPackDecoder:
    """The parts of a recording between which it is damaged, one behind the other.

    Args:
        source: path of a regular file, as bytes.
        kind: of :func:`~descant.corpus.ffmpeg.recognise`.

    Raises:
        MissingError: when there is no ffmpeg.
        AudioFileError: when the chain of blocks is whole, or broken more than a hundred times.
    """

    def __init__(self, source: bytes, kind: Kind) -> None:
        starts = part_starts(source, kind.start)
        if not 2 <= len(starts) <= MOST_PARTS:
            raise AudioFileError(f"its chain of blocks has {count(len(starts), 'part')}", "")
        self._source = source
        self._kinds = [replace(kind, start=start) for start in starts]
        self._part = FfmpegDecoder(source, self._kinds[0])
        self.facts = self._part.facts

    def blocks(self) -> Iterator[Block]:
        """See :class:`~descant.corpus.libsndfile.Decoder`."""
        yield from self._sound()
        for kind in self._kinds[1:]:
            self._part.close()
            try:
                self._part = FfmpegDecoder(self._source, kind)
            except AudioFileError:
                continue
            if (self._part.facts.rate, self._part.facts.channels) == (self.facts.rate, self.facts.channels):
                yield from self._sound()

    def _sound(self) -> Iterator[Block]:
        try:
            yield from self._part.blocks()
        except AudioFileError:
            # this part's end is damaged: the next may be whole
            return

    def ending(self, frames: int, stopped: str) -> Ending:
        """See :class:`~descant.corpus.libsndfile.Decoder`."""
        lengths = f"header says {self.facts.seconds:.1f} s, " if self.facts.seconds else ""
        places = count(len(self._kinds) - 1, "place")
        return Ending(f"damaged: {lengths}{frames / self.facts.rate:.1f} s could be read, around {places} of damage")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._part.close()


def part_starts(source: bytes, start: int) -> list[int]:
    """Places from which one block follows upon another.

    Args:
        source: path of a file that is not empty, as bytes.
        start: of its first block.
    """
    starts = [start]
    with open(source, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:  # noqa: PTH123
        place = start
        while len(starts) <= MOST_PARTS:
            if size := _block_bytes(data, place):
                place += size
                continue
            place = data.find(b"wvpk", place + 1)
            while place >= 0 and not _block_bytes(data, place, begins=True):
                place = data.find(b"wvpk", place + 1)
            if place < 0:
                break
            starts.append(place)
    return starts


def _block_bytes(data: mmap.mmap, place: int, begins: bool = False) -> int:
    """Length of the block that is there; 0 where there is none, or none that a part can begin with."""
    header = data[place : place + HEADER.size]
    if len(header) < HEADER.size:
        return 0
    name, size, version, flags = HEADER.unpack(header)
    is_block = name == b"wvpk" and size in BLOCK_BYTES and version in VERSIONS
    return size + 8 if is_block and (flags & IS_FIRST or not begins) else 0
