"""A few plain figures of a sample.

Levels are in dBFS after AES17: 0 dB is a sine that just reaches full scale.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from descant.errors import SamplingError

SILENCE_FRAME_SECONDS = 0.05
SILENCE_DBFS = -60.0


@dataclass(frozen=True)
class SampleFacts:
    """Plain figures of one sample.

    Attributes:
        seconds: its length.
        peak: largest absolute value; full scale is 1.
        rms_dbfs: root mean square, dBFS; None for digital silence.
        silent_share: share of the time, in frames of 50 ms, whose RMS is below -60 dBFS.
    """

    seconds: float
    peak: float
    rms_dbfs: float | None
    silent_share: float


def _dbfs(mean_square: float) -> float | None:
    return 10 * math.log10(2 * mean_square) if mean_square > 0 else None


def sample_facts(audio: npt.NDArray[np.floating], sample_rate: int) -> SampleFacts:
    """Measure a sample.

    Args:
        audio: floats ``(time,)``; full scale is 1.
        sample_rate: Hz.

    Raises:
        SamplingError: when it is empty.
    """
    if not len(audio):
        raise SamplingError("a sample has no audio in it", "raise sampling.seconds")
    squares = np.asarray(audio, dtype=np.float64) ** 2
    starts = np.arange(0, len(squares), max(1, round(SILENCE_FRAME_SECONDS * sample_rate)))
    lengths = np.diff(starts, append=len(squares))
    means = np.add.reduceat(squares, starts) / lengths
    silent = 10 * np.log10(np.maximum(2 * means, 1e-30)) < SILENCE_DBFS
    return SampleFacts(
        seconds=len(squares) / sample_rate,
        peak=float(np.sqrt(squares.max())),
        rms_dbfs=_dbfs(float(squares.mean())),
        silent_share=float(lengths[silent].sum() / len(squares)),
    )
