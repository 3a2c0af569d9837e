import hashlib
import io
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from recordings import tone, write

from descant.audio.files import AudioFileError, read_blocks
from descant.corpus.decode import Bounds, Outcome, track_file, verify

BOUNDS = Bounds(60, 1 << 30)


def check(path: Path, folder: Path, bounds: Bounds = BOUNDS) -> Outcome:
    folder.mkdir(exist_ok=True)
    outcome = verify(bytes(path), folder, bounds)
    assert outcome.is_used == bool(list(folder.iterdir())) and not list(folder.glob(".*"))
    return outcome


def test_id_is_of_the_content_and_the_copy_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write(path, tone(channels=2), 44100, "PCM_16")
    outcome = check(path, tmp_path / "tracks")
    audio = soundfile.read(path, dtype="float32")[0]
    expected = hashlib.sha256(b"44100 2 " + audio.astype("<f4").tobytes()).hexdigest()[:16]
    assert outcome.track == expected
    copy = track_file(tmp_path / "tracks", expected)
    assert copy.suffix == ".flac"
    np.testing.assert_array_equal(np.concatenate(list(read_blocks(copy))), audio)
    # a copy ingested again is the same track
    assert check(copy, tmp_path / "again").track == expected
    with pytest.raises(AudioFileError, match="no audio of track"):
        track_file(tmp_path, expected)


def test_louder_than_full_scale_is_kept(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", 5 * tone(2), 16000, "FLOAT")
    outcome = check(tmp_path / "a.wav", tmp_path / "tracks")
    copy = track_file(tmp_path / "tracks", outcome.track)
    assert copy.suffix == ".wav" and soundfile.read(copy)[0].max() == pytest.approx(1.5, rel=1e-3)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"])
def test_sample_formats(tmp_path: Path, subtype: str) -> None:
    write(tmp_path / "a.wav", tone(), subtype=subtype)
    outcome = check(tmp_path / "a.wav", tmp_path / "tracks")
    assert outcome.is_used and outcome.seconds == 0.5 and not outcome.reason
    copy = np.concatenate(list(read_blocks(track_file(tmp_path / "tracks", outcome.track))))
    np.testing.assert_allclose(copy, soundfile.read(tmp_path / "a.wav", always_2d=True)[0], atol=2**-23)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44101, 65537, 96000, 192000])
@pytest.mark.parametrize("channels", [1, 2, 3, 8])
def test_rates_and_channels(tmp_path: Path, rate: int, channels: int) -> None:
    write(tmp_path / "a.wav", tone(0.2, rate, channels), rate)
    outcome = check(tmp_path / "a.wav", tmp_path / "tracks")
    assert (outcome.is_used, outcome.rate, outcome.channels) == (True, rate, channels)


@pytest.mark.parametrize(
    "suffix", ["wav", "flac", "ogg", "oga", "opus", "mp3", "aif", "aiff", "w64", "rf64", "au", "caf"]
)
def test_containers(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / f"a.{suffix}", tone(1))
    outcome = check(tmp_path / f"a.{suffix}", tmp_path / "tracks")
    assert outcome.is_used and outcome.seconds == pytest.approx(1, abs=0.1)


def with_sample(value: float) -> np.ndarray:
    audio = tone().astype(np.float32)
    audio[100] = value
    return audio


