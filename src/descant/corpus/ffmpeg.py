"""Recordings that ffmpeg decodes where libsndfile cannot: the kind is known by its first bytes; nothing else is tried.

Left alone, ffmpeg guesses a file's kind and follows playlists to other files and addresses. So it gets the one demuxer
that the first bytes call for, may open no protocol but a local file, and reads nothing from the terminal.
"""

import functools
import os
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Self

import numpy as np

from descant.audio.files import BLOCK_FRAMES, AudioFacts, AudioFileError, Block
from descant.corpus.libsndfile import Ending, is_less, more_than_claimed
from descant.corpus.mpeg import find_frames
from descant.errors import CorpusError

CURE = "pip install imageio-ffmpeg (or put ffmpeg on the PATH), then run with --forcerun ingest"
HEAD_BYTES = 1 << 18
# A copy that was cut off may begin with zeros; more of them are no beginning
MAX_ZEROS = 1 << 24
MAX_TAGS = 8
AU_HEADER = struct.Struct(">4s5I")
FLOAT_BYTES = 4
LOG_BYTES = 1 << 20
DURATION = re.compile(r"Duration: (\d+):(\d\d):(\d\d\.\d+)")
# What ffmpeg prints where a file has no duration and its first packets' bit rate must do
ESTIMATED = "Estimating duration from bitrate"
# It has no header: its duration is that of the time stamps, up to the beginning of the last packet
BROADCAST = "MPEG-TS"
# Pictures that move may last longer than their sound
FILM = re.compile(r"Stream #0:\d+.*: Video:(?!.*attached pic)")
DECODE_ERRORS = re.compile(r"Input stream #0:\d+ \(audio\):.* (\d+) decode errors")
COMPLAINT = re.compile(r"^(?P<where>(?:\[[^]]*\] )*?)\[(?:error|fatal|panic)\] (?P<words>.+)$", re.MULTILINE)
# Of what ffmpeg writes, which is not the recording's fault, and what repeats another line in general words
OURS = re.compile(r"\[(?:au|out#\S*|aost#\S*|pcm_f32be) @")
NUMBERS = re.compile(r",?(?: offset| at PTS| at pos)? ?\(?(?:\b0x[0-9a-f]+|-?\d{6,})\)?")
GENERAL = ("Error", "Conversion failed", "file:", "Invalid data found")
# First bytes with their mask of what may be anything ("."), ffmpeg's demuxer, and what people call it
MAGIC = (
    (rb"(RIFF|RIFX|RF64|BW64)....WAVE", "wav", "WAV"),
    (rb"riff\x2e\x91\xcf\x11", "w64", "W64"),
    (rb"FORM....AIF[FC]", "aiff", "AIFF"),
    (rb"\.snd", "au", "AU"),
    (rb"caff", "caf", "CAF"),
    (rb"fLaC", "flac", "FLAC"),
    (rb"OggS", "ogg", "Ogg"),
    (rb"Creative Voice File", "voc", "VOC"),
    (rb"....(ftyp|moov|mdat|wide|free|skip)", "mov", "MP4"),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf", "WMA"),
    (rb"\x1a\x45\xdf\xa3", "matroska", "Matroska"),
    (rb"\x0b\x77", "ac3", "AC-3"),
    (rb"(\x7f\xfe\x80\x01|\xfe\x7f\x01\x80|\x1f\xff\xe8\x00|\xff\x1f\x00\xe8)", "dts", "DTS"),
    (rb"wvpk", "wv", "WavPack"),
    (rb"MAC ", "ape", "Monkey's Audio"),
    (rb"TTA1", "tta", "True Audio"),
    (rb"MPCK", "mpc8", "Musepack"),
    (rb"MP\+", "mpc", "Musepack"),
    (rb"DSD ", "dsf", "DSF"),
    (rb"FRM8....\x00\x00..DSD ", "iff", "DSDIFF"),
    (rb"#!AMR", "amr", "AMR"),
    (rb"G.{187}G.{187}G.{187}G", "mpegts", BROADCAST),
)
NAMES = {"mp3": "MP3", "aac": "AAC"}
# libsndfile is asked first
NATIVE = frozenset({"wav", "w64", "aiff", "au", "caf", "flac", "ogg", "voc", "mp3"})
# Codecs whose frames carry a checksum: one that fails is noise at full scale, and left out
CHECKED = frozenset({"tta", "wv", "flac", "ape", "ogg"})


