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

from descant.errors import SequenceError, TrainingError
from descant.seeds import counter_uniforms, derive_seed
from descant.sequences import Labels, PackedSequence, SequenceWriter, open_sequence
from descant.systems.base import STEPS
from descant.training.windows import Windows


@given(seed=st.integers(0, 2**62), step=st.integers(0, 10**9), cut=st.integers(0, 9), again=st.integers(0, 10**9))
def test_a_window_is_a_function_of_seed_step_and_number(
    tiny_sequence: PackedSequence, seed: int, step: int, cut: int, again: int
) -> None:
    windows = Windows({STEPS: tiny_sequence}, "train", 32, seed)
    whole = windows.batch(step, 0, 9)[STEPS]
    assert whole.shape == (9, 32) and whole.dtype == torch.int64
    parts = [windows.batch(step, first, count)[STEPS] for first, count in ((0, cut), (cut, 9 - cut)) if count]
    assert torch.equal(torch.cat(parts), whole), "the split into batches must not matter"
    fresh = Windows({STEPS: tiny_sequence}, "train", 32, seed)
    fresh.batch(again, 3, 2)
    assert torch.equal(fresh.batch(step, 0, 9)[STEPS], whole), "what was drawn before must not matter"


def test_seeds_steps_and_splits_give_other_windows(tiny_sequence: PackedSequence, tmp_path: Path) -> None:
    starts = Windows({STEPS: tiny_sequence}, "train", 32, 1).starts(0, 0, 50, STEPS)
    assert not np.array_equal(starts, Windows({STEPS: tiny_sequence}, "train", 32, 2).starts(0, 0, 50, STEPS))
    assert not np.array_equal(starts, Windows({STEPS: tiny_sequence}, "train", 32, 1).starts(1, 0, 50, STEPS))
    correlation = np.corrcoef(starts, Windows({STEPS: tiny_sequence}, "validation", 32, 1).starts(0, 0, 50, STEPS))[
        0, 1
    ]
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
            Windows({STEPS: sequence}, "train", length, seed)
        return
    windows = Windows({STEPS: sequence}, "train", length, seed)
    batch = windows.batch(5, 0, 40)[STEPS]
    for start, window in zip(windows.starts(5, 0, 40, STEPS), batch, strict=True):
        inside = [t for t in tracks if t.offset <= start and start + length <= t.offset + t.length]
        assert len(inside) == 1, f"a window at {start} crosses a track's end"
        steps = sequence.steps(inside[0])[start - inside[0].offset :][:length]
        np.testing.assert_array_equal(window.numpy(), steps)


def test_every_start_has_the_same_chance(tiny_sequence: PackedSequence) -> None:
    length, count = 32, 40_000
    starts = Windows({STEPS: tiny_sequence}, "train", length, 4).starts(0, 0, count, STEPS)
    possible = [
        start
        for track in tiny_sequence.tracks("train")
        for start in range(track.offset, track.offset + track.length - length + 1)
    ]
    hits = np.bincount(starts, minlength=len(tiny_sequence.data))
    assert set(np.flatnonzero(hits)) == set(possible), "a start that no window takes, or one outside its track"
    assert scipy.stats.chisquare(hits[possible]).pvalue > 1e-3


@pytest.mark.parametrize("split", ["train", "nowhere"])
def test_too_short_tracks_are_reported_with_the_key_to_mend(tiny_sequence: PackedSequence, split: str) -> None:
    with pytest.raises(TrainingError, match=r"training\.window") as shown:
        Windows({STEPS: tiny_sequence}, split, 193, 0)
    assert "193" in shown.value.problem and split in shown.value.problem
    assert ("192" if split == "train" else "0") in shown.value.problem


def test_a_window_as_long_as_the_longest_track_is_that_track(tiny_sequence: PackedSequence) -> None:
    batch = Windows({STEPS: tiny_sequence}, "train", 192, 0).batch(3, 0, 4)[STEPS]
    longest = tiny_sequence.steps(tiny_sequence.tracks("train")[0])
    np.testing.assert_array_equal(batch.numpy(), np.tile(longest, (4, 1)))


