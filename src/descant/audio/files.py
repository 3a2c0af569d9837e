"""Audio files read, mixed, resampled and written block by block, in constant memory whatever their length."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from descant.errors import DescantError

BLOCK_FRAMES = 16384
CURE = "convert the file to FLAC or WAV, or leave it out"
Block: TypeAlias = npt.NDArray[np.float32]
# libsndfile's SF_COUNT_MAX stands for "not known"; no real recording comes near this
UNKNOWN_FRAMES = 1 << 62


class AudioFileError(DescantError):
    """An audio file cannot be opened, decoded or written."""


@dataclass(frozen=True)
class AudioFacts:
    """What the header of an audio file says.

    Attributes:
        frames: samples a channel, or None when the header does not say.
        rate: Hz.
        channels: how many.
        container: libsndfile's name of the format: ``WAV``, ``FLAC``, ``OGG``, ``MP3``, ``AIFF``, …
        log: what libsndfile noted while it parsed the header, such as sizes that do not fit the file.
        subtype: libsndfile's name of what a sample is: ``PCM_16``, ``FLOAT``, ``VORBIS``, …
        endian: ``FILE`` for the container's own order of bytes, or ``LITTLE`` or ``BIG``.
    """

    frames: int | None
    rate: int
    channels: int
    container: str
    log: str
    subtype: str = ""
    endian: str = "FILE"

    @property
    def seconds(self) -> float | None:
        """Duration by the header, or None when it does not say."""
        return None if self.frames is None else self.frames / self.rate


@dataclass(frozen=True)
class RawFormat:
    """How samples without a header are laid out, in libsndfile's names."""

    rate: int
    channels: int
    subtype: str
    endian: str


class _ForwardFile(soundfile.SoundFile):  # type: ignore[misc]  # soundfile is untyped
    """Read from the start to the end: soundfile would seek after each block, and fail where the end is not known."""

    def seekable(self) -> bool:
        return False


def _reason(error: Exception) -> str:
    """The library's own words, without the path that it puts before them."""
    words = str(getattr(error, "error_string", error)).strip().rstrip(".").removeprefix("Error : ")
    # what libsndfile says, wrongly, of a regular file in which it finds no MPEG frame
    return "Format not recognised" if words.startswith("File does not exist or is not a regular") else words


class AudioReader:
    """An audio file that libsndfile decodes once, from its start on; a context that closes it.

    Args:
        source: a path, bytes where the name is not text; a file that is open, of which the name does not matter; or
            the descriptor of one, so that the caller can see how far it was read.
        raw: how the samples are laid out, where the file has no header.

    Attributes:
        facts: what the header says.

    Raises:
        AudioFileError: when libsndfile knows no such format.
    """

    def __init__(self, source: Path | bytes | int | BinaryIO, raw: RawFormat | None = None) -> None:
        # bytes, because a name need not be text in any encoding
        name = os.fsencode(source) if isinstance(source, Path) else source
        layout: dict[str, Any] = {}
        if raw is not None:
            layout = {"samplerate": raw.rate, "channels": raw.channels, "subtype": raw.subtype, "endian": raw.endian}
            layout["format"] = "RAW"
        try:
            self._file = _ForwardFile(name, closefd=False, **layout)
        except (soundfile.SoundFileError, OSError, TypeError) as error:
            raise AudioFileError(f"not audio: {_reason(error)}", CURE) from error
        frames = self._file.frames if 0 <= self._file.frames < UNKNOWN_FRAMES else None
        self.facts = AudioFacts(
            frames,
            self._file.samplerate,
            self._file.channels,
            self._file.format,
            self._file.extra_info,
            self._file.subtype,
            self._file.endian,
        )

    def blocks(self, frames_per_block: int = BLOCK_FRAMES) -> Iterator[Block]:
        """The samples.

        Args:
            frames_per_block: largest block.

        Yields:
            float32 ``(frames, channels)``; integers are scaled to [-1, 1), floats come as they are.

        Raises:
            AudioFileError: after the blocks that could be read, when it cannot be decoded further.
        """
        left = self.facts.frames
        while True:
            # no more than the header claims: libsndfile would read on in the file, and throw it away
            wanted = frames_per_block if left is None else min(frames_per_block, left)
            try:
                block = self._file.read(wanted, dtype="float32", always_2d=True)
            except (soundfile.SoundFileError, OSError) as error:
                raise AudioFileError(f"decoding stopped: {_reason(error)}", CURE) from error
            if not len(block):
                return
            left = None if left is None else left - len(block)
            yield block

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def probe(path: Path | bytes) -> AudioFacts:
    """Read the header of an audio file.

    Args:
        path: of a regular file; bytes where the name is not text.

    Returns:
        What the header says.

    Raises:
        AudioFileError: when libsndfile knows no such format.
    """
    with AudioReader(path) as reader:
        return reader.facts


