import os
import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile
from recordings import fingerprint_of, melody, write

from descant.audio.files import AudioFileError, read_blocks
from descant.corpus.decode import Bounds, Outcome, track_file, verify
from descant.corpus.duplicates import is_same_recording
from descant.corpus.ffmpeg import MAGIC, FfmpegDecoder, Kind, command, sniff

RATE = 22050


def convert(*options: str | Path) -> None:
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y"]
    subprocess.run([*program, *map(str, options)], check=True)


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("song") / "song.wav"
    write(path, np.repeat(melody(0, 6, RATE), 2, axis=1), RATE)
    return path


def check(path: Path, folder: Path, seconds: float = 60) -> Outcome:
    folder.mkdir(exist_ok=True)
    return verify(os.fsencode(path), folder, Bounds(seconds, 1 << 30))


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        ("m4a", "aac"), ("m4a", "alac"), ("mp4", "aac"), ("wma", "wmav2"), ("mka", "flac"), ("webm", "libopus"),
        ("wv", "wavpack"), ("tta", "tta"), ("ac3", "ac3"), ("aac", "aac"), ("caf", "alac"),
    ],
)  # fmt: skip
def test_formats(tmp_path: Path, song: Path, suffix: str, codec: str) -> None:
    path = tmp_path / f"- a'$(x) %03d.{suffix}"
    convert("-i", song, "-c:a", codec, f"file:{path}")
    outcome = check(path, tmp_path / "tracks")
    assert outcome.is_used and not outcome.reason and outcome.channels == 2
    assert outcome.seconds == pytest.approx(6, abs=0.15)
    original, _ = soundfile.read(song, dtype="float32")
    words = fingerprint_of(original, RATE)
    assert any(is_same_recording(words, outcome.fingerprint, offset) for offset in range(4))
    if codec in ("alac", "wavpack", "tta", "flac"):
        kept = np.concatenate(list(read_blocks(track_file(tmp_path / "tracks", outcome.track))))
        np.testing.assert_array_equal(kept, original)


def test_the_first_stream_of_stems_is_the_mixture(tmp_path: Path) -> None:
    for n in range(3):
        write(tmp_path / f"{n}.wav", melody(n, 4, RATE), RATE)
    inputs = [word for n in range(3) for word in ("-i", tmp_path / f"{n}.wav")]
    maps = [word for n in range(3) for word in ("-map", f"{n}:a")]
    convert(*inputs, *maps, "-c:a", "alac", tmp_path / "song.stem.mp4")
    outcome = check(tmp_path / "song.stem.mp4", tmp_path / "tracks")
    kept = np.concatenate(list(read_blocks(track_file(tmp_path / "tracks", outcome.track))))
    np.testing.assert_array_equal(kept, soundfile.read(tmp_path / "0.wav", always_2d=True)[0])


def test_pictures_and_other_streams_are_left(tmp_path: Path, song: Path) -> None:
    convert("-f", "lavfi", "-i", "testsrc=d=1", "-frames:v", "1", tmp_path / "cover.png")
    picture = ["-map", "1", "-c:v", "mjpeg", "-disposition:v", "attached_pic"]
    convert("-i", song, "-i", tmp_path / "cover.png", "-map", "0", *picture, tmp_path / "a.m4a")
    assert check(tmp_path / "a.m4a", tmp_path / "tracks").is_used
    convert("-f", "lavfi", "-i", "testsrc=d=1", tmp_path / "video.mp4")
    outcome = check(tmp_path / "video.mp4", tmp_path / "tracks")
    assert not outcome.is_used and outcome.reason.startswith("not audio: ") and str(tmp_path) not in outcome.reason