def resident_pages(data: np.memmap[Any, Any]) -> npt.NDArray[np.bool_]:
    """Which pages of a mapped file are in memory, as the kernel reports it."""
    start = data.ctypes.data - data.offset
    flags = (ctypes.c_ubyte * -(-(data.offset + data.nbytes) // mmap.PAGESIZE))()
    libc = ctypes.CDLL(None, use_errno=True)
    shown = libc.mincore(ctypes.c_void_p(start), ctypes.c_size_t(data.offset + data.nbytes), flags)
    assert shown == 0, os.strerror(ctypes.get_errno())
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
    windows = Windows({STEPS: sequence}, "train", length, 3)
    windows.expect(7, 2, count)
    places = [sequence.data.offset + start for start in windows.starts(7, 2, count, STEPS)]
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
    fresh, expecting = (Windows({STEPS: tiny_sequence}, "train", 192, 0) for _ in range(2))
    for step in range(3):
        expecting.expect(step + 1, 0, 4)
        assert torch.equal(fresh.batch(step, 0, 4)[STEPS], expecting.batch(step, 0, 4)[STEPS])


def test_steps_in_memory_need_not_be_expected(tiny_sequence: PackedSequence) -> None:
    held = replace(tiny_sequence, data=np.array(tiny_sequence.data))
    Windows({STEPS: held}, "train", 32, 0).expect(0, 0, 4)


@given(seed=st.integers(0, 2**62), step=st.integers(0, 10**6), length=st.integers(2, 96))
def test_a_single_stream_is_drawn_as_it_ever_was(
    tiny_sequence: PackedSequence, seed: int, step: int, length: int
) -> None:
    index = tiny_sequence.split("train")
    usable = index[index["length"] >= length]
    last = np.cumsum(usable["length"].to_numpy() - length + 1)
    draws = (counter_uniforms(derive_seed(seed, "windows", "train"), step, 3, 20) * last[-1]).astype(np.int64)
    track = np.searchsorted(last, draws, side="right")
    expected = usable["offset"].to_numpy()[track] + draws - np.concatenate([[0], last[:-1]])[track]
    windows = Windows({STEPS: tiny_sequence}, "train", length, seed)
    np.testing.assert_array_equal(windows.starts(step, 3, 20, STEPS), expected)


def counting(folder: Path, lengths: tuple[int, ...], hop: int, rate: int, channels: int = 0) -> PackedSequence:
    """Tracks whose every step holds its own position, in all channels; every third is for validation."""
    with SequenceWriter(folder, 0, hop, rate, channels, "float32") as writer:
        for number, length in enumerate(lengths):
            steps = np.arange(length, dtype=np.float32)
            steps = np.repeat(steps[:, None], channels, axis=1) if channels else steps
            split = "validation" if number % 3 == 2 else "train"
            writer.add(f"{number:016x}", split, Labels(artist=f"a{number % 2}"), [steps])
    return open_sequence(folder)


RATIOS = [(1, 1), (4, 1), (3, 2), (128, 1)]


@pytest.mark.parametrize("ratio", RATIOS)
@given(
    hops=st.lists(st.integers(0, 30), min_size=1, max_size=6),
    length=st.integers(1, 6),
    align=st.sampled_from([1, 2, 6]),
    partial=st.booleans(),
    channels=st.sampled_from([0, 3]),
)
def test_streams_of_different_rates_are_the_same_time(
    folders: Path, ratio: tuple[int, int], hops: list[int], length: int, align: int, partial: bool, channels: int
) -> None:
    fine, coarse = ratio
    # in the last part of a step there may be one of the coarser sequence, or none
    left = fine // 2
    lengths = tuple(fine * hop + left for hop in hops)
    coarser = tuple(-(-n * coarse // fine) if partial else n * coarse // fine for n in lengths)
    streams = {
        "codes": counting(folders / "coarse", coarser, fine, 1000, channels),
        STEPS: counting(folders / "fine", lengths, coarse, 1000),
    }
    window = fine * length
    usable = [n for number, n in enumerate(lengths) if number % 3 != 2 and n >= window]
    if not usable:
        with pytest.raises(TrainingError, match=r"training\.window"):
            Windows(streams, "train", window, 1, align)
        return
    windows = Windows(streams, "train", window, 1, align, places=True)
    batch = windows.batch(4, 0, 12)
    assert batch[STEPS].shape == (12, window)
    assert batch["codes"].shape == ((12, coarse * length, channels) if channels else (12, coarse * length))
    first = batch[STEPS][:, 0].long()
    assert torch.equal(first, batch["position"])
    assert not (first % align).any() and not (first % fine).any()
    expected = (first * coarse // fine)[:, None] + torch.arange(coarse * length)
    expected = expected[..., None].expand(-1, -1, channels) if channels else expected
    assert torch.equal(batch["codes"].long(), expected)
    assert set(batch["track_length"].tolist()) <= set(usable)
    assert all(at + window <= n for at, n in zip(first.tolist(), batch["track_length"].tolist(), strict=True))


def test_every_aligned_start_has_the_same_chance(tmp_path: Path) -> None:
    sequence, count = counting(tmp_path, (61, 30, 40, 100), 1, 1000), 40_000
    starts = Windows({STEPS: sequence}, "train", 20, 4, align=8).starts(0, 0, count, STEPS)
    possible = [offset + at for offset, length in ((0, 61), (61, 30), (131, 100)) for at in range(0, length - 19, 8)]
    hits = np.bincount(starts)
    assert list(np.flatnonzero(hits)) == possible
    assert scipy.stats.chisquare(hits[possible]).pvalue > 1e-3


def test_windows_of_streams_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    fine = counting(tmp_path / "fine", (40, 40, 40, 42), 1, 1000)
    cases = {
        "in the same order": counting(tmp_path / "fewer", (10, 10, 10), 4, 1000),
        "12 steps in longer, but 10 or 10": counting(tmp_path / "longer", (10, 12, 10, 11), 4, 1000),
        "9 steps in shorter, but 10 or 11": counting(tmp_path / "shorter", (10, 10, 10, 9), 4, 1000),
    }
    for message, codes in cases.items():
        with pytest.raises(SequenceError, match=message):
            Windows({STEPS: fine, "codes": codes}, "train", 8, 1)
    whole = counting(tmp_path / "whole", (10, 10, 10, 11), 4, 1000)
    Windows({STEPS: fine, "codes": whole}, "train", 8, 1)
    with pytest.raises(TrainingError, match=r"training\.window is 10 .*no whole number"):
        Windows({STEPS: fine, "codes": whole}, "train", 10, 1)


def test_labels_have_ids_and_what_is_not_known_has_none(tmp_path: Path) -> None:
    sequence = counting(tmp_path, (40, 50, 60, 70), 1, 1000)
    windows = Windows({STEPS: sequence}, "train", 8, 1, places=True, labels={"artist": ("a1", "b")})
    batch = windows.batch(0, 0, 50)
    of_length = {40: 0, 50: 1, 70: 1}
    assert batch["artist"].tolist() == [of_length[length] for length in batch["track_length"].tolist()]
    assert set(batch["artist"].tolist()) == {0, 1} and batch["artist"].dtype == torch.int64
    assert set(Windows({STEPS: sequence}, "train", 8, 1).batch(0, 0, 3)) == {STEPS}, "only what is asked for"


def test_a_step_that_is_no_class_is_refused(tiny_sequence: PackedSequence) -> None:
    strange = replace(tiny_sequence, data=np.full_like(np.asarray(tiny_sequence.data), 16))
    with pytest.raises(SequenceError, match="has a step 16, but 16 classes"):
        Windows({STEPS: strange}, "train", 32, 0).batch(0, 0, 1)
