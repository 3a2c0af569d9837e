"""Audio of a mel spectrogram without any learning: the floor of the vocoders (Griffin & Lim 1984)."""

import librosa
import numpy as np
import numpy.typing as npt

import descant.compiled  # noqa: F401 - librosa's loops are kept by their types
from descant.config.mel import Mel

# librosa's default is 32; more are hardly nearer
ITERATIONS = 60


def griffin_lim(
    mel: npt.NDArray[np.floating], sample_rate: int, settings: Mel, seed: int = 0
) -> npt.NDArray[np.float32]:
    """A waveform whose magnitudes are near those that the frames allow, its phases found by iteration.

    By librosa: non-negative least squares from bands to bins, then the fast algorithm (Perraudin et al. 2013). Memory
    grows with the length.

    Args:
        mel: of :func:`descant.audio.mel.log_mel`, ``(frames, bands)``.
        sample_rate: Hz.
        settings: of the frames.
        seed: of the phases that it begins with.

    Returns:
        float32 ``(frames * step,)``.
    """
    # one frame more, which the end of the last step's windows lies in
    frames = np.exp(np.concatenate([mel, mel[-1:]]).astype(np.float64).T)
    magnitudes = librosa.feature.inverse.mel_to_stft(frames, sr=sample_rate, n_fft=settings.window, power=1.0)
    audio = librosa.griffinlim(
        magnitudes,
        n_iter=ITERATIONS,
        hop_length=settings.step,
        n_fft=settings.window,
        length=len(mel) * settings.step,
        random_state=seed,
    )
    return np.asarray(audio, dtype=np.float32)
