"""A folder with everything in it that people's folders have had, and what must become of each."""

import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from recordings import melody, write

from descant.config.corpus import Corpus, Folder

RATE = 16000
USED, ASIDE = "used", "rejected"

# Each has been a file's name, or an attack; expected is what becomes of it
NAMES = {
    b"-dash.wav": USED,
    b"--help.wav": USED,
    b"line\nbreak.wav": USED,
    b"tab\there.wav": USED,
    b"`touch x`.wav": USED,
    b"$(touch x).wav": USED,
    b"; touch x;.wav": USED,
    b"{brace} {input}.wav": USED,
    b"{{config[seed]}}.wav": USED,
    b'it\'s "quoted".wav': USED,
    b"*.wav": USED,
    b"100%s %03d.wav": USED,
    b"back\\slash.wav": USED,
    "\N{RIGHT-TO-LEFT OVERRIDE}vaw.wav".encode(): USED,
    "caf\u00e9.wav".encode(): USED,
    "cafe\u0301.wav".encode(): USED,
    b"\xff\xfe not utf-8.wav": USED,
    b"v" * 251 + b".wav": USED,
    b" leading.wav": USED,
    b"trailing.wav ": USED,
    b"UPPER.WAV": USED,
    b".hidden.wav": ASIDE,
}


@dataclass(frozen=True)
class Expected:
    """What must become of an item: its status, and what its reason says."""

    status: str
    reported: str = ""


def corpus(root: Path, **over: object) -> Corpus:
    """The configuration's section for the folder."""
    return Corpus(source="folder", folder=Folder(path=str(root), max_minutes=30, max_decoded_gib=0.05), **over)


def content(container: str, seconds: float = 1.0, subtype: str | None = None, seed: int = 0) -> bytes:
    """The bytes of a recording."""
    soundfile.write(file := io.BytesIO(), melody(seed, seconds, RATE), RATE, format=container, subtype=subtype)
    return file.getvalue()