@dataclass(frozen=True)
class Kind:
    """What a file is by its first bytes.

    Attributes:
        demuxer: ffmpeg's name of it; empty when it is none of ours.
        name: what people call it.
        start: where it begins, behind ID3 tags and zeros, bytes.
        is_zero: whether it holds nothing but zeros, as far as was looked.
    """

    demuxer: str
    name: str
    start: int
    is_zero: bool = False

    @property
    def is_native(self) -> bool:
        """Whether libsndfile can be asked first."""
        return self.demuxer in NATIVE or not self.demuxer


class MissingError(CorpusError):
    """There is no ffmpeg on this machine."""


def recognise(path: bytes) -> Kind:
    """Find out what a file is by its first bytes.

    Args:
        path: of a regular file.

    Raises:
        OSError: when it cannot be read.
    """
    with open(path, "rb") as file:  # noqa: PTH123 - a path of bytes
        start = 0
        for _ in range(MAX_TAGS):
            start = _behind_zeros(file, start)
            file.seek(start)
            tag = file.read(10)
            if len(tag) < 10 or not tag.startswith(b"ID3"):
                break
            # four times seven bits (ID3v2.4, section 3.1), and a footer of ten bytes
            size = sum((byte & 0x7F) << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=True))
            start += 10 + size + (10 if tag[5] & 0x10 else 0)
        file.seek(start)
        head = file.read(HEAD_BYTES)
    if not head.strip(b"\0"):
        return Kind("", "", start, start > 0 or bool(head))
    demuxer, name = sniff(head)
    return Kind(demuxer, name, start + max(0, find_frames(head)[1]) if demuxer in NAMES else start)


def _behind_zeros(file: IO[bytes], start: int) -> int:
    """The place of the first byte that is not zero; the start itself where there are too many of them.

    Some formats begin with zeros of their own, three of them at most.
    """
    file.seek(start)
    place = start
    while place - start < MAX_ZEROS and (data := file.read(HEAD_BYTES)):
        if rest := data.lstrip(b"\0"):
            place += len(data) - len(rest)
            return place if place - start > 3 else start
        place += len(data)
    return start


def sniff(head: bytes) -> tuple[str, str]:
    """A kind of audio file by its first bytes.

    Args:
        head: as much as is there, up to 256 KiB; MPEG audio is known by frames that follow one upon another.

    Returns:
        ffmpeg's name of its demuxer, and what people call it; both empty when it is none of ours.
    """
    for magic, demuxer, name in MAGIC:
        if re.match(magic, head, re.DOTALL):
            return demuxer, name
    demuxer = find_frames(head)[0]
    return demuxer, NAMES.get(demuxer, "")


def program(name: str) -> str:
    """The ffmpeg of the wheel ``imageio-ffmpeg``, or the one on the PATH.

    Args:
        name: what people call the format that needs it.

    Raises:
        MissingError: when there is neither.
    """
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        found = shutil.which("ffmpeg")
    if found is None:
        raise MissingError(f"{name} needs ffmpeg, which is not installed: {CURE}", CURE)
    return found


