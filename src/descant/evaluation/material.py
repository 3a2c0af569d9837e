"""What measures compare: excerpts of drawn audio and of real tracks, all equally long, and degraded real ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from descant.audio.rendered import Rendered
from descant.errors import SamplingError
from descant.recordings import read_recording
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


def drawn_excerpts(
    rendered: Rendered, seconds: float, most: int | None = None, samples: int | None = None
) -> Iterator[Excerpt]:
    """Cut drawn audio into excerpts from the start of each sample; a shorter rest is left out, and so is a prime.

    Args:
        rendered: what a model drew.
        seconds: length of each.
        most: of a sample; of more, so many are taken, spread evenly.
        samples: that are cut, the first of them; None for all.

    Raises:
        SamplingError: when a sample is shorter than one excerpt, or its file cannot be read.
    """
    rate = rendered.sample_rate
    length = max(1, round(seconds * rate))
    if rendered.shortest < length:
        raise SamplingError(
            f"{rendered.folder}: a sample is {rendered.shortest / rate:.2f} s long, {seconds:g} s are asked for",
            "raise sampling.seconds",
        )
    for number, sample in enumerate(rendered.samples[:samples]):
        for start in _starts(sample.drawn, length, most):
            yield Excerpt(str(number), start / rate, rendered.read(number, start, start + length))


def real_excerpts(
    recordings: PackedSequence, split: str, seconds: float, most: int | None = None, tracks: int | None = None
) -> Iterator[Excerpt]:
    """Cut every track of a split into excerpts from its start; a shorter rest, or track, is left out.

    Args:
        recordings: of :func:`descant.recordings.open_recordings`.
        split: ``train``, ``validation`` or ``test``.
        seconds: length of each.
        most: of a track; of more, so many are taken, spread evenly.
        tracks: of the split; of more that are long enough, so many are taken, spread evenly.
    """
    length = max(1, round(seconds * recordings.sample_rate))
    long_enough = [track for track in recordings.tracks(split) if track.length >= length]
    for track in spread_evenly(long_enough, tracks):
        for start in _starts(track.length, length, most):
            audio = read_recording(recordings, track, start, start + length)
            yield Excerpt(track.track, start / recordings.sample_rate, audio)


def _starts(samples: int, length: int, most: int | None) -> Sequence[int]:
    return spread_evenly(range(0, samples - length + 1, length), most)


def spread_evenly(items: Sequence[T], most: int | None) -> Sequence[T]:
    """All of a few, or where ``most`` is None; of more, ``most`` of them at even distances."""
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