@pytest.mark.parametrize("suffix", ["wv", "tta", "m4a", "wma"])
def test_truncated(tmp_path: Path, song: Path, suffix: str) -> None:
    convert("-i", song, tmp_path / f"a.{suffix}")
    content = (tmp_path / f"a.{suffix}").read_bytes()
    (tmp_path / f"a.{suffix}").write_bytes(content[: len(content) // 2])
    outcome = check(tmp_path / f"a.{suffix}", tmp_path / "tracks")
    if outcome.is_used:
        assert outcome.reason.startswith(("truncated", "damaged")) and outcome.seconds < 4
    else:
        assert outcome.reason == "not audio: moov atom not found"


def test_bounds_hold_before_and_while_decoding(tmp_path: Path, song: Path) -> None:
    for suffix in ("m4a", "aac"):
        convert("-i", song, tmp_path / f"a.{suffix}")
        outcome = check(tmp_path / f"a.{suffix}", tmp_path / "tracks", seconds=3)
        assert not outcome.is_used and "longer than corpus.folder.max_minutes" in outcome.reason
    assert not list((tmp_path / "tracks").iterdir())


ATTACKS = {
    "concat.mp3": b"ffconcat version 1.0\nfile secret.wav\n",
    "playlist.m4a": b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
    "local.aac": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nsecret.wav\n#EXT-X-ENDLIST\n",
    "description.mp4": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0\r\n",
    "dash.webm": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period/></MPD>',
    "image.wma": b"secret%d.png\n",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_playlists_are_never_followed(tmp_path: Path, name: str) -> None:
    write(tmp_path / "secret.wav", melody(0, 4, RATE), RATE)
    (tmp_path / name).write_bytes(ATTACKS[name])
    outcome = check(tmp_path / name, tmp_path / "tracks")
    assert not outcome.is_used and outcome.reason.startswith("not audio")


@pytest.mark.parametrize("demuxer", sorted({demuxer for _, demuxer, _ in MAGIC} | {"mp3", "aac"}))
@pytest.mark.parametrize("name", ["concat.mp3", "local.aac"])
def test_playlists_are_not_followed_by_any_demuxer(tmp_path: Path, name: str, demuxer: str) -> None:
    """Even had the first bytes been taken for something else."""
    write(tmp_path / "secret.wav", melody(0, 4, RATE), RATE)
    (tmp_path / name).write_bytes(ATTACKS[name])
    # the attack works when ffmpeg is left alone
    program, source = imageio_ffmpeg.get_ffmpeg_exe(), tmp_path / name
    if name == "concat.mp3":
        alone = subprocess.run(
            [program, "-v", "error", "-i", source, "-f", "s16le", "-"], capture_output=True, check=True
        )
        assert len(alone.stdout) > 100_000
    with pytest.raises(AudioFileError), FfmpegDecoder(os.fsencode(source), Kind(demuxer, "x", 0)) as decoder:
        assert not list(decoder.blocks())


def test_other_protocols_are_closed(tmp_path: Path, song: Path) -> None:
    convert("-i", song, tmp_path / "a.m4a")
    line = command(b"a.m4a", Kind("mov", "MP4", 0))
    assert line[line.index("-i") + 1] == b"file:" + os.fsencode(Path.cwd() / "a.m4a")
    for address in (
        f"concat:{tmp_path}/a.m4a",
        f"subfile,,start,0,end,0,,:{tmp_path}/a.m4a",
        "http://127.0.0.1:9/a.m4a",
    ):
        line[line.index("-i") + 1] = address.encode()
        shown = subprocess.run(line, capture_output=True, check=False)
        assert shown.returncode and not shown.stdout and b"not on whitelist" in shown.stderr
        line[line.index(address.encode())] = b""


def test_sniff() -> None:
    assert sniff(b"\0\0\0\x20ftypM4A \0\0\0\0") == ("mov", "MP4")
    assert sniff(b"\n\0\r\x20ftypM4A \0\0\0\0") == ("mov", "MP4")
    assert sniff(b"BW64\0\0\0\0WAVEds64") == ("wav", "WAV")
    # one header is no MP3: only frames that follow one upon another are
    for head in (b"", b"RIFF", b"ID3\4", b"\xff\xfb\x90\x00" * 99, b"#EXTM3U", b"ffconcat"):
        assert sniff(head) == ("", "")
