"""Whether the same pitches sound at the same times: correlation of two constant-Q spectrograms (Kim et al. 2019).

The paper correlates log-magnitudes of 84 bins, 12 an octave from C1, at a step of 512 samples. It leaves open how low
the logarithm goes, and over what is averaged: the floor, and the mean over bins within a clip, are ours.
"""

import librosa
import numpy as np
import numpy.typing as npt

import descant.compiled  # noqa: F401 - librosa's loops are kept by their types

LOWEST, BINS, BINS_PER_OCTAVE, STEP = "C1", 84, 12, 512
FLOOR_DB = -100.0
# the highest bin lies at 3,951 Hz, and its filter ends below half of this
LEAST_RATE = 8500


def log_cqt(audio: npt.NDArray[np.floating], sample_rate: int) -> npt.NDArray[np.float64]:
    """Levels of a constant-Q transform.

    Args:
        audio: floats ``(time,)``.
        sample_rate: Hz, at least ``LEAST_RATE``.

    Returns:
        float64 ``(84, frames)``, dB by the loudest of all, not below the floor; the floor throughout in silence.
    """
    transform = librosa.cqt(
        np.asarray(audio, dtype=np.float32),
        sr=sample_rate,
        hop_length=STEP,
        fmin=librosa.note_to_hz(LOWEST),
        n_bins=BINS,
        bins_per_octave=BINS_PER_OCTAVE,
    )
    magnitudes = np.abs(transform).astype(np.float64)
    loudest = magnitudes.max(initial=0.0)
    if loudest <= 0:
        return np.full(magnitudes.shape, FLOOR_DB)
    return np.asarray(np.maximum(20 * np.log10(np.maximum(magnitudes / loudest, 1e-12)), FLOOR_DB))


def deviations(audio: npt.NDArray[np.floating], sample_rate: int) -> npt.NDArray[np.float64]:
    """How the levels of each pitch deviate from their mean over time, at unit length.

    Args:
        audio: floats ``(time,)``.
        sample_rate: Hz, at least ``LEAST_RATE``.

    Returns:
        float64 ``(84, frames)``; zeros for a pitch that does not change.
    """
    levels = log_cqt(audio, sample_rate)
    centred = levels - levels.mean(axis=1, keepdims=True)
    size = np.sqrt(np.sum(centred**2, axis=1, keepdims=True))
    # of equal levels the mean is not always exactly theirs
    changes = np.ptp(levels, axis=1, keepdims=True) > 0
    unit: npt.NDArray[np.float64] = np.divide(centred, size, out=np.zeros_like(centred), where=changes)
    return unit


def correlation_by_pitch(reference: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Pearson correlation over time of the levels of each of 84 pitches.

    It does not rank instruments: sounds that begin sharply have higher ones (Kim 2020, dissertation). Compare what
    plays the same music.

    Args:
        reference: of :func:`deviations`.
        other: of audio of the same length.

    Returns:
        float64 ``(84,)``, 1 for equal audio whatever its level. A pitch that the other never changes counts as 0, and
        one that the reference never changes is not defined (NaN).
    """
    return np.where(reference.any(axis=1), np.sum(reference * other, axis=1), np.nan)


def cqt_correlation(
    reference: npt.NDArray[np.floating], other: npt.NDArray[np.floating], sample_rate: int
) -> float | None:
    """The mean of :func:`correlation_by_pitch` over the pitches that have one.

    None where none has, or where the rate is too low for the highest.
    """
    if sample_rate < LEAST_RATE:
        return None
    found = correlation_by_pitch(deviations(reference, sample_rate), deviations(other, sample_rate))
    return None if np.isnan(found).all() else float(np.nanmean(found))
