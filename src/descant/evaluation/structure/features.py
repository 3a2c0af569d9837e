"""What the structure of an excerpt is read from: chroma and timbre by frames, and means of them over cells of time.

Frames are 10 ms apart, as nearly as whole samples allow. Frames below -60 dBFS are silent: they belong to
no cell, since silence would be perfectly similar to itself.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import librosa
import numpy as np
import numpy.typing as npt

import descant.compiled  # noqa: F401 - librosa's loops are kept by their types

FRAME_SECONDS = 0.01
CHROMA_WINDOW_SECONDS = 0.256
TIMBRE_WINDOW_SECONDS = 0.064
MEL_BANDS = 40
COEFFICIENTS = 13
CELL_SECONDS = 0.25
SILENCE_DBFS = -60.0


@dataclass(frozen=True)
class Features:
    """Features of an excerpt by frames of 10 ms.

    Attributes:
        chroma: float64 ``(12, frames)``, energy of the pitch classes from C, each frame's largest 1.
        timbre: float64 ``(13, frames)``, MFCCs without the zeroth, which is the level.
        onset: float64 ``(frames,)``, strength of onsets (spectral flux).
        silent: bool ``(frames,)``.
        seconds: length of the excerpt.
    """

    chroma: npt.NDArray[np.float64]
    timbre: npt.NDArray[np.float64]
    onset: npt.NDArray[np.float64]
    silent: npt.NDArray[np.bool_]
    seconds: float


@contextmanager
def _quiet() -> Iterator[None]:
    # librosa warns that a clip shorter than a window is padded, which is expected here
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="librosa")
        yield


def _window(seconds: float, sample_rate: int) -> int:
    """Samples of a transform: the power of two nearest above."""
    return 1 << max(5, (round(seconds * sample_rate) - 1).bit_length())


def measure_features(audio: npt.NDArray[np.floating], sample_rate: int) -> Features:
    """Read the features of an excerpt with librosa (McFee et al. 2015).

    Args:
        audio: floats ``(samples,)``; full scale is 1.
        sample_rate: Hz.
    """
    step = max(1, round(FRAME_SECONDS * sample_rate))
    samples = np.asarray(audio, dtype=np.float32)
    with _quiet():
        power = _power(samples, _window(CHROMA_WINDOW_SECONDS, sample_rate), step)
        chroma = _chroma_filters(sample_rate, _window(CHROMA_WINDOW_SECONDS, sample_rate)) @ power
        chroma = librosa.util.normalize(chroma, norm=np.inf, axis=0)
        mel = _mel(samples, sample_rate, step)
        timbre = librosa.feature.mfcc(S=mel, n_mfcc=COEFFICIENTS + 1)[1:]
        onset = librosa.onset.onset_strength(S=mel, sr=sample_rate)
    return Features(
        chroma=np.asarray(chroma, dtype=np.float64),
        timbre=np.asarray(timbre, dtype=np.float64),
        onset=np.asarray(onset, dtype=np.float64),
        silent=_silent_frames(samples, step, chroma.shape[1]),
        seconds=len(samples) / sample_rate,
    )


def onset_strength(audio: npt.NDArray[np.floating], sample_rate: int) -> npt.NDArray[np.float64]:
    """Onset strength alone, as :func:`measure_features` has it ``(frames,)``.

    Args:
        audio: floats ``(samples,)``; full scale is 1.
        sample_rate: Hz.
    """
    with _quiet():
        mel = _mel(np.asarray(audio, dtype=np.float32), sample_rate, max(1, round(FRAME_SECONDS * sample_rate)))
        return np.asarray(librosa.onset.onset_strength(S=mel, sr=sample_rate), dtype=np.float64)


def _mel(samples: npt.NDArray[np.float32], sample_rate: int, step: int) -> npt.NDArray[np.float32]:
    """Mel bands in dB ``(bands, frames)``."""
    power = _power(samples, _window(TIMBRE_WINDOW_SECONDS, sample_rate), step)
    mel = librosa.feature.melspectrogram(S=power, sr=sample_rate, n_mels=MEL_BANDS)
    return np.asarray(librosa.power_to_db(mel))


def _chroma_filters(sample_rate: int, window: int) -> npt.NDArray[np.float32]:
    """Librosa's filters with equal sums: as they are, more of white noise falls into some pitch classes than others."""
    # tuned to concert pitch: the tuning of a noise is a draw
    filters = librosa.filters.chroma(sr=sample_rate, n_fft=window, tuning=0.0)
    return np.asarray(filters / filters.sum(1, keepdims=True), dtype=np.float32)


def _power(samples: npt.NDArray[np.float32], window: int, step: int) -> npt.NDArray[np.float32]:
    return np.asarray(np.abs(librosa.stft(samples, n_fft=window, hop_length=step)) ** 2, dtype=np.float32)


def _silent_frames(samples: npt.NDArray[np.float32], step: int, frames: int) -> npt.NDArray[np.bool_]:
    """Frames whose RMS over five frames around them is below -60 dBFS (a full-scale sine is 0 dBFS)."""
    padded = np.pad(samples.astype(np.float64) ** 2, (2 * step, frames * step + 3 * step - len(samples)))
    starts = np.concatenate([[0.0], np.cumsum(padded)])
    places = np.arange(frames) * step
    means = (starts[places + 5 * step] - starts[places]) / (5 * step)
    return np.asarray(2 * means < 10 ** (SILENCE_DBFS / 10))


def even_grid(seconds: float, cell_seconds: float = CELL_SECONDS) -> npt.NDArray[np.float64]:
    """Edges of equal cells in seconds ``(cells + 1,)``; a shorter rest is left out."""
    return np.arange(int(seconds / cell_seconds + 1e-9) + 1, dtype=np.float64) * cell_seconds


def cells(
    features: npt.NDArray[np.float64], silent: npt.NDArray[np.bool_], edges: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Means of features over cells of time.

    Args:
        features: ``(features, frames)``.
        silent: frames that are left out ``(frames,)``.
        edges: of the cells, seconds ``(cells + 1,)``.

    Returns:
        float64 ``(features, cells)``; NaN in cells that are half silent or more.
    """
    places = np.clip(np.rint(edges / FRAME_SECONDS).astype(int), 0, len(silent))
    means = np.full((len(features), max(0, len(edges) - 1)), np.nan)
    for cell, (start, end) in enumerate(pairwise(places)):
        heard = ~silent[start:end]
        if 2 * heard.sum() > end - start:
            means[:, cell] = features[:, start:end][:, heard].mean(1)
    return means
