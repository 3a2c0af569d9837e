"""Audio files read, mixed, resampled and written block by block, in constant memory whatever their length."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

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
        log: what libsndfile noted while it parsed the header; it names sizes that do not fit the file.
    """

    frames: int | None
    rate: int
    channels: int
    container: str
    log: str

    @property
    def seconds(self) -> float | None:
        """Duration by the header, or None when it does not say."""
        return None if self.frames is None else self.frames / self.rate


class _ForwardFile(soundfile.SoundFile):  # type: ignore[misc]  # soundfile is untyped
    """Read from the start to the end: soundfile would seek after each block, and fail where the end is not known."""

    def seekable(self) -> bool:
        return False


def _open(path: Path | bytes) -> soundfile.SoundFile:
    # bytes, because a name need not be text in any encoding
    name = os.fsencode(path)
    try:
        return _ForwardFile(name)
    except (soundfile.SoundFileError, OSError, TypeError) as error:
        raise AudioFileError(f"not audio: {_told(error)}", CURE) from error


def _told(error: Exception) -> str:
    """The library's own words, without the path that it puts before them."""
    words = str(getattr(error, "error_string", error)).strip().rstrip(".").removeprefix("Error : ")
    # what libsndfile says, wrongly, of a regular file in which it finds no MPEG frame
    return "Format not recognised" if words.startswith("File does not exist or is not a regular") else words


def probe(path: Path | bytes) -> AudioFacts:
    """Read the header of an audio file.

    Args:
        path: of a regular file; bytes where the name is not text.

    Returns:
        What the header says.

    Raises:
        AudioFileError: when libsndfile knows no such format.
    """
    with _open(path) as file:
        frames = file.frames if 0 <= file.frames < UNKNOWN_FRAMES else None
        return AudioFacts(frames, file.samplerate, file.channels, file.format, file.extra_info)


def read_blocks(path: Path | bytes, frames_per_block: int = BLOCK_FRAMES) -> Iterator[Block]:
    """Decode an audio file block by block.

    Args:
        path: of a regular file; bytes where the name is not text.
        frames_per_block: largest block.

    Yields:
        float32 ``(frames, channels)``; integers are scaled to [-1, 1), floats come as they are.

    Raises:
        AudioFileError: when it cannot be opened; or, after the blocks that could be read, decoded further.
    """
    with _open(path) as file:
        while True:
            try:
                block = file.read(frames_per_block, dtype="float32", always_2d=True)
            except (soundfile.SoundFileError, OSError) as error:
                raise AudioFileError(f"decoding stopped: {_told(error)}", CURE) from error
            if not len(block):
                return
            yield block


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
        raise AudioFileError(f"{path.name} cannot be written: {_told(error)}", cure) from error
    return frames
