"""Formats that libsndfile lacks, decoded by ffmpeg: the kind is known by its first bytes, and nothing else is tried.

Left alone, ffmpeg guesses a file's kind and follows playlists to other files and addresses. So it is told the one
demuxer that the first bytes call for, may open no protocol but a local file, and reads nothing from the terminal.
"""

import os
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from typing import IO

import numpy as np

from descant.audio.files import BLOCK_FRAMES, AudioFacts, AudioFileError, Block
from descant.errors import CorpusError

CURE = "pip install imageio-ffmpeg (or put ffmpeg on the PATH), then run with --forcerun ingest"
HEAD_BYTES = 16
AU_HEADER = struct.Struct(">4s5I")
FLOAT_BYTES = 4
TOLD_BYTES = 4096
DURATION = re.compile(r"^\s*Duration: (\d+):(\d\d):(\d\d\.\d+)", re.MULTILINE)
# First bytes with their mask of what may be anything ("."), ffmpeg's demuxer, and what people call it
MAGIC = (
    (rb"....ftyp", "mov", "MP4"),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf", "WMA"),
    (rb"\x1a\x45\xdf\xa3", "matroska", "Matroska"),
    (rb"\xff[\xf0\xf1\xf8\xf9]", "aac", "AAC"),
    (rb"\x0b\x77", "ac3", "AC-3"),
    (rb"wvpk", "wv", "WavPack"),
    (rb"MAC ", "ape", "Monkey's Audio"),
    (rb"TTA1", "tta", "True Audio"),
    (rb"MPCK", "mpc8", "Musepack"),
    (rb"MP\+", "mpc", "Musepack"),
    (rb"caff", "caf", "CAF"),
    (rb"DSD ", "dsf", "DSF"),
)

# Streams without a container: ffmpeg tells a duration that it guesses by the first frames' bit rate
ESTIMATED = frozenset({"AAC", "AC-3"})


class MissingError(CorpusError):
    """There is no ffmpeg on this machine."""


def sniff(head: bytes) -> tuple[str, str]:
    """Tell a kind of audio file that only ffmpeg reads by its first bytes.

    Args:
        head: at least 16 bytes, where the file has them.

    Returns:
        ffmpeg's name of its demuxer, and what people call it; both empty when it is none of ours.
    """
    for magic, demuxer, name in MAGIC:
        if re.match(magic, head, re.DOTALL):
            return demuxer, name
    return "", ""


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


def command(source: bytes, demuxer: str, name: str) -> list[str | bytes]:
    """The command line that decodes the first audio stream to 32-bit floats, as an AU file on the standard output.

    Args:
        source: path, as bytes.
        demuxer: of :func:`sniff`.
        name: what people call the format.

    Raises:
        MissingError: when there is no ffmpeg.
    """
    quiet = ["-hide_banner", "-nostdin", "-nostats", "-loglevel", "info"]
    bounds = ["-protocol_whitelist", "file", "-format_whitelist", demuxer, "-f", demuxer, "-threads", "1"]
    wanted = ["-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1", "-c:a", "pcm_f32be", "-f", "au"]
    return [program(name), *quiet, *bounds, "-i", b"file:" + os.path.abspath(source), *wanted, "pipe:1"]  # noqa: PTH100


class Decoder:
    """One run of ffmpeg over a recording; a context that ends it.

    Args:
        source: path of a regular file, as bytes.
        demuxer: of :func:`sniff`.
        name: what people call the format.

    Attributes:
        facts: rate and channels as decoded; frames by the container's duration, where it tells.

    Raises:
        MissingError: when there is no ffmpeg.
        AudioFileError: when ffmpeg finds no audio in it.
    """

    def __init__(self, source: bytes, demuxer: str, name: str) -> None:
        # a file, as nobody reads a pipe while the samples are waited for
        self._told: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self._process = subprocess.Popen(
            command(source, demuxer, name), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._told
        )
        assert self._process.stdout is not None
        self._output = self._process.stdout
        try:
            self.facts = self._read_facts(name)
        except BaseException:
            self.close()
            raise

    def _read_facts(self, name: str) -> AudioFacts:
        header = self._output.read(AU_HEADER.size)
        if len(header) < AU_HEADER.size:
            self._process.wait()
            raise AudioFileError(f"not audio: {self._complaint()}", "convert the file to FLAC or WAV, or leave it out")
        magic, start, _, _, rate, channels = AU_HEADER.unpack(header)
        assert magic == b".snd", magic
        self._output.read(start - AU_HEADER.size)
        frames = None
        if name not in ESTIMATED and (told := DURATION.search(self._messages())):
            hours, minutes, seconds = map(float, told.groups())
            frames = round((hours * 3600 + minutes * 60 + seconds) * rate)
        return AudioFacts(frames, rate, channels, name, "")

    def blocks(self) -> Iterator[Block]:
        """The samples.

        Yields:
            float32 ``(frames, channels)``, as they come: a decoder's floats may be beyond 1.

        Raises:
            AudioFileError: after what could be read, when ffmpeg failed.
        """
        width = FLOAT_BYTES * self.facts.channels
        while data := self._output.read(BLOCK_FRAMES * width):
            whole = len(data) // width * width
            if whole:
                block = np.frombuffer(data[:whole], dtype=">f4").reshape(-1, self.facts.channels)
                yield block.astype(np.float32)
        if self._process.wait():
            raise AudioFileError(f"decoding stopped: {self._complaint()}", "convert the file to FLAC or WAV")

    def _messages(self) -> str:
        # the process writes at the file's one position: read at a place without moving it
        return os.pread(self._told.fileno(), 1 << 16, 0).decode("utf-8", errors="replace")

    def _complaint(self) -> str:
        """The last but the general thing that ffmpeg said, without the file's name."""
        size = os.fstat(self._told.fileno()).st_size
        tail = os.pread(self._told.fileno(), TOLD_BYTES, max(0, size - TOLD_BYTES)).decode("utf-8", errors="replace")
        for line in reversed(tail.splitlines()):
            words = re.sub(r"^(\[[^]]*\]\s*)+", "", line).strip()
            if words and not words.startswith(("Error opening", "Conversion failed", "file:")):
                return "".join(letter for letter in words if letter.isprintable())
        return f"ffmpeg ended with {self._process.returncode}"

    def close(self) -> None:
        """End the process, whatever it is at."""
        self._process.kill()
        self._process.wait()
        self._output.close()
        self._told.close()

    def __enter__(self) -> "Decoder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
