"""The recordings themselves: every track's audio as a packed sequence of 16-bit samples.

Mono and at the models' rate, as the corpus is, but not companded: what is measured of real music does not bear the
noise that the models' mu-law adds. Its tracks, their lengths and their splits are those of the sequence ``audio``.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from descant.audio.clips import from_16_bit
from descant.errors import SequenceError
from descant.sequences import PackedSequence, Track, open_sequence


def open_recordings(folder: Path) -> PackedSequence:
    """Open the recordings.

    Raises:
        SequenceError: when the sequence cannot be read, or holds something else than 16-bit samples.
    """
    sequence = open_sequence(folder)
    if sequence.hop != 1 or sequence.data.dtype != np.int16 or sequence.data.ndim != 1:
        raise SequenceError(f"{folder} holds no 16-bit samples", "give the folder of the sequence 'waveform'")
    return sequence


def read_recording(
    recordings: PackedSequence, track: Track, start: int = 0, stop: int | None = None
) -> npt.NDArray[np.float32]:
    """Part of a track.

    Args:
        recordings: of :func:`open_recordings`.
        track: one of its tracks.
        start: first sample, counted in the track.
        stop: one past the last; None for the track's end.

    Returns:
        float32 ``(stop - start,)`` in [-1, 1), shorter where the track ends before.
    """
    return from_16_bit(recordings.steps(track)[start:stop])
