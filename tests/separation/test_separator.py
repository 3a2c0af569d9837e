from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import example, given
from hypothesis import strategies as st

from descant.separation.separator import RATE, stereo, stereo_blocks
from descant.separation.shard import resampled_frames


def test_channels_become_two() -> None:
    random = np.random.default_rng(1)
    for channels in (1, 2, 6):
        block = random.standard_normal((10, channels)).astype(np.float32)
        mixed = stereo(block)
        assert mixed.shape == (10, 2) and mixed.dtype == np.float32
        expected = block if channels == 2 else np.repeat(block.mean(axis=1, keepdims=True), 2, axis=1)
        np.testing.assert_array_equal(mixed, expected)


@pytest.mark.parametrize("rate", [8000, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_blocks_are_the_whole_resampled(tmp_path: Path, rate: int, channels: int) -> None:
    audio = np.random.default_rng(rate).uniform(-0.5, 0.5, (rate * 2 + 7, channels)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", audio, rate, subtype="FLOAT")
    blocks = list(stereo_blocks(tmp_path / "a.wav"))
    assert len(blocks) > 1 and all(len(block) for block in blocks)
    expected = audio if channels == 2 else np.repeat(audio.mean(axis=1, keepdims=True), 2, axis=1)
    expected = expected if rate == RATE else soxr.resample(expected, rate, RATE)
    np.testing.assert_allclose(np.concatenate(blocks), expected, atol=1e-6)


@example(1840, 48000)  # 1690.5 frames: soxr's floating point rounds it down
@given(st.integers(1, 5000), st.sampled_from([1000, 8000, 11025, 22050, 32000, 44100, 48000, 88200, 96000, 192000]))
def test_the_length_after_resampling_is_known_before(
    tmp_path_factory: pytest.TempPathFactory, frames: int, rate: int
) -> None:
    path = tmp_path_factory.mktemp("length") / "a.wav"
    soundfile.write(path, np.zeros((frames, 1)), rate)
    assert sum(len(block) for block in stereo_blocks(path)) == resampled_frames(path)
