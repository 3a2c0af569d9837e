"""Recordings as people's recorders, exporters and downloads leave them, from public reports; what is right of each."""

import io
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
import soundfile
from recordings import melody

RATE = 22050
SECONDS = 3.0
DAMAGED, DAMAGED_SECONDS = "damaged: ", 8.0
FRAMES = round(RATE * SECONDS)


@dataclass(frozen=True)
class Truth:
    """What is right of a file.

    Attributes:
        frames: to the sample; None for what ffmpeg by itself decodes.
        shown: what the remark says; empty for none at all.
        report: where people met it.
    """

    frames: int | None = FRAMES
    shown: str = ""
    report: str = ""


def ffmpeg(*words: str | Path) -> bytes:
    """What ffmpeg writes to its output; it is called by itself, and finds out everything by itself."""
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y"]
    return subprocess.run([*program, *map(str, words)], check=True, capture_output=True).stdout


def frames_by_ffmpeg(path: Path, channels: int) -> int:
    """Samples a channel by the program that did not write it."""
    raw = ["-map", "0:a:0", "-f", "s16le", "-ac", str(channels), "pipe:1"]
    return len(ffmpeg("-i", path, *raw)) // (2 * channels)


class Maker:
    """Makes files in a folder, no two of the same music."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.truths: dict[str, Truth] = {}

    def music(self, seconds: float = SECONDS, rate: int = RATE) -> npt.NDArray[np.float64]:
        """Another piece each time ``(frames,)``."""
        return melody(500 + len(self.truths), seconds, rate)[:, 0]

    def keep(self, name: str, content: bytes | bytearray, truth: Truth) -> None:
        (self.folder / name).write_bytes(content)
        self.truths[name] = truth

    def wav(self, channels: int = 1, seconds: float = SECONDS, rate: int = RATE, **options: str) -> bytearray:
        """The bytes of a recording in a format of libsndfile's."""
        audio = np.repeat(self.music(seconds, rate)[:, None], channels, axis=1)
        soundfile.write(file := io.BytesIO(), audio, rate, **{"format": "WAV", **options})
        return bytearray(file.getvalue())

    def coded(self, *options: str, suffix: str = "mp3", audio: npt.NDArray[np.float64] | None = None) -> bytes:
        """The bytes that ffmpeg makes of a recording."""
        source, target = self.folder.parent / "source.wav", self.folder.parent / f"coded.{suffix}"
        soundfile.write(source, self.music() if audio is None else audio, RATE)
        ffmpeg("-i", source, *options, target)
        return target.read_bytes()


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of RIFF."""
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def id3(body: bytes) -> bytes:
    """An ID3v2.3 tag."""
    size = len(body) + 10 + 4
    return b"ID3\3\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + b"TIT2\0\0\0\4\0\0\0abc" + body


NO_TAGS = ("-id3v2_version", "0")
NO_XING = ("-write_xing", "0", *NO_TAGS)
VARIABLE = ("-q:a", "2")


def sizes_of_wav(make: Maker) -> None:
    """A recorder that lost power, a size that wraps at 4 GiB, a header that is written now and then."""
    bext = chunk(b"bext", bytes(602))
    for name, claimed, before in (("size 0", 0, b""), ("size 0 bext", 0, bext), ("size ffffffff", 0xFFFFFFFF, b"")):
        wav = make.wav()
        header = wav[:12] + before + wav[12:40] + struct.pack("<I", claimed)
        header[4:8] = struct.pack("<I", min(claimed, 0))
        make.keep(f"{name}.wav", header + wav[44:], Truth(report="mila#151, minutes#519, wavfix#12"))
    shown = "header says 1.0 s, the file holds 3.0 s: all of it is used"
    for subtype in ("PCM_16", "PCM_24", "FLOAT", "ULAW"):
        wav = make.wav(2, subtype=subtype)
        at = wav.index(b"data") + 4
        wav[at : at + 4] = struct.pack("<I", (len(wav) - at - 4) // 3)
        make.keep(f"wrapped {subtype}.wav", wav, Truth(shown=shown, report="python-soundfile#459, record#553"))
    for name, mark, layout, share in (
        ("au", b".snd\0\0\0\x18", ">I", 3),
        ("caf", b"data", ">q", 3),
        ("w64", b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a", "<Q", 3),
    ):
        sound = make.wav(format=name.upper())
        at = sound.rindex(mark) + len(mark)
        sound[at : at + struct.calcsize(layout)] = struct.pack(layout, 2 * FRAMES // share)
        # libsndfile passes over W64's size
        make.keep(f"third.{name}", sound, Truth(shown="" if name == "w64" else shown))
    wav = make.wav()
    junk = chunk(b"JUNK", bytes(4044))
    make.keep("junk.wav", wav[:12] + junk + wav[12:40] + bytes(4) + wav[44:], Truth(report="meeting-transcriber#384"))
    wav, other = make.wav(), make.wav(2, rate=2 * RATE)
    shown = f"2 recordings stand one behind the other in it, 1 of them resampled to {RATE} Hz and 1 channel"
    make.keep("one behind the other.wav", wav + other, Truth(2 * FRAMES, shown))
    wav = make.wav(subtype="PCM_24", seconds=1.0)[:-2]
    wav[40:44] = struct.pack("<I", len(wav) - 44)
    make.keep("odd, no pad.wav", wav + chunk(b"LIST", b"INFOINAM\5\0\0\0Name\0\0"), Truth(RATE - 1))
    for name in (b"RF64", b"BW64"):
        wav = make.wav()
        ds64 = chunk(b"ds64", struct.pack("<QQQI", 0, 2 * FRAMES, FRAMES, 0))
        body = b"\xff\xff\xff\xffWAVE" + ds64 + wav[12:36] + b"data\xff\xff\xff\xff" + wav[44:]
        make.keep(f"{name.decode()}.wav", name + body, Truth(report="libsndfile#399"))
    wav = make.wav(format="RF64")
    at = wav.index(b"ds64") + 8
    wav[at : at + 24] = bytes(24)
    make.keep("ds64 of zeros.rf64", wav, Truth())


def lengths_of_mp3(make: Maker) -> None:
    """Estimates, and headers that say less or more frames than there are."""
    loud = np.random.default_rng(0).normal(0, 0.3, RATE // 4)
    for name, first in (("loud", 0), ("soft", 2 * RATE)):
        audio = 0.1 * make.music()
        audio[first : first + len(loud)] += loud
        whole = make.coded(*VARIABLE, *NO_XING, audio=audio)
        report = "python-soundfile#433, sdrtrunk#1377, Libation#110, clementine#2175, NAudio.Lame#24"
        make.keep(f"variable, {name} first.mp3", whole, Truth(None, report=report))
    audio = 0.1 * make.music()
    audio[: len(loud)] += loud
    whole = make.coded(*VARIABLE, *NO_XING, audio=audio)
    frame = bytearray(whole[:4] + bytes(413))[: 208 if RATE < 32000 else 417]
    # a frame of MPEG 2 at 64 kbit/s, which is 208 bytes at 22.05 kHz
    frame[1:3] = b"\xf3\x80"
    frame[36:54] = b"VBRI" + struct.pack(">HHHII", 1, 0, 75, len(whole) + len(frame), 116)
    make.keep("vbri.mp3", frame + whole, Truth(None, report="navidrome#6047"))
    for name, share, shown in (
        ("half", 0.5, "header says 1.5 s, the file holds 3.0 s: all of it is used"),
        ("none", 0, ""),
        ("tenfold", 10, "header says 30.5 s, the file holds 3.0 s"),
    ):
        whole = bytearray(make.coded(*VARIABLE, *NO_TAGS))
        at = whole.index(b"Xing") + 8
        claimed = struct.unpack(">I", whole[at : at + 4])[0]
        whole[at : at + 4] = struct.pack(">I", int(claimed * share))
        # without its number of frames the header's padding counts for nothing
        make.keep(f"xing {name}.mp3", whole, Truth(FRAMES if name == "half" else None, shown, "mp3-duration#16"))
    whole = b"".join(make.coded("-b:a", "64k") for _ in range(3))
    make.keep("three in one.mp3", whole, Truth(3 * FRAMES, "3 recordings stand one behind the other in it"))
    for name, before in (("2 kB", bytes(2000)), ("100 kB", bytes(100_000)), ("html", b"<html>moved</html>" * 20)):
        whole = make.coded("-b:a", "64k", *NO_XING)
        frames = frames_by_ffmpeg(make.folder.parent / "coded.mp3", 1)
        make.keep(f"behind {name}.mp3", before + whole, Truth(frames, report="libsndfile#1039"))
    for cut in (77, 333, 555):
        whole = make.coded("-b:a", "64k", *NO_XING)
        make.keep(f"cut {cut} bytes in.mp3", whole[cut:], Truth(None, report="mmmagic#35"))
    picture = np.random.default_rng(1).bytes(200_000)
    body = struct.pack("<II", len(picture), 2) + b"Cover Art\0" + picture
    footer = b"APETAGEX" + struct.pack("<IIII", 2000, len(body) + 32, 1, 0x80000000) + bytes(8)
    make.keep("ape and id3v1.mp3", make.coded() + body + footer + b"TAG" + bytes(125), Truth())


def containers(make: Maker) -> None:
    """What only ffmpeg reads, by its first bytes whatever its name."""
    for name, suffix, codec in (
        ("aac", "aac", "aac"), ("ac3", "ac3", "ac3"), ("tta", "tta", "tta"), ("wavpack", "wv", "wavpack")
    ):  # fmt: skip
        whole = id3(bytes(2000)) + make.coded("-c:a", codec, suffix=suffix)
        frames = frames_by_ffmpeg(make.folder.parent / f"coded.{suffix}", 1)
        make.keep(f"{name} behind id3.{suffix}", whole, Truth(frames, report="file-type#267, mpv#10412"))
    whole = make.coded("-c:a", "aac", suffix="aac")
    make.keep("really aac.mp3", whole, Truth(None))
    make.keep("rip from within.aac", make.coded("-c:a", "aac", suffix="aac")[333:], Truth(None))
    make.keep("flac in.ogg", make.coded("-c:a", "flac", suffix="ogg"), Truth(report="mpv#10412"))
    make.keep("ac3 in.wav", make.coded("-c:a", "ac3", suffix="wav"), Truth(None))
    for suffix, codec in (
        ("3gp", "aac"),
        ("mov", "pcm_s16le"),
        ("mkv", "libvorbis"),
        ("eac3", "eac3"),
        ("voc", "pcm_u8"),
    ):
        whole = make.coded("-c:a", codec, suffix=suffix)
        make.keep(f"memo.{suffix}", whole, Truth(None, report="acousticbrainz-client#16"))
    make.keep("segment of hls.aac", make.coded("-c:a", "aac", "-f", "mpegts", suffix="ts"), Truth(None))
    make.keep("memo.wave", make.wav(), Truth())
    make.keep("memo.mpga", make.coded(), Truth())


def streams_and_granules(make: Maker) -> None:
    """Radio's chains, and lengths in Ogg and FLAC that are wrong."""
    for suffix in ("ogg", "flac"):
        parts = [make.wav(format=suffix.upper()), make.wav(2, rate=2 * RATE, format=suffix.upper())]
        shown = f"2 recordings stand one behind the other in it, 1 of them resampled to {RATE} Hz and 1 channel"
        make.keep(f"chain.{suffix}", b"".join(parts), Truth(2 * FRAMES, shown))
    whole = b"".join(make.coded("-c:a", "flac", suffix="ogg") for _ in range(2))
    shown = "header says 3.0 s, the file holds 6.0 s: all of it is used"
    make.keep("chain of flac in.ogg", whole, Truth(2 * FRAMES, shown, "xiph/flac#254"))
    flac = make.wav(format="FLAC")
    flac[21] &= 0xF0
    # STREAMINFO: 36 bits of samples in all
    flac[22:26] = struct.pack(">I", FRAMES // 3)
    make.keep("third.flac", flac, Truth(shown="header says 1.0 s, the file holds 3.0 s: all of it is used"))


def damaged(make: Maker) -> None:
    """One byte turned, or 4 KiB of zeros, in the middle: ffmpeg prints it, and ends with 0."""
    for name, suffix, codec in (
        ("alac", "m4a", "alac"), ("aac", "m4a", "aac"), ("wavpack", "wv", "wavpack"), ("tta", "tta", "tta")
    ):  # fmt: skip
        for kind in ("byte", "zeros"):
            whole = bytearray(make.coded("-c:a", codec, suffix=suffix, audio=make.music(DAMAGED_SECONDS)))
            # sound, not a table of where it is
            half = len(whole) // 2
            if kind == "zeros":
                whole[half : half + 4096] = bytes(4096)
            elif suffix != "m4a":
                # ALAC and AAC carry no checksums: a byte alone may change the sound and nothing else
                whole[half] ^= 0x55
            else:
                continue
            make.keep(f"{kind} in {name}.{suffix}", whole, Truth(None, DAMAGED, "perch#642, fma#49"))


MAKERS: tuple[Callable[[Maker], None], ...] = (
    sizes_of_wav,
    lengths_of_mp3,
    containers,
    streams_and_granules,
    damaged,
)


def make_field(folder: Path) -> dict[str, Truth]:
    """Make the folder.

    Args:
        folder: to be made.

    Returns:
        What is right of each file, by its name.
    """
    folder.mkdir()
    make = Maker(folder)
    for one in MAKERS:
        one(make)
    return make.truths
