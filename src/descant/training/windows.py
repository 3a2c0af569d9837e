"""Which windows a step is trained on: window ``i`` of step ``s`` is a pure function of (seed, s, i)."""

import math
import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from descant.errors import SequenceError, TrainingError
from descant.seeds import counter_uniforms, derive_seed
from descant.sequences import PackedSequence

# of a batch, besides its streams and labels
POSITION, TRACK_LENGTH = "position", "track_length"


@dataclass(frozen=True)
class _Stream:
    """One of several sequences that run side by side.

    Attributes:
        sequence: the sequence.
        offsets: where each usable track begins in it, ``(tracks,)``.
        ratio: its steps to one step of the finest.
    """

    sequence: PackedSequence
    offsets: npt.NDArray[np.int64]
    ratio: Fraction

    def scaled(self, steps: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Steps of the finest, multiples of what the two have in common, as steps of this one."""
        return steps * self.ratio.numerator // self.ratio.denominator


class Windows:
    """Draws windows of a split, every start in every long enough track with equal chance.

    A window is so many steps of the finest stream, and the same time of every other; starts are where a step begins in
    all of them.

    Args:
        streams: packed sequences of the same tracks in the same order, by the names they have in a batch.
        split: their split to draw from.
        length: steps of the finest stream in a window.
        seed: root seed.
        align: windows begin at multiples of so many steps of the finest stream within their track.
        places: whether a batch says where its windows lie: ``position``, a window's first step within its track, and
            ``track_length``, both int64 ``(batch,)`` in steps of the finest stream.
        labels: values of those labels of the tracks that a batch has: int64 ``(batch,)`` under the label's name, ``n``
            for the ``n``-th value from 1 on, 0 for any other.

    Raises:
        TrainingError: when no track of the split is as long as a window, or a window is no whole number of steps of a
            stream.
        SequenceError: when the streams do not hold the same tracks at the same lengths.
    """

    def __init__(
        self,
        streams: Mapping[str, PackedSequence],
        split: str,
        length: int,
        seed: int,
        align: int = 1,
        places: bool = False,
        labels: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        finest = max(streams.values(), key=lambda sequence: sequence.rate)
        ratios = {name: sequence.steps_per_step_of(finest) for name, sequence in streams.items()}
        for name, sequence in streams.items():
            _check_same_tracks(finest, sequence, ratios[name])
            if length % ratios[name].denominator:
                raise TrainingError(
                    f"training.window is {length} steps of {finest.name}, no whole number of steps of {name} "
                    f"({float(ratios[name]):g} to one)",
                    f"set it to a multiple of {ratios[name].denominator}",
                )
        dealt = (finest.index["split"] == split).to_numpy()
        lengths = finest.index["length"].to_numpy(dtype=np.int64)
        longest = int(lengths[dealt].max(initial=0))
        if longest < length:
            raise TrainingError(
                f"training.window is {length} steps ({_duration(length, finest)}) but the longest track of the "
                f"{split} split has {longest} ({_duration(longest, finest)})",
                "make training.window smaller, or add longer tracks",
            )
        usable = dealt & (lengths >= length)
        self._align = math.lcm(align, *(ratio.denominator for ratio in ratios.values()))
        self._lengths = lengths[usable]
        self._tracks = finest.index["track"].to_numpy()[usable]
        # how many starts there are in this track and those before it
        self._last = np.cumsum((self._lengths - length) // self._align + 1)
        self._length = length
        self._places = places
        self._seed = derive_seed(seed, "windows", split)
        self._streams = {
            name: _Stream(sequence, sequence.index["offset"].to_numpy(dtype=np.int64)[usable], ratios[name])
            for name, sequence in streams.items()
        }
        self._labels = {
            label: _label_ids(finest.index[label].to_numpy()[usable], names) for label, names in (labels or {}).items()
        }

    def drawn(self, step: int, first: int, count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Windows ``first … first + count - 1`` of a step.

        Returns:
            Numbers of their tracks among the usable ones, and their first steps within these in steps of the finest
            stream, both ``(count,)``.
        """
        draws = (counter_uniforms(self._seed, step, first, count) * self._last[-1]).astype(np.int64)
        track = np.searchsorted(self._last, draws, side="right")
        before = np.concatenate([[0], self._last[:-1]])[track]
        return np.asarray(track), np.asarray(draws - before) * self._align

    def starts(self, step: int, first: int, count: int, stream: str) -> npt.NDArray[np.int64]:
        """Where windows ``first … first + count - 1`` of a step begin in a stream's packed data, ``(count,)``."""
        return self._starts(self._streams[stream], *self.drawn(step, first, count))

    @staticmethod
    def _starts(
        stream: _Stream, tracks: npt.NDArray[np.int64], positions: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        return np.asarray(stream.offsets[tracks] + stream.scaled(positions))

    def places(self, step: int, first: int, count: int) -> list[str]:
        """The same windows for people: each one's track, and its first step within that."""
        tracks, positions = self.drawn(step, first, count)
        return [f"{self._tracks[track]} from {at}" for track, at in zip(tracks, positions, strict=True)]

    def batch(self, step: int, first: int, count: int) -> dict[str, Tensor]:
        """The windows themselves, by stream, and what else is asked for.

        Returns:
            Classes as int64, real values as they are stored as float32: ``(count, time)``, or
            ``(count, time, channels)``; see the class for ``position``, ``track_length`` and labels.

        Raises:
            SequenceError: when a step is not below its sequence's classes.
        """
        tracks, positions = self.drawn(step, first, count)
        batch = {}
        for name, stream in self._streams.items():
            length = self._length * stream.ratio.numerator // stream.ratio.denominator
            starts = self._starts(stream, tracks, positions)
            batch[name] = _tensor(stream.sequence, np.stack([stream.sequence.data[at : at + length] for at in starts]))
        if self._places:
            batch[POSITION] = torch.from_numpy(positions)
            batch[TRACK_LENGTH] = torch.from_numpy(self._lengths[tracks])
        return batch | {label: torch.from_numpy(ids[tracks]) for label, ids in self._labels.items()}

    def expect(self, step: int, first: int, count: int) -> None:
        """Have the system read windows that are asked for later, while something else is computed; only a hint."""
        tracks, positions = self.drawn(step, first, count)
        for stream in self._streams.values():
            data = stream.sequence.data
            if not isinstance(data, np.memmap) or not isinstance(data.base, mmap.mmap):
                continue
            length = self._length * stream.ratio.numerator // stream.ratio.denominator
            row = data.itemsize * math.prod(data.shape[1:])
            for start in self._starts(stream, tracks, positions):
                begin = data.offset + int(start) * row
                # the array's file is mapped from its beginning, and a hint begins at a page
                page = begin // mmap.PAGESIZE * mmap.PAGESIZE
                data.base.madvise(mmap.MADV_WILLNEED, page, begin - page + length * row)


def _tensor(sequence: PackedSequence, steps: npt.NDArray[np.generic]) -> Tensor:
    if not sequence.classes:
        return torch.from_numpy(steps.astype(np.float32))
    classes = steps.astype(np.int64)
    if int(classes.max()) >= sequence.classes:
        raise SequenceError(
            f"sequence {sequence.name} has a step {int(classes.max())}, but {sequence.classes} classes",
            "delete its folder and run snakemake again",
        )
    return torch.from_numpy(classes)


def _label_ids(values: npt.NDArray[np.object_], names: Sequence[str]) -> npt.NDArray[np.int64]:
    number = {name: n for n, name in enumerate(names, start=1)}
    return np.array([number.get(value, 0) for value in values], dtype=np.int64)


def _duration(steps: int, sequence: PackedSequence) -> str:
    return f"{steps / sequence.rate:.2f} {'s' if sequence.unit == 'second' else 'quarter notes'}"


def _check_same_tracks(finest: PackedSequence, other: PackedSequence, ratio: Fraction) -> None:
    """A last partial step may be there or not; all else must agree."""
    if other is finest:
        return
    same = ["track", "split"]
    if not finest.index[same].equals(other.index[same]):
        raise SequenceError(
            f"{other.name} does not hold the tracks of {finest.name} in the same order and splits",
            "make both from the same corpus",
        )
    scaled = finest.index["length"].to_numpy(dtype=np.int64) * ratio.numerator
    lengths = other.index["length"].to_numpy(dtype=np.int64)
    whole, least = -(-scaled // ratio.denominator), scaled // ratio.denominator
    if wrong := np.flatnonzero((lengths < least) | (lengths > whole)).tolist():
        track = finest.index["track"].iloc[wrong[0]]
        raise SequenceError(
            f"track {track} has {lengths[wrong[0]]} steps in {other.name}, but {least[wrong[0]]} or "
            f"{whole[wrong[0]]} go with its {finest.index['length'].iloc[wrong[0]]} in {finest.name}",
            "make both from the same corpus",
        )
