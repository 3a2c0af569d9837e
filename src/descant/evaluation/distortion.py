"""How far one rendering of a piece of audio is from another: in its waveform, and in its spectrum."""

import math

import numpy as np
import numpy.typing as npt

from descant.audio.mel import power_spectrogram

# window, step and floor are ours: the window and step of the figures, the floor below what is heard beside music
WINDOW, STEP = 1024, 256
FLOOR_DBFS = -90.0


def snr_db(reference: npt.NDArray[np.floating], other: npt.NDArray[np.floating]) -> float | None:
    """Signal-to-noise ratio, 10 log10(Σ x² / Σ (x - y)²), as of a waveform coder (Jayant & Noll 1984).

    A signal that has nothing to do with the reference but its level has about -3 dB.

    Args:
        reference: x, floats ``(time,)``.
        other: y, floats ``(time,)``.

    Returns:
        dB; None where it is not defined: for a silent reference, and without any noise.
    """
    x = np.asarray(reference, dtype=np.float64)
    signal, noise = float(np.sum(x**2)), float(np.sum((x - other) ** 2))
    return 10 * math.log10(signal / noise) if signal > 0 and noise > 0 else None


def spectral_convergence_db(
    reference: npt.NDArray[np.floating], other: npt.NDArray[np.floating], sample_rate: int
) -> float | None:
    """Norm of the difference of magnitude spectra over the norm of the reference's, in decibels (Dhariwal et al. 2020).

    Jukebox's Hann window of 1,536 samples every 256, of 2,048 bins, is at 44.1 kHz; here it lasts as long at any rate.

    Args:
        reference: floats ``(time,)``.
        other: floats ``(time,)``.
        sample_rate: Hz.

    Returns:
        dB: 0 for silence; None where it is not defined: for a silent reference, and for equal audio.
    """
    width, step = (round(samples * sample_rate / 44100) for samples in (1536, 256))
    bins = 1 << (width - 1).bit_length()
    x, y = (np.sqrt(power_spectrogram(audio, bins, step, width)) for audio in (reference, other))
    signal, error = float(np.linalg.norm(x)), float(np.linalg.norm(x - y))
    return 20 * math.log10(error / signal) if signal > 0 and error > 0 else None


def log_spectrum(audio: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Levels of a short-time Fourier transform; what is lower than the floor is raised to it.

    Args:
        audio: floats ``(time,)``; full scale is 1.

    Returns:
        float64 ``(1 + time // 256, 513)``, dBFS: 0 is a sine that just reaches full scale, in its bin.
    """
    power = power_spectrogram(audio, WINDOW, STEP) / (WINDOW / 4) ** 2
    return np.asarray(10 * np.log10(np.maximum(power, 10 ** (FLOOR_DBFS / 10))))


def log_spectral_distance(reference: npt.NDArray[np.floating], other: npt.NDArray[np.floating]) -> float:
    """Root mean square over frequency of the difference of two log spectra, averaged over time (Gray & Markel 1976).

    Args:
        reference: floats ``(time,)``; full scale is 1.
        other: floats ``(time,)``.

    Returns:
        dB; 0 for equal audio, and the same both ways round.
    """
    difference = log_spectrum(reference) - log_spectrum(other)
    return float(np.sqrt(np.mean(difference**2, axis=1)).mean())
