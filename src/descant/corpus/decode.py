"""One recording: decoded once, verified while it streams by, named by its content and kept without loss."""

import hashlib
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from descant.audio.files import AudioFacts, AudioFileError, write_flac, write_wav
from descant.audio.fingerprint import Fingerprinter, Words
from descant.corpus.ffmpeg import FfmpegDecoder, MissingError, ffmpeg_version, recognise
from descant.corpus.libsndfile import SAMPLE_BYTES, ChainDecoder, Decoder, Ending, LibsndfileDecoder
from descant.corpus.wavpack import BrokenWavPackDecoder

MAX_CHANNELS = 8
MIN_RATE, MAX_RATE = 1000, 384000
MIN_SECONDS = 0.1
# A truncated recording is used when at least this much of it could be read
MIN_TRUNCATED_SECONDS = 2.0
MAX_LEVEL = 8.0
# Just above the smallest level that mu-law distinguishes from silence, 8.6e-5
SILENCE = 1e-4
# A second decoder's work is taken where it read so much more, seconds
GAIN = 0.05
FLOAT_BYTES = 4
# A sample at full scale, or the step beside it; the remark names a larger share of them than this
CLIPPING, CLIPPED_SHARE = 1 - 2**-14, 0.01


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


class _DecoderError(Exception):
    """A decoder cannot open this recording, or is not installed."""

    def __init__(self, problem: str, is_missing: bool) -> None:
        super().__init__(problem)
        self.is_missing = is_missing


class _UnusableError(Exception):
    """Found while streaming: this recording must be set aside."""

    def __init__(self, reason: str, facts: AudioFacts) -> None:
        super().__init__(reason)
        self.facts = facts


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
    """What a recording may decode to: counted while it is decoded, as headers and estimates may be wrong.

    Attributes:
        seconds: of sound.
        bytes: as 32-bit floats.
    """

    seconds: float
    bytes: int

    def refusal(self, frames: int, rate: int, channels: int) -> str:
        """Why so many frames are too many; empty when they are not."""
        if frames > self.seconds * rate:
            return f"longer than corpus.folder.max_minutes, {self.seconds / 60:g}"
        if frames * channels * FLOAT_BYTES > self.bytes:
            return f"decodes to more than corpus.folder.max_decoded_gib, {self.bytes / 2**30:g}"
        return ""


@dataclass(frozen=True)
class _Kept:
    """What one decoder made of a recording; its copy stands in a temporary file, if there is anything in it."""

    copy: Path
    suffix: str
    check: "_Check"
    ending: Ending

    @property
    def seconds(self) -> float:
        return self.check.frames / self.check.facts.rate