@pytest.mark.parametrize(
    ("audio", "rate", "shown"),
    [
        (with_sample(np.nan), 16000, "contains NaN"),
        (with_sample(np.inf), 16000, "contains infinite"),
        (with_sample(-np.inf), 16000, "contains infinite"),
        (with_sample(1e29), 16000, "out of range: a sample of 1e+29"),
        (with_sample(-9), 16000, "out of range"),
        (np.zeros(16000), 16000, "silent"),
        (np.full(16000, 5e-5), 16000, "silent"),
        (np.full(16000, 0.5), 16000, "constant value (DC)"),
        (np.zeros(0), 16000, "no audio in it"),
        (np.ones(1), 16000, "too short"),
        (tone(0.09), 16000, "too short: 0.090 s"),
        (tone(0.2, channels=9), 16000, "9 channels"),
        (tone(1, rate=500), 500, "sample rate of 500 Hz"),
        (tone(1, rate=400_000), 400_000, "sample rate of 400000 Hz"),
        (tone(61), 16000, "longer than corpus.folder.max_minutes"),
    ],
)
def test_bad_contents(tmp_path: Path, audio: np.ndarray, rate: int, shown: str) -> None:
    write(tmp_path / "a.wav", audio, rate, "FLOAT")
    outcome = check(tmp_path / "a.wav", tmp_path / "tracks")
    assert not outcome.is_used and shown in outcome.reason


