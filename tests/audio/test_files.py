import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.audio.files import (
    AudioFileError,
    probe,
    read_blocks,
    resample_blocks,
    to_mono,
    write_flac,
    write_wav,
)


def pieces(audio: npt.NDArray[np.float32], size: int) -> Iterator[npt.NDArray[np.float32]]:
    for start in range(0, len(audio), size):
        yield audio[start : start + size]


def noise(frames: int, *channels: int) -> npt.NDArray[np.float32]:
    return (0.2 * np.random.default_rng(frames).standard_normal((frames, *channels))).astype(np.float32)


@pytest.mark.parametrize("from_rate", [8000, 11025, 22050, 37123, 44100, 48000, 96000, 192000])
@pytest.mark.parametrize("size", [1, 997, 16384, 1 << 20])
def test_streamed_resampling_equals_one_shot(from_rate: int, size: int) -> None:
    audio = noise(3000 if size == 1 else 60_001)
    streamed = np.concatenate(list(resample_blocks(pieces(audio, size), from_rate, 16000)))
    whole = soxr.resample(audio, from_rate, 16000)
    assert streamed.dtype == np.float32 and len(streamed) == len(whole)
    np.testing.assert_allclose(streamed, whole, atol=1e-6)


@given(frames=st.integers(1, 30_000), sizes=st.lists(st.integers(1, 5000), min_size=1, max_size=3))
@settings(deadline=None, max_examples=30)
def test_resampled_length_depends_on_frames_alone(frames: int, sizes: list[int]) -> None:
    audio = np.ones(frames, dtype=np.float32)
    lengths = {sum(map(len, resample_blocks(pieces(audio, size), 44100, 16000))) for size in sizes}
    assert len(lengths) == 1
    assert abs(lengths.pop() - frames * 16000 / 44100) <= 1


def test_equal_rates_pass_through_and_nothing_gives_nothing() -> None:
    audio = noise(100)
    np.testing.assert_array_equal(np.concatenate(list(resample_blocks([audio], 16000, 16000))), audio)
    assert sum(map(len, resample_blocks([], 44100, 16000))) == 0


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_blocks_equal_a_whole_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, noise(50_000, 2), 44100)
    facts = probe(path)
    assert (facts.frames, facts.rate, facts.channels) == (50_000, 44100, 2)
    blocks = list(read_blocks(path, 4096))
    assert max(map(len, blocks)) == 4096
    np.testing.assert_array_equal(np.concatenate(blocks), soundfile.read(path, dtype="float32")[0])


@pytest.mark.parametrize("bits", [8, 16, 24])
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_flac_keeps_integers_exactly(tmp_path: Path, bits: int, channels: int) -> None:
    full = 1 << (bits - 1)
    steps = np.random.default_rng(bits).integers(-full, full, (5000, channels))
    steps[0], steps[1] = full - 1, -full
    audio = (steps / full).astype(np.float32)
    assert write_flac(tmp_path / "a", pieces(audio, 999), 48000, channels) == 5000
    np.testing.assert_array_equal(np.concatenate(list(read_blocks(tmp_path / "a"))), audio)


def test_wav_keeps_what_is_beyond_full_scale(tmp_path: Path) -> None:
    audio = 5 * noise(5000, 2)
    write_wav(tmp_path / "a", [audio], 12345, 2)
    np.testing.assert_array_equal(np.concatenate(list(read_blocks(tmp_path / "a"))), audio)


def test_names_that_are_not_text(tmp_path: Path) -> None:
    name = bytes(tmp_path) + b"/\xff\n$(x).wav"
    soundfile.write(name, noise(100), 8000, format="WAV")
    assert probe(name).frames == 100
    assert sum(map(len, read_blocks(name))) == 100


def test_errors_name_the_problem_and_no_path(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_text("no music " * 100)
    with pytest.raises(AudioFileError, match="not audio") as raised:
        probe(path)
    assert str(tmp_path) not in str(raised.value)
    with pytest.raises(AudioFileError, match="rate"):
        write_flac(tmp_path / "b", [noise(10)], 1_000_000, 1)


def test_mono_is_the_mean() -> None:
    np.testing.assert_array_equal(to_mono(np.array([[1, 0], [0.5, -0.5]], dtype=np.float32)), [0.5, 0])


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    silence = np.zeros((48000, 2), dtype=np.float32)
    write_flac(tmp_path / "long.flac", (silence for _ in range(1200)), 48000, 2)
    program = """
import re, sys
from pathlib import Path
from descant.audio.files import read_blocks, resample_blocks, to_mono
# not ru_maxrss, which a child inherits from whoever started it
used = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = used()
steps = sum(len(b) for b in resample_blocks(map(to_mono, read_blocks(Path(sys.argv[1]))), 48000, 16000))
print(steps, (used() - before) // 1024, used() // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "long.flac")], capture_output=True, text=True, check=True
    )
    steps, grown, peak = map(int, done.stdout.split())
    assert steps == 1200 * 16000
    # decoded whole, these 20 minutes would take 440 MiB
    assert grown < 30 and peak < 300
