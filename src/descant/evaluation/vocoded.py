"""Excerpts of test tracks as networks make them of mel frames or codes: of which, and what became of them on disk."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from descant.audio.files import Block
from descant.audio.rendered import CURE, open_rendered
from descant.errors import SamplingError
from descant.evaluation.reconstruction import Stretch, tracks_of
from descant.sequences import PackedSequence, Track

# what a vocoder reads to either side, which is then cut off: more than any of ours remembers (ours)
MARGIN_FRAMES = 32


def frames_of(stretches: Sequence[Stretch], frames: PackedSequence) -> list[npt.NDArray[Any]]:
    """The frames that cover stretches, and a margin; beyond a track's ends its last frame is repeated.

    Args:
        stretches: all of one length.
        frames: packed mel spectrograms or rolls of the same tracks.

    Returns:
        ``(frames, channels)`` each, of equal numbers of frames.

    Raises:
        SequenceError: when it holds no frames of these tracks.
    """
    found = []
    for stretch, track in zip(stretches, tracks_of(stretches, frames, "frames"), strict=True):
        first = stretch.start // frames.hop - MARGIN_FRAMES
        count = -(-stretch.length // frames.hop) + 1 + 2 * MARGIN_FRAMES
        found.append(frames.steps(track)[np.clip(np.arange(first, first + count), 0, track.length - 1)])
    return found


def cut_sound(sound: npt.NDArray[Any], stretch: Stretch, hop: int) -> npt.NDArray[Any]:
    """What was made of :func:`frames_of` one stretch, ``(samples,)``, cut to the stretch ``(length,)``."""
    start = MARGIN_FRAMES * hop + stretch.start % hop
    return sound[start : start + stretch.length]


def codes_about(stretch: Stretch, codes: PackedSequence, track: Track, reach: int) -> tuple[npt.NDArray[Any], int]:
    """The codes that a stretch depends on, for a decoder that sees so many to either side.

    Args:
        stretch: of :func:`descant.evaluation.reconstruction.choose_stretches`.
        codes: packed.
        track: of the stretch, in ``codes``.
        reach: codes.

    Returns:
        The codes ``(codes,)`` or ``(codes, channels)``, and the place of the stretch, in samples of their sound.
    """
    left = max(0, stretch.start // codes.hop - reach)
    right = -(-(stretch.start + stretch.length) // codes.hop) + reach
    return codes.steps(track)[left:right], stretch.start - left * codes.hop


def read_vocoded(folder: Path, stretches: Sequence[Stretch]) -> list[Block]:
    """Read what was made of every stretch, float32 ``(length,)`` each.

    Raises:
        SamplingError: when a file is missing, or they are of other excerpts.
    """
    if not stretches:
        return []
    rendered = open_rendered(folder)
    if [sample.samples for sample in rendered.samples] != [stretch.length for stretch in stretches]:
        raise SamplingError(f"{folder} does not hold these excerpts", CURE)
    return [rendered.read(number) for number in range(len(stretches))]
