"""What measures compare: excerpts of drawn audio and of real tracks, all equally long, and degraded real ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from descant.audio import mulaw
from descant.errors import SamplingError, SequenceError
from descant.seeds import derive_seed
from descant.sequences import PackedSequence

T = TypeVar("T")


@dataclass(frozen=True)
class Excerpt:
    """A piece of audio that is measured.

    Attributes:
        group: what a bootstrap draws: a track's id, or the number of a drawn sequence.
        start: seconds into its track or drawn sequence.
        audio: float32 ``(samples,)`` in [-1, 1].
    """

    group: str
    start: float
    audio: npt.NDArray[np.float32]


def read_drawn(path: Path) -> npt.NDArray[np.unsignedinteger]:
    """Open drawn audio: mu-law classes ``(batch, samples)``, mapped and not read.

    Raises:
        SamplingError: when the file is missing, torn or holds something else.
    """
    cure = "delete it and run snakemake again"
    try:
        classes: npt.NDArray[np.unsignedinteger] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise SamplingError(f"{path} holds no readable samples: {error}", cure) from error
    if classes.ndim != 2 or classes.dtype.kind != "u" or not classes.size or int(classes.max()) >= mulaw.CLASSES:
        raise SamplingError(f"{path} does not hold mu-law classes (batch, samples)", cure)
    return classes


def drawn_excerpts(
    classes: npt.NDArray[np.unsignedinteger], sample_rate: int, seconds: float, most: int | None = None
) -> Iterator[Excerpt]:
    """Cut drawn audio into excerpts from the start of each sequence; a shorter rest is left out.

    Args:
        classes: mu-law classes ``(batch, samples)``.
        sample_rate: Hz.
        seconds: length of each.
        most: of a sequence; of more, so many are taken, spread evenly.

    Raises:
        SamplingError: when a sequence is shorter than one excerpt.
    """
    length = max(1, round(seconds * sample_rate))
    if classes.shape[1] < length:
        raise SamplingError(
            f"the samples are {classes.shape[1] / sample_rate:.2f} s long, {seconds:g} s are asked for",
            "raise sampling.seconds",
        )
    for number, row in enumerate(classes):
        yield from _cut(row, str(number), sample_rate, length, most)


def real_excerpts(
    sequence: PackedSequence, split: str, seconds: float, most: int | None = None, tracks: int | None = None
) -> Iterator[Excerpt]:
    """Cut every track of a split into excerpts from its start; a shorter rest, or track, is left out.

    Args:
        sequence: mu-law audio.
        split: ``train``, ``validation`` or ``test``.
        seconds: length of each.
        most: of a track; of more, so many are taken, spread evenly.
        tracks: of the split; of more that are long enough, so many are taken, spread evenly.

    Raises:
        SequenceError: when the sequence is not audio.
    """
    if sequence.hop != 1 or sequence.classes != mulaw.CLASSES:
        raise SequenceError("the sequence holds codes, which are no audio", "give the sequence named 'audio'")
    length = max(1, round(seconds * sequence.sample_rate))
    long_enough = [track for track in sequence.tracks(split) if track.length >= length]
    for track in _spread(long_enough, tracks):
        yield from _cut(sequence.steps(track), track.track, sequence.sample_rate, length, most)


def _cut(
    classes: npt.NDArray[np.unsignedinteger], group: str, sample_rate: int, length: int, most: int | None
) -> Iterator[Excerpt]:
    for start in _spread(range(0, len(classes) - length + 1, length), most):
        yield Excerpt(group, start / sample_rate, mulaw.decode(classes[start : start + length]))


def _spread(items: Sequence[T], most: int | None) -> Sequence[T]:
    """All of a few; of more, ``most`` of them, at even distances."""
    if most is None or len(items) <= most:
        return items
    return [items[place * len(items) // most] for place in range(most)]


def shuffled(excerpt: Excerpt, sample_rate: int, block_seconds: float, seed: int) -> Excerpt:
    """The same excerpt with its blocks in another order: the same sounds, without their order.

    Args:
        excerpt: what is shuffled.
        sample_rate: Hz.
        block_seconds: length of a block; the last one is shorter.
        seed: of the draw; the order is derived from it, the group and the start.
    """
    block = max(1, round(block_seconds * sample_rate))
    parts = [excerpt.audio[start : start + block] for start in range(0, len(excerpt.audio), block)]
    random = np.random.default_rng(derive_seed(seed, "shuffle", excerpt.group, round(excerpt.start * sample_rate)))
    return replace(excerpt, audio=np.concatenate([parts[place] for place in random.permutation(len(parts))]))


def white_noise(excerpt: Excerpt, seed: int) -> Excerpt:
    """White noise of an excerpt's length and RMS level."""
    random = np.random.default_rng(derive_seed(seed, "noise", excerpt.group, round(excerpt.start * 1e6)))
    rms = float(np.sqrt(np.mean(np.square(excerpt.audio, dtype=np.float64))))
    noise = random.standard_normal(len(excerpt.audio)) * rms
    return replace(excerpt, audio=np.clip(noise, -1, 1).astype(np.float32))
