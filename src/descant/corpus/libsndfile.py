"""Recordings that libsndfile decodes: whether it reached the end of the file, and what to try where it did not."""

import io
import mmap
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import BinaryIO, Protocol, Self

import numpy as np
import soxr

from descant.audio.files import AudioFacts, AudioFileError, AudioReader, Block, RawFormat, to_mono
from descant.corpus.mpeg import find_frames, read_claim
from descant.corpus.rest import unclaimed_bytes

# What is opened; libsndfile knows odder ones, of old samplers and laboratories
CONTAINERS = frozenset({"WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF", "VOC"})
# Samples that need no header to be read, and the bytes of each
SAMPLE_BYTES = {"PCM_S8": 1, "PCM_U8": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8}
SAMPLE_BYTES |= {"ULAW": 1, "ALAW": 1}
BIG_ENDIAN = frozenset({"AIFF", "AU", "CAF"})
# A header's length is right to a frame or a rounding; ours
TOLERANCE_SECONDS, TOLERANCE = 0.1, 0.002
OGG_PAGE_BYTES = 65307
LOOK_BYTES = 1 << 16
# Samples that an MPEG frame has, or has twice of: an estimated length that ends within one cuts it off
MPEG_FRAME = 576
SIZE = re.compile(r"^\s*(?:data|SSND|riff|Riff size|Data Size)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)
# What a pipe leaves in a header, as its end was not known: 0, or about the largest number of 32 or 64 bits
OPEN_SIZE = {"WAV": 0x7FFFF000, "WAVEX": 0x7FFFF000, "AIFF": 0x7FFFF000, "AU": 0x7FFFF000}
OPEN_SIZE_64 = 1 << 62
# The first page of an Ogg stream (RFC 3533, type 0x02), of a FLAC one its marker and STREAMINFO of 34 bytes, and the
# frame of an MP3 with a Xing header, behind its side information
STREAM_STARTS = {
    "ogg": rb"OggS\x00[\x02\x06].{20}",
    "flac": rb"fLaC[\x00\x80]\x00\x00\x22",
    "mp3": rb"\xff[\xe2-\xff][\x10-\xeb].(?:.{9}|.{17}|.{32})(?:Xing|Info)",
}
WHOLE_FILES = rb"(?:RIFF|RF64).{4}WAVE|FORM.{4}AIF[CF]"


@dataclass(frozen=True)
class Ending:
    """What a decoder says of a recording once there is nothing more to decode.

    Attributes:
        loss: what is missing, or damaged; empty where the decoder reached the end of the recording.
        is_cut: whether the file ends before the recording does, so that no decoder can read on.
        remark: what people should know of it otherwise, or empty.
        rest: opens a decoder that reads more of the file, where there is one.
    """

    loss: str = ""
    remark: str = ""
    is_cut: bool = False
    rest: "Callable[[], Decoder] | None" = field(default=None, compare=False)


class Decoder(Protocol):
    """One run over a recording, from its start to its end."""

    facts: AudioFacts

    def blocks(self) -> Iterator[Block]:
        """Float32 ``(frames, channels)``; raises AudioFileError after what could be read."""

    def ending(self, frames: int, stopped: str) -> Ending:
        """Called after the blocks: so many frames were decoded, and this stopped it, or nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def is_less(seconds: float, claimed: float) -> bool:
    """Whether so much was decoded is less than what a header claims."""
    return claimed - seconds > max(TOLERANCE_SECONDS, TOLERANCE * claimed)


def more_than_claimed(seconds: float, claimed: float) -> str:
    """A remark where a header claims less than was decoded; empty where it does not."""
    return f"header says {claimed:.1f} s, the file holds {seconds:.1f} s: all of it is used" * is_less(claimed, seconds)


class LibsndfileDecoder:
    """A recording in a format of libsndfile's.

    Args:
        path: of a regular file.
        start: of what is not a tag or zeros or, for an MP3, of its first whole frame.

    Raises:
        AudioFileError: when it is none of :data:`CONTAINERS`.
    """

    def __init__(self, path: bytes, start: int) -> None:
        with ExitStack() as stack:
            self._path = path
            self._start = start
            self._file = stack.enter_context(open(path, "rb", buffering=0))  # noqa: PTH123 - a path of bytes
            # by its descriptor, so that no name makes libsndfile take it for what it is not, and from where it stands
            self._file.seek(start)
            self._reader = stack.enter_context(AudioReader(self._file.fileno()))
            self.facts = self._reader.facts
            self._samples = self._file.tell()
            if self.facts.container not in CONTAINERS:
                raise AudioFileError(f"{self.facts.container} files are not supported", "convert it to FLAC or WAV")
            self._closing = stack.pop_all()

    def blocks(self) -> Iterator[Block]:
        """See :class:`Decoder`."""
        return self._reader.blocks()

    def ending(self, frames: int, stopped: str) -> Ending:
        """See :class:`Decoder`."""
        seconds = frames / self.facts.rate
        is_big = self.facts.endian == "BIG"
        unclaimed = unclaimed_bytes(self._file, self._file.tell(), self.facts.container, is_big)
        rest = self._rest() if unclaimed else None
        claimed = None if self.facts.container == "MP3" else self._claimed_seconds()
        if claimed is not None and is_less(seconds, claimed):
            is_cut = self._file.tell() >= os.fstat(self._file.fileno()).st_size
            if self.facts.container == "OGG":
                is_cut = not _ogg_ends(self._file)
            lengths = f"header says {claimed:.1f} s, {seconds:.1f} s could be read"
            return Ending(f"{'truncated' if is_cut else 'damaged'}: {lengths}", is_cut=is_cut, rest=rest)
        if stopped:
            return Ending(f"damaged: {seconds:.1f} s could be read, then {stopped}", rest=rest)
        if unclaimed:
            size = f"{unclaimed / 2**20:.1f} MiB" if unclaimed >= 2**20 else f"{unclaimed / 2**10:.0f} KiB"
            return Ending(f"in part: {seconds:.1f} s could be read, the {size} behind them not", rest=rest)
        if self.facts.container == "MP3":
            return self._ending_of_mp3(frames, seconds)
        if self.facts.container == "OGG" and not _ogg_ends(self._file):
            return Ending(f"truncated: the Ogg stream has no last page, {seconds:.1f} s could be read", is_cut=True)
        return Ending()

    def _ending_of_mp3(self, frames: int, seconds: float) -> Ending:
        """Without a Xing header libsndfile estimates the length by the first frames."""
        self._file.seek(self._start)
        head = self._file.read(LOOK_BYTES)
        frame = max(0, find_frames(head)[1])
        claim = read_claim(head[frame:])
        missing = claim.bytes - (self._file.seek(0, os.SEEK_END) - self._start - frame)
        claimed = (self.facts.seconds or 0) if claim.has_frames else 0
        if is_less(seconds, claimed) and (missing > 0 or not claim.bytes):
            return Ending(f"truncated: header says {claimed:.1f} s, {seconds:.1f} s could be read", is_cut=True)
        if missing > 0.01 * claim.bytes:
            share = missing / claim.bytes
            return Ending(f"truncated: {share:.0%} of the bytes are missing, {seconds:.1f} s are there", is_cut=True)
        if not claim.has_frames and frames == self.facts.frames and frames % MPEG_FRAME:
            return Ending(f"in part: {seconds:.1f} s could be read, but not the last frame's end")
        remark = f"header says {claimed:.1f} s, the file holds {seconds:.1f} s" if is_less(seconds, claimed) else ""
        return Ending(remark=remark)

    def _claimed_seconds(self) -> float | None:
        """By the header; where libsndfile trimmed a size to the file, by the size that was claimed."""
        sizes = SIZE.search(self.facts.log)
        if self.facts.seconds is None or sizes is None:
            return self.facts.seconds
        claimed, present = int(sizes[1]), int(sizes[2])
        if claimed >= OPEN_SIZE.get(self.facts.container, OPEN_SIZE_64) or not present:
            return self.facts.seconds
        return self.facts.seconds * claimed / present

    def _rest(self) -> Callable[[], Decoder] | None:
        if self.facts.subtype in SAMPLE_BYTES and self.facts.container != "FLAC":
            return partial(RawDecoder, self._path, self._samples, self.facts)
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()


class RawDecoder:
    """Samples up to the end of the file, whatever size its header claims.

    Args:
        path: of a regular file.
        start: of the samples.
        header: what the header says of them.
    """

    def __init__(self, path: bytes, start: int, header: AudioFacts) -> None:
        end = os.stat(path).st_size  # noqa: PTH116 - a path of bytes
        is_big = header.endian == "BIG" or (header.endian == "FILE" and header.container in BIG_ENDIAN)
        raw = RawFormat(header.rate, header.channels, header.subtype, "BIG" if is_big else "LITTLE")
        whole = SAMPLE_BYTES[header.subtype] * header.channels
        self._claimed = header.seconds or 0.0
        with ExitStack() as stack:
            part = stack.enter_context(_Part(path, start, start + (end - start) // whole * whole))
            self._reader = stack.enter_context(AudioReader(part, raw))
            self._closing = stack.pop_all()
        self.facts = self._reader.facts

    def blocks(self) -> Iterator[Block]:
        """See :class:`Decoder`."""
        return self._reader.blocks()

    def ending(self, frames: int, stopped: str) -> Ending:
        """See :class:`Decoder`."""
        # a size of 0 claims nothing: a recorder writes it first, and the real one when it stops
        return Ending(stopped, more_than_claimed(frames / self.facts.rate, self._claimed) if self._claimed else "")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()


class ChainDecoder:
    """Recordings that stand one behind the other in one file, as of a radio's stream, in the first one's rate.

    Args:
        path: of a regular file.
        demuxer: ffmpeg's name of what they are.

    Raises:
        AudioFileError: when there is but one, or the first of them cannot be opened.
    """

    def __init__(self, path: bytes, demuxer: str) -> None:
        starts = _stream_starts(path, demuxer)
        if len(starts) < 2:
            raise AudioFileError("only one recording", "")
        size = os.stat(path).st_size  # noqa: PTH116 - a path of bytes
        self._parts = [partial(_Part, path, *bounds) for bounds in zip(starts, [*starts[1:], size], strict=True)]
        self._resampled = 0
        self._lost: list[str] = []
        with self._parts[0]() as part, AudioReader(part) as reader:
            self.facts = reader.facts

    def blocks(self) -> Iterator[Block]:
        """See :class:`Decoder`."""
        for number, opened in enumerate(self._parts, start=1):
            try:
                with opened() as part, AudioReader(part) as reader:
                    yield from self._fitted(reader)
                    if unclaimed_bytes(part, part.tell(), reader.facts.container, reader.facts.endian == "BIG"):
                        self._lost.append(f"recording {number} could be read in part")
            except AudioFileError as error:
                self._lost.append(f"recording {number}: {error.problem}")

    def _fitted(self, reader: AudioReader) -> Iterator[Block]:
        """One recording in the rate and the channels of the first."""
        rate, channels = self.facts.rate, self.facts.channels
        facts = reader.facts
        if (facts.rate, facts.channels) == (rate, channels):
            yield from reader.blocks()
            return
        self._resampled += 1
        stream = soxr.ResampleStream(facts.rate, rate, channels, dtype="float32")
        for block in reader.blocks():
            if facts.channels != channels:
                block = np.repeat(to_mono(block)[:, None], channels, axis=1)
            yield stream.resample_chunk(np.ascontiguousarray(block)).reshape(-1, channels)
        yield stream.resample_chunk(np.zeros((0, channels), np.float32), last=True).reshape(-1, channels)

    def ending(self, frames: int, stopped: str) -> Ending:
        """See :class:`Decoder`."""
        remark = f"{len(self._parts)} recordings stand one behind the other in it"
        if self._resampled:
            layout = f"{self.facts.rate} Hz and {self.facts.channels} channel{'s' * (self.facts.channels > 1)}"
            remark += f", {self._resampled} of them resampled to {layout}"
        return Ending("; ".join(filter(None, [stopped, *self._lost])), remark)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing stays open between two blocks' parts."""


class _Part(io.RawIOBase, BinaryIO):
    """Bytes of a file from one place to another, as a file of their own."""

    def __init__(self, path: bytes, start: int, end: int) -> None:
        super().__init__()
        self._file = open(path, "rb", buffering=0)  # noqa: PTH123, SIM115 - a path of bytes; closed in close
        self._start, self._size = start, end - start
        self._file.seek(start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell() - self._start

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._size}[whence]
        return self._file.seek(self._start + max(0, base + offset)) - self._start

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)[: max(0, self._size - self.tell())]  # type: ignore[arg-type]
        return self._file.readinto(view)

    def close(self) -> None:
        self._file.close()
        super().close()