def truncated(root: Path) -> dict[str, Expected]:
    """Half of a file of each format."""
    expected = {}
    for n, suffix in enumerate(("wav", "flac", "mp3", "aiff", "w64", "au")):
        whole = content({"aiff": "AIFF"}.get(suffix, suffix.upper()), 6, seed=100 + n)
        (root / f"truncated.{suffix}").write_bytes(whole[: len(whole) // 2])
        expected[f"truncated.{suffix}"] = Expected(USED, "truncated: header says 6.0 s, ")
    (root / "truncated.ogg").write_bytes(content("OGG", 20, seed=110)[:40000])
    expected["truncated.ogg"] = Expected(USED, "truncated: the Ogg stream has no last page")
    return expected


def not_audio(root: Path) -> dict[str, Expected]:
    """Files that hold no sound, or none that anybody could hear."""
    silence = np.zeros((RATE, 2))
    header = content("WAV")[:44]
    files = {
        "empty.wav": (b"", "empty file"),
        "text.wav": (b"This is no music.\n" * 400, "not audio"),
        "header.wav": (header, "no audio in it"),
        "tag.mp3": (b"ID3\x04\x00\x00\x00\x00\x20\x00APIC" + bytes(4096), "not audio"),
        "list.mp3": (b"ffconcat version 1.0\nfile good.wav\n", "not audio"),
        "stream.m4a": (b"#EXTM3U\nhttp://127.0.0.1:9/a.ts\n", "not audio"),
        "noise.m4a": (b"\0\0\0\x20ftypM4A " + bytes(range(256)) * 8, "not audio"),
        "4gb short.wav": (header[:40] + b"\xff" * 4 + bytes(500), "too short: 0.016 s"),
    }
    for name, (data, _) in files.items():
        (root / name).write_bytes(data)
    for name, value in (("nan", np.nan), ("inf", np.inf), ("huge", 1e29)):
        audio = melody(0, 1, RATE).astype(np.float32)
        audio[777] = value
        write(root / f"{name}.wav", audio, RATE, "FLOAT")
    write(root / "silence.flac", silence, RATE)
    write(root / "dc.wav", silence + 0.25, RATE)
    write(root / "one sample.wav", melody(0, 1, RATE)[:1], RATE)
    write(root / "nine channels.wav", np.repeat(melody(0, 1, RATE), 9, axis=1), RATE)
    with soundfile.SoundFile(root / "bomb.flac", "w", samplerate=8000, channels=8) as file:
        for _ in range(5):
            file.write(np.zeros((1 << 19, 8), dtype=np.int16))
    reasons = {name: reported for name, (_, reported) in files.items()} | {
        "nan.wav": "contains NaN",
        "inf.wav": "contains infinite samples",
        "huge.wav": "out of range: a sample of 1e+29",
        "silence.flac": "silent",
        "dc.wav": "a constant value (DC)",
        "one sample.wav": "too short",
        "nine channels.wav": "9 channels; at most 8",
        "bomb.flac": "decodes to more than corpus.folder.max_decoded_gib",
    }
    return {name: Expected(ASIDE, reported) for name, reported in reasons.items()}


def odd_files(root: Path, outside: Path) -> dict[str, Expected]:
    """What is no regular file, or is somewhere else."""
    outside.mkdir()
    write(outside / "secret.wav", melody(300, 1, RATE), RATE)
    (root / "folder.wav").mkdir()
    write(root / "folder.wav" / "inside.wav", melody(301, 1, RATE), RATE)
    (root / "dangling.wav").symlink_to("nothing.wav")
    (root / "out.wav").symlink_to(outside / "secret.wav")
    (root / "elsewhere").symlink_to(outside)
    (root / "loop").symlink_to(".")
    os.mkfifo(root / "pipe.wav")
    write(root / "closed.wav", melody(302, 1, RATE), RATE)
    (root / "closed.wav").chmod(0)
    # root may read whatever its mode
    closed = Expected(USED) if os.access(root / "closed.wav", os.R_OK) else Expected(ASIDE, "cannot be opened")
    return {
        "folder.wav/inside.wav": Expected(USED),
        "dangling.wav": Expected(ASIDE, "a link that leads nowhere"),
        "out.wav": Expected(ASIDE, "a link that leads out of the folder"),
        "elsewhere": Expected(ASIDE, "a link to a folder"),
        "loop": Expected(ASIDE, "a link to a folder"),
        "pipe.wav": Expected(ASIDE, "not a regular file"),
        "closed.wav": closed,
    }


def odd_formats(root: Path) -> dict[str, Expected]:
    """Good recordings in every width, rate and number of channels; copies; a long one."""
    for n, subtype in enumerate(("PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW")):
        write(root / f"{subtype}.wav", melody(10 + n, 1, RATE), RATE, subtype)
    for n, rate in enumerate((8000, 11025, 44101, 96000, 192000)):
        write(root / f"{rate} Hz.wav", melody(20 + n, 1, rate), rate)
    for channels in range(1, 9):
        write(root / f"{channels} channels.flac", np.repeat(melody(30 + channels, 1, RATE), channels, axis=1), RATE)
    expected = {path.name: Expected(USED) for path in root.iterdir()}
    write(root / "good.wav", melody(40, 8, RATE), RATE, "PCM_16")
    write(root / "good.mp3", melody(40, 8, RATE), RATE)
    write(root / "same good.flac", soundfile.read(root / "good.wav")[0], RATE, "PCM_16")
    write(root / "clipped.wav", np.clip(20 * melody(41, 1, RATE), -1, 1), RATE)
    header = content("WAV", seed=42)
    (root / "4gb.wav").write_bytes(header[:40] + b"\xff" * 4 + header[44:])
    with soundfile.SoundFile(root / "25 minutes.flac", "w", samplerate=8000, channels=1) as file:
        for n in range(25):
            file.write(melody(50 + n, 5, 8000).repeat(12, axis=1).T.reshape(-1))
    chain = b"".join(content("OGG", 2, seed=43) for _ in "12")
    soundfile.write(other := io.BytesIO(), melody(44, 2, 48000), 48000, format="OGG")
    (root / "chain.ogg").write_bytes(chain + other.getvalue())
    return expected | {
        "good.mp3": Expected(USED),
        "good.wav": Expected(USED, "the same recording as good.mp3, and in one split with it"),
        "same good.flac": Expected(ASIDE, "same audio as good.wav"),
        "clipped.wav": Expected(USED, "clipped: "),
        "4gb.wav": Expected(USED),
        "25 minutes.flac": Expected(USED),
        "chain.ogg": Expected(USED, "3 recordings stand one behind the other in it, 1 of them resampled to 16000 Hz"),
    }


def make_folder(root: Path, outside: Path) -> dict[str, Expected]:
    """Make the folder.

    Args:
        root: to be made.
        outside: to be made; a folder that links lead to.

    Returns:
        What must become of each item, by its source as it is shown; the hostile names are not among them.
    """
    root.mkdir()
    expected = odd_formats(root) | odd_files(root, outside) | not_audio(root) | truncated(root)
    for n, name in enumerate(NAMES):
        write(bytes(root) + b"/" + name.strip(), melody(200 + n, 1, RATE), RATE)
        if name != name.strip():
            os.rename(bytes(root) + b"/" + name.strip(), bytes(root) + b"/" + name)  # noqa: PTH104
    return expected
