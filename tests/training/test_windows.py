"""Windows: a pure function of (seed, step, number), inside one track, every start with equal chance."""

import ctypes
import mmap
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from descant.errors import TrainingError
from descant.sequences import PackedSequence
from descant.training.windows import Windows


@given(seed=st.integers(0, 2**62), step=st.integers(0, 10**9), cut=st.integers(0, 9), again=st.integers(0, 10**9))
def test_a_window_is_a_function_of_seed_step_and_number(
    tiny_sequence: PackedSequence, seed: int, step: int, cut: int, again: int
) -> None:
    windows = Windows(tiny_sequence, "train", 32, seed)
    whole = windows.batch(step, 0, 9)
    assert whole.shape == (9, 32) and whole.dtype == torch.int64
    parts = [windows.batch(step, first, count) for first, count in ((0, cut), (cut, 9 - cut)) if count]
    assert torch.equal(torch.cat(parts), whole), "the split into batches must not matter"
    fresh = Windows(tiny_sequence, "train", 32, seed)
    fresh.batch(again, 3, 2)
    assert torch.equal(fresh.batch(step, 0, 9), whole), "what was drawn before must not matter"


def test_seeds_steps_and_splits_give_other_windows(tiny_sequence: PackedSequence, tmp_path: Path) -> None:
    starts = Windows(tiny_sequence, "train", 32, 1).starts(0, 0, 50)
    assert not np.array_equal(starts, Windows(tiny_sequence, "train", 32, 2).starts(0, 0, 50))
    assert not np.array_equal(starts, Windows(tiny_sequence, "train", 32, 1).starts(1, 0, 50))
    correlation = np.corrcoef(starts, Windows(tiny_sequence, "validation", 32, 1).starts(0, 0, 50))[0, 1]
    assert abs(correlation) < 0.5


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("windows")


@given(
    lengths=st.lists(st.integers(0, 40), min_size=1, max_size=6),
    length=st.integers(2, 20),
    seed=st.integers(0, 2**62),
)
def test_windows_lie_in_one_track_of_their_split(
    sequence_of: Callable[..., PackedSequence], folders: Path, lengths: list[int], length: int, seed: int
) -> None:
    split = {"train": tuple(lengths[::2]), "validation": tuple(lengths[1::2])}
    sequence = sequence_of(folders / "sequence", split)
    tracks = sequence.tracks("train")
    if max(track.length for track in tracks) < length:
        with pytest.raises(TrainingError):
            Windows(sequence, "train", length, seed)
        return
    windows = Windows(sequence, "train", length, seed)
    batch = windows.batch(5, 0, 40)
    for start, window in zip(windows.starts(5, 0, 40), batch, strict=True):
        inside = [t for t in tracks if t.offset <= start and start + length <= t.offset + t.length]
        assert len(inside) == 1, f"a window at {start} crosses a track's end"
        steps = sequence.steps(inside[0])[start - inside[0].offset :][:length]
        np.testing.assert_array_equal(window.numpy(), steps)


def test_every_start_has_the_same_chance(tiny_sequence: PackedSequence) -> None:
    length, count = 32, 40_000
    starts = Windows(tiny_sequence, "train", length, 4).starts(0, 0, count)
    possible = [
        start
        for track in tiny_sequence.tracks("train")
        for start in range(track.offset, track.offset + track.length - length + 1)
    ]
    hits = np.bincount(starts, minlength=len(tiny_sequence.data))
    assert set(np.flatnonzero(hits)) == set(possible), "a start that no window takes, or one outside its track"
    assert scipy.stats.chisquare(hits[possible]).pvalue > 1e-3


@pytest.mark.parametrize("split", ["train", "nowhere"])
def test_too_short_tracks_are_told_with_the_key_to_mend(tiny_sequence: PackedSequence, split: str) -> None:
    with pytest.raises(TrainingError, match=r"training\.window") as told:
        Windows(tiny_sequence, split, 193, 0)
    assert "193" in told.value.problem and split in told.value.problem
    assert ("192" if split == "train" else "0") in told.value.problem


def test_a_window_as_long_as_the_longest_track_is_that_track(tiny_sequence: PackedSequence) -> None:
    batch = Windows(tiny_sequence, "train", 192, 0).batch(3, 0, 4)
    longest = tiny_sequence.steps(tiny_sequence.tracks("train")[0])
    np.testing.assert_array_equal(batch.numpy(), np.tile(longest, (4, 1)))


def resident_pages(data: np.memmap[Any, Any]) -> npt.NDArray[np.bool_]:
    """Which pages of a mapped file are in memory, as the kernel tells it."""
    start = data.ctypes.data - data.offset
    flags = (ctypes.c_ubyte * -(-(data.offset + data.nbytes) // mmap.PAGESIZE))()
    libc = ctypes.CDLL(None, use_errno=True)
    told = libc.mincore(ctypes.c_void_p(start), ctypes.c_size_t(data.offset + data.nbytes), flags)
    assert told == 0, os.strerror(ctypes.get_errno())
    return np.frombuffer(flags, np.uint8) & 1 == 1


@pytest.mark.skipif(sys.platform != "linux", reason="forgetting pages and telling where they are is Linux's")
def test_what_is_expected_is_read_before_it_is_asked_for(
    sequence_of: Callable[..., PackedSequence], tmp_path: Path
) -> None:
    length, count = 5000, 6
    sequence = sequence_of(tmp_path / "sequence", {"train": (6_000_000,)})
    with (tmp_path / "sequence" / "data.npy").open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    assert isinstance(sequence.data, np.memmap)
    before = resident_pages(sequence.data)
    if before.mean() > 0.5:
        pytest.skip("this file system keeps its pages")
    windows = Windows(sequence, "train", length, 3)
    windows.expect(7, 2, count)
    places = [sequence.data.offset + start for start in windows.starts(7, 2, count)]
    wanted = np.unique(
        np.concatenate([np.arange(at // mmap.PAGESIZE, (at + length - 1) // mmap.PAGESIZE + 1) for at in places])
    )
    for _ in range(100):
        if (now := resident_pages(sequence.data))[wanted].all():
            break
        time.sleep(0.05)
    assert now[wanted].all(), "the windows were not read"
    assert now.mean() < 0.5, "far more was read than was expected"


def test_expecting_changes_no_window(tiny_sequence: PackedSequence) -> None:
    fresh, expecting = (Windows(tiny_sequence, "train", 192, 0) for _ in range(2))
    for step in range(3):
        expecting.expect(step + 1, 0, 4)
        assert torch.equal(fresh.batch(step, 0, 4), expecting.batch(step, 0, 4))


def test_steps_in_memory_need_not_be_expected(tiny_sequence: PackedSequence) -> None:
    held = replace(tiny_sequence, data=np.array(tiny_sequence.data))
    Windows(held, "train", 32, 0).expect(0, 0, 4)
