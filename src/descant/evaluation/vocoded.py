"""Excerpts of test tracks as a vocoder makes them of mel frames: which frames, and what became of them on disk."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from descant.audio.clips import from_16_bit
from descant.audio.files import Block
from descant.errors import SamplingError, SequenceError
from descant.evaluation.reconstruction import Stretch
from descant.npy import map_array
from descant.sequences import PackedSequence

# what a vocoder reads to either side, which is then cut off: more than any of ours remembers (ours)
MARGIN_FRAMES = 32


def frames_of(stretches: Sequence[Stretch], mel: PackedSequence) -> list[npt.NDArray[Any]]:
    """The mel frames that cover stretches, and a margin; beyond a track's ends its last frame is repeated.

    Args:
        stretches: all of one length.
        mel: packed frames of the same tracks.

    Returns:
        ``(frames, bands)`` each, of equal numbers of frames.

    Raises:
        SequenceError: when it holds no frames of these tracks.
    """
    tracks = {track.track: track for track in mel.tracks("test")}
    found = []
    for stretch in stretches:
        track = tracks.get(stretch.track.track)
        if track is None or track.length != -(-stretch.track.length // mel.hop):
            raise SequenceError(
                "the spectrograms are not of the audio's test tracks",
                "delete results/sequences and run snakemake again",
            )
        first = stretch.start // mel.hop - MARGIN_FRAMES
        count = -(-stretch.length // mel.hop) + 1 + 2 * MARGIN_FRAMES
        found.append(mel.steps(track)[np.clip(np.arange(first, first + count), 0, track.length - 1)])
    return found


def cut_sound(sound: npt.NDArray[Any], stretch: Stretch, hop: int) -> npt.NDArray[Any]:
    """What was made of :func:`frames_of` one stretch, ``(samples,)``, cut to the stretch ``(length,)``."""
    start = MARGIN_FRAMES * hop + stretch.start % hop
    return sound[start : start + stretch.length]


def read_vocoded(path: Path, stretches: Sequence[Stretch]) -> list[Block]:
    """Read what was made of every stretch, float32 ``(length,)`` each.

    Raises:
        SamplingError: when the file is torn or holds something else.
    """
    cure = f"delete {path} and run snakemake again"
    try:
        sound = map_array(path)
    except (OSError, ValueError) as error:
        raise SamplingError(f"{path} cannot be read: {error}", cure) from error
    length = stretches[0].length if stretches else 0
    if sound.dtype != np.int16 or sound.shape != (len(stretches), length):
        raise SamplingError(f"{path} does not hold 16-bit samples of each excerpt", cure)
    return [from_16_bit(one) for one in sound]