def read_blocks(path: Path | bytes, frames_per_block: int = BLOCK_FRAMES) -> Iterator[Block]:
    """Decode an audio file block by block, see :meth:`AudioReader.blocks`.

    Args:
        path: of a regular file; bytes where the name is not text.
        frames_per_block: largest block.

    Yields:
        float32 ``(frames, channels)``.

    Raises:
        AudioFileError: when it cannot be opened; or, after the blocks that could be read, decoded further.
    """
    with AudioReader(path) as reader:
        yield from reader.blocks(frames_per_block)


def to_mono(block: Block) -> Block:
    """Mix channels by their mean.

    Args:
        block: ``(frames, channels)``.

    Returns:
        float32 ``(frames,)``.
    """
    # channel after channel: numpy reduces a short last axis a hundred times slower
    return np.asarray(np.ascontiguousarray(block.T).mean(axis=0), dtype=np.float32)


def resample_blocks(blocks: Iterable[Block], from_rate: int, to_rate: int) -> Iterator[Block]:
    """Resample mono audio block by block with soxr's HQ recipe.

    What comes out, laid end to end, is what ``soxr.resample`` gives for the whole, whatever the block sizes;
    its length depends on nothing but the number of samples and the two rates.

    Args:
        blocks: float32, each ``(frames,)``.
        from_rate: Hz.
        to_rate: Hz.

    Yields:
        float32, each ``(frames,)``, never empty.
    """
    if from_rate == to_rate:
        yield from (block for block in blocks if len(block))
        return
    stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32")
    for block in blocks:
        resampled = stream.resample_chunk(block)
        if len(resampled):
            yield resampled
    rest = stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True)
    if len(rest):
        yield rest


def write_flac(path: Path, blocks: Iterable[Block], rate: int, channels: int) -> int:
    """Write 24-bit FLAC, exact for what was 24-bit or less; louder than full scale is clipped.

    Args:
        path: of the new file.
        blocks: float32, each ``(frames, channels)`` or, for one channel, ``(frames,)``.
        rate: Hz.
        channels: 1 to 8.

    Returns:
        Frames written.

    Raises:
        AudioFileError: when the file cannot be written, for example for a rate that FLAC does not know.
    """
    return _write(path, map(_to_24_bit, blocks), rate, channels, "FLAC", "PCM_24")


def _to_24_bit(block: Block) -> npt.NDArray[np.int32]:
    # libsndfile would scale floats by 2^23 - 1 when it writes but by 2^23 when it reads
    scaled = np.rint(block.astype(np.float64) * (1 << 23))
    return np.clip(scaled, -(1 << 23), (1 << 23) - 1).astype(np.int32) << 8


def write_wav(path: Path, blocks: Iterable[Block], rate: int, channels: int) -> int:
    """Write float32 WAV without loss, as RF64, which has no limit at 4 GiB.

    Args:
        path: of the new file.
        blocks: float32, each ``(frames, channels)`` or, for one channel, ``(frames,)``.
        rate: Hz.
        channels: how many.

    Returns:
        Frames written.

    Raises:
        AudioFileError: when the file cannot be written.
    """
    return _write(path, blocks, rate, channels, "RF64", "FLOAT")


def _write(
    path: Path, blocks: Iterable[npt.NDArray[Any]], rate: int, channels: int, container: str, subtype: str
) -> int:
    cure = "check the free space and the rights of the folder"
    frames = 0
    try:
        with soundfile.SoundFile(
            os.fsencode(path), "w", samplerate=rate, channels=channels, format=container, subtype=subtype
        ) as file:
            for block in blocks:
                file.write(block)
                frames += len(block)
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioFileError(f"{path.name} cannot be written: {_reason(error)}", cure) from error
    return frames