def test_bad_files(tmp_path: Path) -> None:
    write(tmp_path / "whole.wav", tone(10))
    write(tmp_path / "whole.flac", tone(10))
    soundfile.write(rare := io.BytesIO(), tone(1), 8000, format="IRCAM")
    cases = {
        "empty.wav": (b"", "empty file"),
        "text.wav": (b"no music\n" * 500, "not audio"),
        "text.mp3": (b"no music\n" * 500, "not audio"),
        "header.wav": ((tmp_path / "whole.wav").read_bytes()[:44], "no audio in it"),
        "header.flac": ((tmp_path / "whole.flac").read_bytes()[:42], "no audio in it"),
        "half.flac": ((tmp_path / "whole.wav").read_bytes()[:20], "not audio"),
        "tag.mp3": (b"ID3\x04\x00\x00\x00\x00\x10\x00" + b"\0" * 2048, "not audio"),
        "other.wav": (rare.getvalue(), "IRCAM files are not supported"),
        "list.mp3": (b"ffconcat version 1.0\nfile whole.wav\n", "not audio"),
    }  # fmt: skip
    for name, (content, shown) in cases.items():
        (tmp_path / name).write_bytes(content)
        outcome = check(tmp_path / name, tmp_path / "tracks")
        assert not outcome.is_used and shown in outcome.reason, (name, outcome)
    assert "cannot be opened" in check(tmp_path / "none.wav", tmp_path / "tracks").reason
    os.mkfifo(tmp_path / "pipe.wav")
    for path in (tmp_path, tmp_path / "pipe.wav"):
        assert check(path, tmp_path / "tracks").reason == "not a regular file"


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "mp3", "w64", "rf64", "au"])
def test_truncated(tmp_path: Path, suffix: str) -> None:
    whole, part = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    write(whole, np.random.default_rng(0).uniform(-0.5, 0.5, (160_000, 1)))
    content = whole.read_bytes()
    part.write_bytes(content[: len(content) // 2])
    outcome = check(part, tmp_path / "tracks")
    assert outcome.is_used and 2 < outcome.seconds < 6
    assert outcome.reason.startswith("truncated: header says 10.0 s, ") and "is used" in outcome.reason
    part.write_bytes(content[: len(content) // 10])
    outcome = check(part, tmp_path / "few")
    assert not outcome.is_used and outcome.reason.startswith(("truncated", "damaged", "no audio in it"))


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.95, 0.999])
def test_truncated_ogg_is_used_with_a_remark_or_set_aside(tmp_path: Path, share: float) -> None:
    write(tmp_path / "a.ogg", np.random.default_rng(0).uniform(-0.5, 0.5, (160_000, 1)))
    content = (tmp_path / "a.ogg").read_bytes()
    (tmp_path / "a.ogg").write_bytes(content[: int(len(content) * share)])
    outcome = check(tmp_path / "a.ogg", tmp_path / "tracks")
    # libsndfile reads nothing of some cut streams, and of others all that is there
    shown = "truncated: the Ogg stream has no last page"
    assert outcome.reason.startswith(shown if outcome.is_used else (shown, "no audio in it"))


@pytest.mark.parametrize("claimed", [0xFFFFFFFF, 0x7FFFFFFF, 0xFFFFFFFF - 36])
def test_sizes_left_open_by_a_pipe_are_no_truncation(tmp_path: Path, claimed: int) -> None:
    write(tmp_path / "a.wav", tone(1))
    content = bytearray((tmp_path / "a.wav").read_bytes())
    content[40:44] = claimed.to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(content)
    outcome = check(tmp_path / "a.wav", tmp_path / "tracks")
    assert outcome.is_used and outcome.seconds == 1 and not outcome.reason


def test_a_bomb_is_refused_where_it_passes_the_bounds(tmp_path: Path) -> None:
    silence = np.zeros((1 << 20, 8), dtype=np.int16)
    with soundfile.SoundFile(tmp_path / "a.flac", "w", samplerate=8000, channels=8) as file:
        for _ in range(4):
            file.write(silence)
    outcome = check(tmp_path / "a.flac", tmp_path / "tracks")
    assert outcome.reason == "longer than corpus.folder.max_minutes, 1" and outcome.seconds > 500
    outcome = check(tmp_path / "a.flac", tmp_path / "tracks", Bounds(3600, 1 << 26))
    assert outcome.reason == "decodes to more than corpus.folder.max_decoded_gib, 0.0625"


def test_a_header_that_shows_no_size_does_not_help_a_bomb(tmp_path: Path) -> None:
    write(tmp_path / "a.flac", tone(9))
    content = bytearray((tmp_path / "a.flac").read_bytes())
    # STREAMINFO: 36 bits of samples in all, of which 0 means unknown
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(content)
    assert check(tmp_path / "a.flac", tmp_path / "tracks").seconds == 9
    for bounds, shown in (
        (Bounds(8, 1 << 30), "longer than"),
        (Bounds(60, 1 << 19), "more than corpus.folder.max_dec"),
    ):
        outcome = check(tmp_path / "a.flac", tmp_path / "none", bounds)
        assert not outcome.is_used and shown in outcome.reason


def test_clipping_and_chained_streams_are_reported(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", np.clip(9 * tone(2), -1, 1))
    outcome = check(tmp_path / "a.wav", tmp_path / "tracks")
    assert outcome.is_used and outcome.reason.startswith("clipped: ") and "at full scale" in outcome.reason
    chain = b""
    for rate in (16000, 48000):
        write(tmp_path / "a.ogg", tone(4, rate), rate)
        chain += (tmp_path / "a.ogg").read_bytes()
    (tmp_path / "a.ogg").write_bytes(chain)
    outcome = check(tmp_path / "a.ogg", tmp_path / "more")
    assert outcome.is_used and outcome.rate == 16000 and outcome.seconds == 8
    assert outcome.reason == (
        "2 recordings stand one behind the other in it, 1 of them resampled to 16000 Hz and 1 channel"
    )


def test_an_unreadable_file(tmp_path: Path, nobody: Callable[[], AbstractContextManager[None]]) -> None:
    for name in ("open.wav", "closed.wav"):
        write(tmp_path / name, tone(1))
    (tmp_path / "closed.wav").chmod(0)
    with nobody():
        Path("tracks").mkdir()
        assert verify(b"open.wav", Path("tracks"), Bounds(60, 1 << 30)).is_used
        assert (
            verify(b"closed.wav", Path("tracks"), Bounds(60, 1 << 30)).reason == "cannot be opened: Permission denied"
        )


def test_a_container_that_only_ffmpeg_reads_needs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setenv("PATH", "")
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0 ftypM4A " + bytes(99))
    outcome = check(tmp_path / "a.m4a", tmp_path / "tracks")
    assert outcome.reason.startswith("MP4 needs ffmpeg, which is not installed: pip install imageio-ffmpeg")