@functools.cache
def ffmpeg_version() -> str:
    """What ffmpeg says that it is; empty where there is none."""
    try:
        said = subprocess.run([program(""), "-version"], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    except (MissingError, OSError, subprocess.CalledProcessError):
        return ""
    return said.stdout.decode("utf-8", errors="replace").partition("\n")[0]


def command(source: bytes, kind: Kind, ignores_size: bool = False) -> list[str | bytes]:
    """The command line that decodes the first audio stream to 32-bit floats, as an AU file on the standard output.

    Args:
        source: path, as bytes.
        kind: of :func:`recognise`.
        ignores_size: whether a WAV is read up to the end of the file.

    Raises:
        MissingError: when there is no ffmpeg.
    """
    quiet = ["-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+verbose"]
    bounds = ["-protocol_whitelist", "file", "-format_whitelist", kind.demuxer, "-f", kind.demuxer, "-threads", "1"]
    bounds += ["-err_detect", "crccheck+explode" if kind.demuxer in CHECKED else "crccheck"]
    if kind.start:
        bounds += ["-skip_initial_bytes", str(kind.start)]
    if ignores_size:
        bounds += ["-ignore_length", "1"]
    wanted = ["-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1", "-c:a", "pcm_f32be", "-f", "au"]
    path = b"file:" + os.path.abspath(source)  # noqa: PTH100 - a path of bytes
    return [program(kind.name), *quiet, *bounds, "-i", path, *wanted, "pipe:1"]


class FfmpegDecoder:
    """One run of ffmpeg over a recording; a context that ends it.

    Args:
        source: path of a regular file, as bytes.
        kind: of :func:`recognise`.
        ignores_size: whether a WAV is read up to the end of the file.

    Attributes:
        facts: rate and channels as decoded; frames by the container's duration, where it has one.

    Raises:
        MissingError: when there is no ffmpeg.
        AudioFileError: when ffmpeg finds no audio in it.
    """

    def __init__(self, source: bytes, kind: Kind, ignores_size: bool = False) -> None:
        # a file, as nobody reads a pipe while the samples are waited for
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self._process = subprocess.Popen(
            command(source, kind, ignores_size), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log
        )
        assert self._process.stdout is not None
        self._output = self._process.stdout
        try:
            self.facts = self._read_facts(kind.name)
        except BaseException:
            self.close()
            raise

    def _read_facts(self, name: str) -> AudioFacts:
        header = self._output.read(AU_HEADER.size)
        if len(header) < AU_HEADER.size:
            code = self._process.wait()
            words = self._complaints()[-1:] or [f"ffmpeg ended with {code}"]
            raise AudioFileError(f"not audio: {words[0]}", "convert the file to FLAC or WAV, or leave it out")
        magic, start, _, _, rate, channels = AU_HEADER.unpack(header)
        assert magic == b".snd", magic
        self._output.read(start - AU_HEADER.size)
        frames, said = None, self._messages()
        claims = ESTIMATED not in said and not FILM.search(said) and name != BROADCAST
        if claims and (found := DURATION.search(said)):
            hours, minutes, seconds = map(float, found.groups())
            frames = round((hours * 3600 + minutes * 60 + seconds) * rate)
        return AudioFacts(frames, rate, channels, name, "")

    def blocks(self) -> Iterator[Block]:
        """See :class:`~descant.corpus.libsndfile.Decoder`; a decoder's floats may be beyond 1."""
        width = FLOAT_BYTES * self.facts.channels
        while data := self._output.read(BLOCK_FRAMES * width):
            whole = len(data) // width * width
            if whole:
                block = np.frombuffer(data[:whole], dtype=">f4").reshape(-1, self.facts.channels)
                yield block.astype(np.float32)
        if code := self._process.wait():
            words = self._complaints()[-1:] or [f"ffmpeg ended with {code}"]
            raise AudioFileError(f"decoding stopped: {words[0]}", "convert the file to FLAC or WAV")

    def ending(self, frames: int, stopped: str) -> Ending:
        """See :class:`~descant.corpus.libsndfile.Decoder`; ffmpeg itself prints errors, and ends with 0."""
        seconds, claimed = frames / self.facts.rate, self.facts.seconds
        if stopped:
            return Ending(f"damaged: {seconds:.1f} s could be read, then {stopped}")
        complaints = self._complaints()
        errors = DECODE_ERRORS.findall(self._messages())
        words = f"ffmpeg: {complaints[0]}" if complaints else ""
        if errors and int(errors[-1]):
            words = f"{errors[-1]} of its packets could not be decoded" + f" ({words})" * bool(words)
        if claimed is not None and is_less(seconds, claimed):
            lengths = f"header says {claimed:.1f} s, {seconds:.1f} s could be read"
            return Ending(f"damaged: {lengths}; {words}" if words else f"truncated or damaged: {lengths}")
        remark = "" if claimed is None else more_than_claimed(seconds, claimed)
        return Ending(f"damaged: {words}" if words else "", remark)

    def _messages(self) -> str:
        """The first and the last that ffmpeg printed; it writes at the file's one position, which stays where it is."""
        size = os.fstat(self._log.fileno()).st_size
        head = os.pread(self._log.fileno(), LOG_BYTES, 0)
        tail = os.pread(self._log.fileno(), LOG_BYTES, max(len(head), size - LOG_BYTES))
        return (head + tail).decode("utf-8", errors="replace")

    def _complaints(self) -> list[str]:
        """Errors of the recording, the telling ones first, each with neither addresses nor the file's name."""
        special: list[str] = []
        general: list[str] = []
        for found in COMPLAINT.finditer(self._messages()):
            words = "".join(letter for letter in found["words"].strip() if letter.isprintable())
            # of a chain of Ogg streams, which goes on all the same
            if OURS.search(found["where"]) or words.startswith(("file:", "failed to create or replace stream")):
                continue
            (general if words.startswith(GENERAL) else special).append(NUMBERS.sub("", words).strip(" !."))
        return special or general

    def close(self) -> None:
        """End the process, whatever it is at."""
        self._process.kill()
        self._process.wait()
        self._output.close()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
