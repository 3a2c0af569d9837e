"""One recording: decoded once, verified while it streams by, named by its content and kept without loss."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from descant.audio.files import AudioFacts, AudioFileError, probe, read_blocks, write_flac, write_wav

CONTAINERS = frozenset({"WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3", "AIFF"})
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
DATA_SIZE = re.compile(r"^\s*(?:data|SSND) : (\d+) \(should be (\d+)\)", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What became of one recording.

    Attributes:
        track: content-hash id; empty when it is set aside.
        seconds: duration that was decoded; the header's, or 0, where nothing was.
        rate: Hz, or 0.
        channels: or 0.
        reason: why it is set aside; for a used one, what people should know, or empty.
    """

    track: str
    seconds: float
    rate: int
    channels: int
    reason: str

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


def verify(source: bytes, folder: Path, max_seconds: float) -> Outcome:
    """Decode a recording, check it, and keep a verified copy named by its content.

    Memory does not grow with its length. The id is the first 16 hexadecimal digits of sha256 over rate, channels
    and the decoded float32 samples.

    Args:
        source: path, as bytes.
        folder: where the copy goes.
        max_seconds: a longer one is set aside, before decoding if its header tells.

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
        facts = probe(source)
    except AudioFileError as error:
        return rejected(error.problem)
    if refusal := _refusal(facts, max_seconds):
        return rejected(refusal, facts)
    temporary = folder / f".{os.getpid()}.tmp"
    try:
        return _keep(source, facts, folder, temporary, max_seconds)
    except _UnusableError as error:
        return rejected(str(error), facts)
    finally:
        temporary.unlink(missing_ok=True)


def _refusal(facts: AudioFacts, max_seconds: float) -> str:
    if facts.container not in CONTAINERS:
        return f"{facts.container} files are not supported; convert it to FLAC or WAV"
    if not 1 <= facts.channels <= MAX_CHANNELS:
        return f"{facts.channels} channels; at most {MAX_CHANNELS} are supported"
    if not MIN_RATE <= facts.rate <= MAX_RATE:
        return f"sample rate of {facts.rate} Hz; {MIN_RATE} to {MAX_RATE} Hz are supported"
    if facts.seconds is not None and facts.seconds > max_seconds:
        return _too_long(facts.seconds, max_seconds)
    return ""


def _too_long(seconds: float, max_seconds: float) -> str:
    return f"{seconds / 60:.1f} min is longer than corpus.folder.max_minutes, {max_seconds / 60:g}"


def _keep(source: bytes, facts: AudioFacts, folder: Path, temporary: Path, max_seconds: float) -> Outcome:
    suffix = ".flac"
    check = _Check(source, facts, max_seconds, full_scale=True)
    try:
        write_flac(temporary, check.blocks(), facts.rate, facts.channels)
    except (_TooLoudError, AudioFileError):
        # FLAC would clip it, or knows no such rate
        suffix = ".wav"
        check = _Check(source, facts, max_seconds, full_scale=False)
        write_wav(temporary, check.blocks(), facts.rate, facts.channels)
    remark = check.verdict()
    track = check.digest.hexdigest()[:16]
    temporary.replace(folder / f"{track}{suffix}")
    return Outcome(track, check.frames / facts.rate, facts.rate, facts.channels, remark)


class _Check:
    """What is learnt of a recording while its blocks stream by."""

    def __init__(self, source: bytes, facts: AudioFacts, max_seconds: float, full_scale: bool) -> None:
        self._source = source
        self._facts = facts
        self._max_seconds = max_seconds
        self._full_scale = full_scale
        self._low = np.full(facts.channels, np.inf, dtype=np.float32)
        self._high = np.full(facts.channels, -np.inf, dtype=np.float32)
        self._stopped = ""
        self.frames = 0
        self.digest = hashlib.sha256(f"{facts.rate} {facts.channels} ".encode())

    def blocks(self) -> Iterator[npt.NDArray[np.float32]]:
        try:
            for block in read_blocks(self._source):
                self._look(block)
                yield block
        except AudioFileError as error:
            self._stopped = error.problem

    def _look(self, block: npt.NDArray[np.float32]) -> None:
        if not np.isfinite(block).all():
            raise _UnusableError("contains NaN" if np.isnan(block).any() else "contains infinite samples")
        low, high = block.min(axis=0), block.max(axis=0)
        level = max(float(high.max()), -float(low.min()))
        if level > MAX_LEVEL:
            raise _UnusableError(f"out of range: a sample of {level:.3g}, where full scale is 1")
        if self._full_scale and level > 1:
            raise _TooLoudError
        self._low, self._high = np.minimum(self._low, low), np.maximum(self._high, high)
        self.frames += len(block)
        if self.frames > self._max_seconds * self._facts.rate:
            raise _UnusableError(_too_long(self.frames / self._facts.rate, self._max_seconds))
        self.digest.update(block.astype("<f4").tobytes())

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
        return f"{truncation}; this part is used" if truncation else ""

    def _truncation(self, seconds: float) -> str:
        claimed = self._claimed_seconds()
        if claimed is not None and claimed - seconds > max(LENGTH_TOLERANCE * claimed, 0.05):
            return f"truncated: header says {claimed:.1f} s, {seconds:.1f} s could be read"
        if self._stopped:
            return f"damaged: {seconds:.1f} s could be read, then {self._stopped}"
        if self._facts.container == "OGG" and not _ogg_ends(self._source):
            return f"truncated: the Ogg stream has no last page, {seconds:.1f} s could be read"
        return ""

    def _claimed_seconds(self) -> float | None:
        """By the header; for WAV and AIFF by the size of the data chunk, which libsndfile trims to the file."""
        sizes = DATA_SIZE.search(self._facts.log)
        if self._facts.seconds is None or sizes is None:
            return self._facts.seconds
        claimed, present = int(sizes[1]), int(sizes[2])
        # what is written to a pipe claims 0 or about 4 GiB, as its end was not known: nothing is missing
        if claimed >= 0x7FFFF000 or not present:
            return self._facts.seconds
        return self._facts.seconds * claimed / present


def _ogg_ends(source: bytes) -> bool:
    """Whether the last page of an Ogg file is marked as the last of its stream (RFC 3533, header type bit 0x04)."""
    with open(source, "rb") as file:  # noqa: PTH123 - a path of bytes
        file.seek(max(0, os.fstat(file.fileno()).st_size - 2 * OGG_PAGE_BYTES))
        tail = file.read()
    page = tail.rfind(b"OggS")
    return page < 0 or page + 5 >= len(tail) or bool(tail[page + 5] & 0x04)
