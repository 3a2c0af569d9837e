"""Laws of the stream with small networks; the real weights are compared with the real spleeter."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import torch
from signals import sdr
from torch import Tensor

from descant.audio.files import Block
from descant.separation.separator import RATE, Separated
from descant.separation.spleeter_process import SpleeterProcess
from descant.separation.spleeter_torch import FRAME, PATCH, SpleeterTorch


def small() -> SpleeterTorch:
    """Masks that change from bin to bin and, as spleeter's do, with what else is in the patch."""
    tilt = torch.linspace(0.1, 0.9, 1024)

    def accompaniment(magnitudes: Tensor) -> Tensor:
        return magnitudes * tilt * (magnitudes.mean() / (1 + magnitudes.mean()))

    return SpleeterTorch({"vocals": lambda magnitudes: magnitudes * (1 - tilt), "accompaniment": accompaniment})


def noise(frames: int, below: float = RATE / 2) -> Block:
    """Noise ``(frames, 2)``; below a frequency, Hz, it is also faded, as an edge has all frequencies."""
    audio = np.random.default_rng(frames).standard_normal((frames, 2)) * 0.1
    if below < RATE / 2:
        audio *= scipy.signal.windows.tukey(frames, 0.1)[:, None]
        audio = scipy.signal.sosfiltfilt(scipy.signal.butter(20, below, fs=RATE, output="sos"), audio, axis=0)
    return audio.astype(np.float32)


def whole(parts: list[Separated]) -> dict[str, Block]:
    stems = {name: np.concatenate([part.stems[name] for part in parts]) for name in parts[0].stems}
    return {"mix": np.concatenate([part.mix for part in parts]), **stems}


def cut(audio: Block, size: int) -> list[Block]:
    return [audio[at : at + size] for at in range(0, len(audio), size)]


@pytest.mark.parametrize("frames", [1, 5000, PATCH - FRAME - 1, PATCH - FRAME, PATCH - FRAME + 1, PATCH])
def test_the_length_is_kept_to_the_sample(frames: int) -> None:
    audio = noise(frames)
    found = whole(list(small().separate([audio])))
    np.testing.assert_array_equal(found["mix"], audio)
    assert {len(stem) for stem in found.values()} == {frames}
    assert all(stem.dtype == np.float32 and np.isfinite(stem).all() for stem in found.values())


def test_an_empty_stream_gives_nothing() -> None:
    assert list(small().separate([])) == []
    assert list(small().separate([noise(0)])) == []


def test_what_comes_out_does_not_depend_on_the_blocks() -> None:
    audio = noise(PATCH + 70000)
    at_once, in_blocks = whole(list(small().separate([audio]))), whole(list(small().separate(cut(audio, 33333))))
    for name, stem in at_once.items():
        np.testing.assert_array_equal(in_blocks[name], stem)


def test_stems_add_up_to_the_mix_below_the_bandwidth() -> None:
    audio = noise(PATCH + 70000, below=9000)
    found = whole(list(small().separate([audio])))
    assert sdr(found["vocals"] + found["accompaniment"], audio) > 80
    assert sdr(found["accompaniment"], audio) < 20


def test_nothing_is_left_above_the_bandwidth() -> None:
    audio = noise(200000)
    stem = whole(list(small().separate([audio])))["vocals"]
    frequencies, power = scipy.signal.welch(stem[FRAME:-FRAME, 0], RATE, nperseg=4096)
    above = power[frequencies > small().bandwidth + 200].max()
    assert 10 * np.log10(above / power.max()) < -60


def test_patches_meet_without_a_seam() -> None:
    """A network that passes all through gives the mix back, also where patches meet."""
    audio = noise(2 * PATCH + 9000, below=9000)
    same = SpleeterTorch({"vocals": lambda magnitudes: magnitudes})
    error = whole(list(same.separate([audio])))["vocals"] - audio
    assert 20 * np.log10(np.abs(error).max() / np.abs(audio).max()) < -60


@pytest.mark.slow
def test_twenty_five_minutes_keep_their_length() -> None:
    """Frames are counted as they stream by: neither 600 s, spleeter's own default, nor memory is a limit."""
    frames, lengths = 25 * 60 * RATE + 123, []
    block = noise(PATCH)
    sizes = (min(PATCH, frames - at) for at in range(0, frames, PATCH))
    for part in small().separate(block[:size] for size in sizes):
        lengths.append(len(part.mix))
        assert {len(stem) for stem in part.stems.values()} == {len(part.mix)}
    assert sum(lengths) == frames and max(lengths) <= PATCH


@pytest.mark.slow
def test_it_equals_the_real_spleeter(weights: Path, interpreter: Path, song: dict[str, Block]) -> None:
    """Over two chunks of the real one, which give what it gives for the whole."""
    audio = np.concatenate([song["mix"] * (1 - 0.04 * n) for n in range(12)])
    python = Path(interpreter.read_text().strip())
    process = SpleeterProcess(python, "spleeter:2stems", weights, 2)
    try:
        real = whole(list(process.separate(cut(audio, 100000))))
        again = whole(list(process.separate([song["mix"]])))
    finally:
        process.close()
    torch.set_num_threads(2)
    ours = whole(list(SpleeterTorch.load(weights, 2).separate(cut(audio, 65536))))
    torch.set_num_threads(1)
    assert real.keys() == ours.keys() == {"mix", "vocals", "accompaniment"}
    for name, stem in real.items():
        assert np.abs(ours[name] - stem).max() < 1e-4
    assert sdr(ours["accompaniment"], real["accompaniment"]) > 70 and sdr(ours["vocals"], real["vocals"]) > 70
    # a separated song is not the song, and is nearer to what was mixed without vocals
    assert sdr(again["accompaniment"], song["accompaniment"]) > sdr(song["mix"], song["accompaniment"]) + 3
    assert sdr(again["vocals"], song["vocals"]) > sdr(song["mix"], song["vocals"]) + 3


@pytest.mark.slow
def test_memory_does_not_grow(weights: Path) -> None:
    """The network holds a patch at a time: no part that it gives out is longer, however long the stream."""
    stream = itertools.repeat(noise(30000))
    parts = SpleeterTorch.load(weights, 1).separate(stream)
    for _ in range(2):
        assert len(next(parts).mix) <= PATCH
