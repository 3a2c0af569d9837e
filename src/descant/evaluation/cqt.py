"""Whether the same pitches sound at the same times: correlation of two constant-Q spectrograms (Kim et al. 2019).

The paper correlates log-magnitudes of 84 bins, 12 an octave from C1, at a step of 512 samples. It leaves open how low
the logarithm goes, and over what is averaged: the floor, and the mean over bins within a clip, are ours.
"""

import librosa
import numpy as np
import numpy.typing as npt

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


def cqt_correlation(
    reference: npt.NDArray[np.floating], other: npt.NDArray[np.floating], sample_rate: int
) -> float | None:
    """Pearson correlation over time of each pitch's levels, averaged over the 84 pitches.

    It does not rank instruments: sounds that begin sharply have higher ones (Kim 2020, dissertation). Compare what
    plays the same music.

    Args:
        reference: floats ``(time,)``.
        other: floats ``(time,)``, of the same length.
        sample_rate: Hz.

    Returns:
        1 for equal audio whatever its level. A pitch that the other never changes counts as 0, and one that the
        reference never changes not at all; None where that is each, or where the rate is too low for the highest.
    """
    if sample_rate < LEAST_RATE:
        return None
    deviations = []
    for audio in (reference, other):
        levels = log_cqt(audio, sample_rate)
        centred = levels - levels.mean(axis=1, keepdims=True)
        size = np.sqrt(np.sum(centred**2, axis=1, keepdims=True))
        # of equal levels the mean is not always exactly theirs
        changes = np.ptp(levels, axis=1, keepdims=True) > 0
        deviations.append(np.divide(centred, size, out=np.zeros_like(centred), where=changes))
    defined = deviations[0].any(axis=1)
    if not defined.any():
        return None
    return float(np.sum(deviations[0] * deviations[1], axis=1)[defined].mean())