def _stream_starts(path: bytes, demuxer: str) -> list[int]:
    """Places where a recording begins: of an Ogg stream, or of a FLAC, MP3 or WAV file behind another."""
    starts: list[int] = []
    follows = -1
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:  # noqa: PTH123
        for found in re.finditer(STREAM_STARTS.get(demuxer, WHOLE_FILES), data, re.DOTALL):
            place = found.start()
            # the streams of one recording, such as a film's sound and pictures, all begin before their music does
            if demuxer != "ogg" or place != follows:
                starts.append(place)
            if demuxer == "ogg":
                sizes = data[place + 27 : place + 27 + data[place + 26]]
                follows = place + 27 + len(sizes) + sum(sizes)
    return starts


def _ogg_ends(file: BinaryIO) -> bool:
    """Whether the last page of an Ogg file is whole, and marked as the last of its stream.

    RFC 3533: the header's type, with bit 0x04, is at byte 5, the number of segments at 26, their sizes from 27.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 2 * OGG_PAGE_BYTES))
    tail = file.read()
    page = tail.rfind(b"OggS")
    if page < 0:
        return True
    header = tail[page : page + 27]
    sizes = tail[page + 27 :][: header[-1]]
    is_whole = len(header) == 27 and len(sizes) == header[-1] and page + 27 + len(sizes) + sum(sizes) <= len(tail)
    return is_whole and bool(header[5] & 0x04)