def verify(source: bytes, folder: Path, bounds: Bounds) -> Outcome:
    """Decode a recording to its end, check it, and keep a verified copy named by its content.

    Where the first decoder does not read all of the file, the next one is asked, and the one that reads most is kept.
    Memory does not grow with the length. The id is the first 16 hexadecimal digits of sha256 over rate, channels and
    the decoded float32 samples.

    Args:
        source: path, as bytes.
        folder: where the copy goes.
        bounds: what is larger is set aside.

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
        if status.st_size == 0:
            return rejected("empty file")
        kind = recognise(source)
    except OSError as error:
        return rejected(f"cannot be opened: {error.strerror}")
    if kind.is_zero:
        return rejected("not audio: nothing but zeros, as of a download or copy that did not finish")
    decoders: deque[Callable[[], Decoder]] = deque([partial(LibsndfileDecoder, source, kind.start)])
    if kind.demuxer and kind.is_native:
        decoders += [partial(ChainDecoder, source, kind.demuxer), partial(FfmpegDecoder, source, kind)]
    elif kind.demuxer:
        decoders.appendleft(partial(FfmpegDecoder, source, kind))
        if kind.demuxer == "wv":
            decoders.append(partial(BrokenWavPackDecoder, source, kind))
    temporaries = [folder / f".{os.getpid()}.{number}.tmp" for number in range(2)]
    try:
        return _most_of(decoders, folder, temporaries, bounds)
    finally:
        for temporary in temporaries:
            temporary.unlink(missing_ok=True)


def _most_of(decoders: deque[Callable[[], Decoder]], folder: Path, temporaries: list[Path], bounds: Bounds) -> Outcome:
    """Ask decoders in turn until one reads all of the recording."""
    best: _Kept | None = None
    refusals: list[str] = []
    while decoders:
        opened = decoders.popleft()
        spare = next(path for path in temporaries if best is None or path != best.copy)
        try:
            kept = _decode(opened, spare, bounds)
        except _DecoderError as error:
            # what is missing on this machine is of more use to people than why another decoder cannot do it
            refusals.insert(0 if error.is_missing else len(refusals), str(error))
            continue
        except _UnusableError as error:
            if best is None:
                return rejected(str(error), error.facts)
            break
        gain = 0.0 if best is not None and best.ending.loss and not kept.ending.loss else GAIN
        if best is None or kept.seconds > best.seconds + gain:
            best = kept
        if not kept.ending.loss or (kept.ending.is_cut and kept.seconds):
            break
        if kept.ending.rest is not None:
            decoders.appendleft(kept.ending.rest)
    if best is None:
        return rejected(refusals[0])
    return _outcome(best, folder)


def decoder_versions() -> dict[str, str]:
    """The libraries whose versions shape what is decoded, by name; ffmpeg is empty where there is none."""
    return {
        "libsndfile": soundfile.__libsndfile_version__,
        "soxr": f"{soxr.__version__} {soxr.__libsoxr_version__}",
        "ffmpeg": ffmpeg_version(),
    }


def _decode(opened: Callable[[], Decoder], copy: Path, bounds: Bounds) -> _Kept:
    try:
        return _copied(opened, copy, ".flac", bounds)
    except (_TooLoudError, AudioFileError):
        # FLAC would clip it, or knows no such rate
        return _copied(opened, copy, ".wav", bounds)


def _copied(opened: Callable[[], Decoder], copy: Path, suffix: str, bounds: Bounds) -> _Kept:
    try:
        decoder = opened()
    except (AudioFileError, MissingError) as error:
        raise _DecoderError(error.problem, isinstance(error, MissingError)) from error
    with decoder:
        facts = decoder.facts
        if refusal := _refusal(facts, bounds):
            raise _UnusableError(refusal, facts)
        check = _Check(decoder, bounds, full_scale=suffix == ".flac")
        (write_flac if suffix == ".flac" else write_wav)(copy, check.blocks(), facts.rate, facts.channels)
        return _Kept(copy, suffix, check, decoder.ending(check.frames, check.stopped))


def _refusal(facts: AudioFacts, bounds: Bounds) -> str:
    if not 1 <= facts.channels <= MAX_CHANNELS:
        return f"{facts.channels} channels; at most {MAX_CHANNELS} are supported"
    if not MIN_RATE <= facts.rate <= MAX_RATE:
        return f"sample rate of {facts.rate} Hz; {MIN_RATE} to {MAX_RATE} Hz are supported"
    # the bytes that are there say how many samples without compression there are
    is_exact = facts.subtype in SAMPLE_BYTES and facts.container != "FLAC"
    return bounds.refusal(facts.frames or 0, facts.rate, facts.channels) if is_exact else ""


def _outcome(kept: _Kept, folder: Path) -> Outcome:
    facts = kept.check.facts
    try:
        remark = kept.check.verdict(kept.ending)
    except _UnusableError as error:
        return Outcome("", kept.seconds, facts.rate, facts.channels, str(error))
    track = kept.check.digest.hexdigest()[:16]
    kept.copy.replace(folder / f"{track}{kept.suffix}")
    return Outcome(track, kept.seconds, facts.rate, facts.channels, remark, kept.check.fingerprint.words())


class _Check:
    """What is learnt of a recording while its blocks stream by."""

    def __init__(self, decoder: Decoder, bounds: Bounds, full_scale: bool) -> None:
        self._decoder = decoder
        self.facts = facts = decoder.facts
        self._bounds = bounds
        self._full_scale = full_scale
        self._low = np.full(facts.channels, np.inf, dtype=np.float32)
        self._high = np.full(facts.channels, -np.inf, dtype=np.float32)
        self._clipped = 0
        self.stopped = ""
        self.frames = 0
        self.fingerprint = Fingerprinter(facts.rate)
        self.digest = hashlib.sha256(f"{facts.rate} {facts.channels} ".encode())

    def blocks(self) -> Iterator[npt.NDArray[np.float32]]:
        try:
            for block in self._decoder.blocks():
                if len(block):
                    self._look(block)
                    yield block
        except AudioFileError as error:
            self.stopped = error.problem

    def _look(self, block: npt.NDArray[np.float32]) -> None:
        if not np.isfinite(block).all():
            raise _UnusableError("contains NaN" if np.isnan(block).any() else "contains infinite samples", self.facts)
        # channel after channel: numpy reduces a short last axis a hundred times slower
        channels = np.ascontiguousarray(block.T)
        low, high = channels.min(axis=1), channels.max(axis=1)
        level = max(float(high.max()), -float(low.min()))
        if level > MAX_LEVEL:
            raise _UnusableError(f"out of range: a sample of {level:.3g}, where full scale is 1", self.facts)
        if self._full_scale and level > 1:
            raise _TooLoudError
        self._low, self._high = np.minimum(self._low, low), np.maximum(self._high, high)
        self.frames += len(block)
        if refusal := self._bounds.refusal(self.frames, self.facts.rate, self.facts.channels):
            raise _UnusableError(refusal, self.facts)
        if level >= CLIPPING:
            self._clipped += int(np.count_nonzero(np.abs(block) >= CLIPPING))
        self.digest.update(block.astype("<f4").tobytes())
        self.fingerprint.add(block)

    def verdict(self, ending: Ending) -> str:
        """What people should know of a usable recording; raises for one that is not."""
        seconds, loss = self.frames / self.facts.rate, ending.loss
        if self.frames == 0:
            raise _UnusableError(f"no audio in it: {self.stopped or 'a header only, or cut short'}", self.facts)
        if seconds < MIN_SECONDS or (loss and seconds < MIN_TRUNCATED_SECONDS):
            raise _UnusableError(loss or f"too short: {seconds:.3f} s; {MIN_SECONDS} s is the least", self.facts)
        if float((self._high - self._low).max()) < SILENCE:
            is_silent = max(float(self._high.max()), -float(self._low.min())) < SILENCE
            raise _UnusableError("silent" if is_silent else "a constant value (DC), no sound", self.facts)
        remarks = [f"{loss}; this part is used" if loss else "", ending.remark]
        if (share := self._clipped / (self.frames * self.facts.channels)) > CLIPPED_SHARE:
            remarks.append(f"clipped: {share:.0%} of the samples are at full scale")
        return "; ".join(filter(None, remarks))
