"""Which windows a step is trained on: window ``i`` of step ``s`` is a pure function of (seed, s, i)."""

import mmap

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from descant.errors import TrainingError
from descant.seeds import counter_uniforms, derive_seed
from descant.sequences import PackedSequence


class Windows:
    """Draws windows of a split, every start in every long enough track with equal chance.

    Args:
        sequence: packed sequence.
        split: its split to draw from.
        length: steps in a window.
        seed: root seed.

    Raises:
        TrainingError: when no track of the split is as long as a window.
    """

    def __init__(self, sequence: PackedSequence, split: str, length: int, seed: int) -> None:
        index = sequence.split(split)
        longest = int(index["length"].max()) if len(index) else 0
        if longest < length:
            raise TrainingError(
                f"training.window is {length} steps ({length / sequence.rate:.2f} s) but the longest track of the "
                f"{split} split has {longest} ({longest / sequence.rate:.2f} s)",
                "make training.window smaller, or add longer tracks",
            )
        usable = index[index["length"] >= length]
        self._data = sequence.data
        self._offsets = usable["offset"].to_numpy(dtype=np.int64)
        self._tracks = usable["track"].to_numpy()
        self._last = np.cumsum(usable["length"].to_numpy(dtype=np.int64) - length + 1)
        self._length = length
        self._seed = derive_seed(seed, "windows", split)

    def starts(self, step: int, first: int, count: int) -> npt.NDArray[np.int64]:
        """Where windows ``first … first + count - 1`` of a step begin in the packed data, ``(count,)``."""
        draws = (counter_uniforms(self._seed, step, first, count) * self._last[-1]).astype(np.int64)
        track = np.searchsorted(self._last, draws, side="right")
        before = np.concatenate([[0], self._last[:-1]])[track]
        return np.asarray(self._offsets[track] + draws - before)

    def places(self, step: int, first: int, count: int) -> list[str]:
        """The same windows for people: each one's track, and its first step within that."""
        starts = self.starts(step, first, count)
        tracks = np.searchsorted(self._offsets, starts, side="right") - 1
        return [f"{self._tracks[n]} from {at - self._offsets[n]}" for n, at in zip(tracks, starts, strict=True)]

    def batch(self, step: int, first: int, count: int) -> Tensor:
        """The windows themselves, int64 ``(count, length)``."""
        gathered = np.stack([self._data[start : start + self._length] for start in self.starts(step, first, count)])
        return torch.from_numpy(gathered.astype(np.int64))

    def expect(self, step: int, first: int, count: int) -> None:
        """Have the system read windows that are asked for later, while something else is computed; only a hint."""
        data = self._data
        if not isinstance(data, np.memmap) or not isinstance(data.base, mmap.mmap):
            return
        for start in self.starts(step, first, count):
            begin = data.offset + int(start) * data.itemsize
            # the array's file is mapped from its beginning, and a hint begins at a page
            page = begin // mmap.PAGESIZE * mmap.PAGESIZE
            data.base.madvise(mmap.MADV_WILLNEED, page, begin - page + self._length * data.itemsize)
