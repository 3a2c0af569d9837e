"""Loudness (ITU-R BS.1770) and plain checks of level: drift, silence, clipping, DC."""

import math
import warnings

import numpy as np
import numpy.typing as npt
import pyloudnorm

from descant.audio.facts import sample_facts

# BS.1770 measures in blocks of 400 ms; what is shorter is measured by its RMS
BLOCK_SECONDS = 0.4
PARTS = 3
# a model of mu-law draws full scale for all that is louder: the two outermost of its classes stand for ±1 and ±0.957
CLIPPED = 0.98


def loudness(audio: npt.NDArray[np.floating], sample_rate: int) -> float | None:
    """Integrated loudness in LUFS by pyloudnorm, or RMS in dBFS where the audio is shorter than a block.

    Args:
        audio: floats ``(samples,)``; full scale is 1.
        sample_rate: Hz.

    Returns:
        None for silence: what lies below BS.1770's absolute gate of -70 LUFS.
    """
    if len(audio) < BLOCK_SECONDS * sample_rate:
        return sample_facts(audio, sample_rate).rms_dbfs if len(audio) else None
    with warnings.catch_warnings(), np.errstate(divide="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        value = float(pyloudnorm.Meter(sample_rate).integrated_loudness(np.asarray(audio, dtype=np.float64)))
    return value if math.isfinite(value) else None


def level_measures(audio: npt.NDArray[np.floating], sample_rate: int) -> dict[str, float | None]:
    """Measures of level by their names; loudness is None where there is silence.

    Args:
        audio: floats ``(samples,)``, at least one; full scale is 1.
        sample_rate: Hz.
    """
    third = len(audio) // PARTS
    first, last = loudness(audio[:third], sample_rate), loudness(audio[len(audio) - third :], sample_rate)
    return {
        "loudness_lufs": loudness(audio, sample_rate),
        "loudness_drift_db": None if first is None or last is None else last - first,
        "silent_share": sample_facts(audio, sample_rate).silent_share,
        "clipped_share": float(np.mean(np.abs(audio) >= CLIPPED)),
        "dc": float(np.mean(audio, dtype=np.float64)),
    }
