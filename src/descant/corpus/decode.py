"""One recording: decoded once, verified while it streams by, named by its content and kept without loss."""

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from descant.audio.files import AudioFacts, AudioFileError, Block, probe, read_blocks, write_flac, write_wav
from descant.audio.fingerprint import Fingerprinter, Words
from descant.corpus import ffmpeg

CONTAINERS = frozenset({"WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF"})
MAX_CHANNELS = 8
MIN_RATE, MAX_RATE = 1000, 384000
MIN_SECONDS = 0.1
# A truncated recording is used when at least this much of it could be read
MIN_TRUNCATED_SECONDS = 2.0
MAX_LEVEL = 8.0
# Just above the smallest level that mu-law tells from silence, 8.6e-5
SILENCE = 1e-4
# An MP3 without a Xing header tells its length roughly
LENGTH_TOLERANCE = 0.02
OGG_PAGE_BYTES = 65307
FLOAT_BYTES = 4
# A sample at full scale, or the step beside it; more of them than this share are told
CLIPPING, CLIPPED_SHARE = 1 - 2**-14, 0.01
SIZE = re.compile(r"^\s*(?:data|SSND|riff|Riff size|Data Size)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)
# What a pipe leaves in a header, as its end was not known: 0, or about the largest number of 32 or 64 bits
OPEN_SIZE = {"WAV": 0x7FFFF000, "WAVEX": 0x7FFFF000, "AIFF": 0x7FFFF000, "AU": 0x7FFFF000}
OPEN_SIZE_64 = 1 << 62
SECOND_STREAM = re.compile(r"^Ogg ?: Junk after the last page", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What became of one recording.

    Attributes:
        track: content-hash id; empty when it is set aside.
        seconds: duration that was decoded; the header's, or 0, where nothing was.
        rate: Hz, or 0.
        channels: or 0.
        reason: why it is set aside; for a used one, what people should know, or empty.
        fingerprint: of :class:`~descant.audio.fingerprint.Fingerprinter`; empty when it is set aside.
    """

    track: str
    seconds: float
    rate: int
    channels: int
    reason: str
    fingerprint: Words = field(default_factory=lambda: np.zeros(0, dtype=np.uint32), compare=False, repr=False)

    @property
    def is_used(self) -> bool:
        """Whether there is a verified copy of it."""
        return bool(self.track)


class _UnusableError(Exception):
    """Found while streaming: this recording must be set aside."""


class _TooLoudError(Exception):
    """Found while streaming: beyond full scale, where FLAC would clip."""


def rejected(reason: str, facts: AudioFacts | None = None) -> Outcome:
    """An outcome for a recording that is set aside."""
    if facts is None:
        return Outcome("", 0.0, 0, 0, reason)
    return Outcome("", facts.seconds or 0.0, facts.rate, facts.channels, reason)


def track_file(folder: Path, track: str) -> Path:
    """The audio file of a track: ``<track>.flac``, or ``<track>.wav`` where it is louder than FLAC can hold.

    Raises:
        AudioFileError: when there is neither.
    """
    for suffix in (".flac", ".wav"):
        if (path := folder / f"{track}{suffix}").is_file():
            return path
    raise AudioFileError(f"{folder.name} has no audio of track {track}", "run the stage that makes it again")


@dataclass(frozen=True)
class Bounds:
    """What a recording may decode to, by its header before it is decoded, and while it is.

    Attributes:
        seconds: of sound.
        bytes: as 32-bit floats.
    """

    seconds: float
    bytes: int

    def refusal(self, frames: int, rate: int, channels: int) -> str:
        """Why so many frames are too many; empty when they are not."""
        if frames > self.seconds * rate:
            return f"{frames / rate / 60:.1f} min is longer than corpus.folder.max_minutes, {self.seconds / 60:g}"
        if (size := frames * channels * FLOAT_BYTES) > self.bytes:
            limit = f"corpus.folder.max_decoded_gib, {self.bytes / 2**30:g}"
            return f"decodes to {size / 2**30:.1f} GiB, more than {limit}"
        return ""


@dataclass(frozen=True)
class _Recording:
    """A recording that some decoder knows; its blocks can be read from the start again."""

    source: bytes
    facts: AudioFacts
    blocks: Callable[[], Iterator[Block]]


def verify(source: bytes, folder: Path, bounds: Bounds) -> Outcome:
    """Decode a recording, check it, and keep a verified copy named by its content.

    Memory does not grow with its length. The id is the first 16 hexadecimal digits of sha256 over rate, channels
    and the decoded float32 samples.

    Args:
        source: path, as bytes.
        folder: where the copy goes.
        bounds: what is larger is set aside, before it is decoded if its header tells.

    Returns:
        What became of it; no kind of bad recording raises.

    Raises:
        AudioFileError: when the copy cannot be written.
    """
    try:
        status = os.stat(source)  # noqa: PTH116 - a path of bytes
        if not stat.S_ISREG(status.st_mode):
            # to open a pipe would wait for ever
            return rejected("not a regular file")
        with open(source, "rb"):  # noqa: PTH123
            pass
    except OSError as error:
        return rejected(f"cannot be opened: {error.strerror}")
    if status.st_size == 0:
        return rejected("empty file")
    try:
        recording = _recognise(source)
    except (AudioFileError, ffmpeg.MissingError) as error:
        return rejected(error.problem)
    if refusal := _refusal(recording.facts, bounds):
        return rejected(refusal, recording.facts)
    temporary = folder / f".{os.getpid()}.tmp"
    try:
        return _keep(recording, folder, temporary, bounds)
    except _UnusableError as error:
        return rejected(str(error), recording.facts)
    finally:
        temporary.unlink(missing_ok=True)


def _recognise(source: bytes) -> _Recording:
    try:
        facts = probe(source)
        if facts.container in CONTAINERS:
            return _Recording(source, facts, lambda: read_blocks(source))
        refusal = AudioFileError(f"{facts.container} files are not supported; convert it to FLAC or WAV", "")
    except AudioFileError as error:
        refusal = error
    with open(source, "rb") as file:  # noqa: PTH123 - a path of bytes
        demuxer, name = ffmpeg.sniff(file.read(ffmpeg.HEAD_BYTES))
    if not demuxer:
        raise refusal
    with ffmpeg.Decoder(source, demuxer, name) as decoder:
        return _Recording(source, decoder.facts, lambda: _blocks_of_ffmpeg(source, demuxer, name))


def _blocks_of_ffmpeg(source: bytes, demuxer: str, name: str) -> Iterator[Block]:
    with ffmpeg.Decoder(source, demuxer, name) as decoder:
        yield from decoder.blocks()


def _refusal(facts: AudioFacts, bounds: Bounds) -> str:
    if not 1 <= facts.channels <= MAX_CHANNELS:
        return f"{facts.channels} channels; at most {MAX_CHANNELS} are supported"
    if not MIN_RATE <= facts.rate <= MAX_RATE:
        return f"sample rate of {facts.rate} Hz; {MIN_RATE} to {MAX_RATE} Hz are supported"
    return bounds.refusal(facts.frames or 0, facts.rate, facts.channels)


def _keep(recording: _Recording, folder: Path, temporary: Path, bounds: Bounds) -> Outcome:
    facts, suffix = recording.facts, ".flac"
    check = _Check(recording, bounds, full_scale=True)
    try:
        write_flac(temporary, check.blocks(), facts.rate, facts.channels)
    except (_TooLoudError, AudioFileError):
        # FLAC would clip it, or knows no such rate
        suffix = ".wav"
        check = _Check(recording, bounds, full_scale=False)
        write_wav(temporary, check.blocks(), facts.rate, facts.channels)
    remark = check.verdict()
    track = check.digest.hexdigest()[:16]
    temporary.replace(folder / f"{track}{suffix}")
    return Outcome(track, check.frames / facts.rate, facts.rate, facts.channels, remark, check.fingerprint.words())


class _Check:
    """What is learnt of a recording while its blocks stream by."""

    def __init__(self, recording: _Recording, bounds: Bounds, full_scale: bool) -> None:
        self._recording = recording
        self._facts = facts = recording.facts
        self._bounds = bounds
        self._full_scale = full_scale
        self._low = np.full(facts.channels, np.inf, dtype=np.float32)
        self._high = np.full(facts.channels, -np.inf, dtype=np.float32)
        self._stopped = ""
        self._clipped = 0
        self.frames = 0
        self.fingerprint = Fingerprinter(facts.rate)
        self.digest = hashlib.sha256(f"{facts.rate} {facts.channels} ".encode())

    def blocks(self) -> Iterator[npt.NDArray[np.float32]]:
        try:
            for block in self._recording.blocks():
                self._look(block)
                yield block
        except AudioFileError as error:
            self._stopped = error.problem

    def _look(self, block: npt.NDArray[np.float32]) -> None:
        if not np.isfinite(block).all():
            raise _UnusableError("contains NaN" if np.isnan(block).any() else "contains infinite samples")
        # channel after channel: numpy reduces a short last axis a hundred times slower
        channels = np.ascontiguousarray(block.T)
        low, high = channels.min(axis=1), channels.max(axis=1)
        level = max(float(high.max()), -float(low.min()))
        if level > MAX_LEVEL:
            raise _UnusableError(f"out of range: a sample of {level:.3g}, where full scale is 1")
        if self._full_scale and level > 1:
            raise _TooLoudError
        self._low, self._high = np.minimum(self._low, low), np.maximum(self._high, high)
        self.frames += len(block)
        if refusal := self._bounds.refusal(self.frames, self._facts.rate, self._facts.channels):
            raise _UnusableError(refusal)
        if level >= CLIPPING:
            self._clipped += int(np.count_nonzero(np.abs(block) >= CLIPPING))
        self.digest.update(block.astype("<f4").tobytes())
        self.fingerprint.add(block)

    def verdict(self) -> str:
        """What people should know of a usable recording; raises for one that is not."""
        seconds = self.frames / self._facts.rate
        if self.frames == 0:
            raise _UnusableError(f"no audio in it: {self._stopped or 'a header only, or cut short'}")
        truncation = self._truncation(seconds)
        if seconds < MIN_SECONDS or (truncation and seconds < MIN_TRUNCATED_SECONDS):
            raise _UnusableError(truncation or f"too short: {seconds:.3f} s; {MIN_SECONDS} s is the least")
        if float((self._high - self._low).max()) < SILENCE:
            is_silent = max(float(self._high.max()), -float(self._low.min())) < SILENCE
            raise _UnusableError("silent" if is_silent else "a constant value (DC), no sound")
        remarks = [f"{truncation}; this part is used"] if truncation else []
        if not truncation and SECOND_STREAM.search(self._facts.log):
            remarks.append(f"more data follow the first Ogg stream; only its {seconds:.1f} s are used")
        if (share := self._clipped / (self.frames * self._facts.channels)) > CLIPPED_SHARE:
            remarks.append(f"clipped: {share:.0%} of the samples are at full scale")
        return "; ".join(remarks)

    def _truncation(self, seconds: float) -> str:
        claimed = self._claimed_seconds()
        if claimed is not None and claimed - seconds > max(LENGTH_TOLERANCE * claimed, 0.05):
            return f"truncated: header says {claimed:.1f} s, {seconds:.1f} s could be read"
        if self._stopped:
            return f"damaged: {seconds:.1f} s could be read, then {self._stopped}"
        if self._facts.container == "OGG" and not _ogg_ends(self._recording.source):
            return f"truncated: the Ogg stream has no last page, {seconds:.1f} s could be read"
        return ""

    def _claimed_seconds(self) -> float | None:
        """By the header; where libsndfile trimmed a size to the file, by the size that was claimed."""
        sizes = SIZE.search(self._facts.log)
        if self._facts.seconds is None or sizes is None:
            return self._facts.seconds
        claimed, present = int(sizes[1]), int(sizes[2])
        if claimed >= OPEN_SIZE.get(self._facts.container, OPEN_SIZE_64) or not present:
            return self._facts.seconds
        return self._facts.seconds * claimed / present


def _ogg_ends(source: bytes) -> bool:
    """Whether the last page of an Ogg file is whole, and marked as the last of its stream.

    RFC 3533: the header's type, with bit 0x04, is at byte 5, the number of segments at 26, their sizes from 27.
    """
    with open(source, "rb") as file:  # noqa: PTH123 - a path of bytes
        file.seek(max(0, os.fstat(file.fileno()).st_size - 2 * OGG_PAGE_BYTES))
        tail = file.read()
    page = tail.rfind(b"OggS")
    if page < 0:
        return True
    header = tail[page : page + 27]
    sizes = tail[page + 27 :][: header[-1]]
    is_whole = len(header) == 27 and len(sizes) == header[-1] and page + 27 + len(sizes) + sum(sizes) <= len(tail)
    return is_whole and bool(header[5] & 0x04)
