"""Log-mel statistics: a description of sound without learnt weights. The choice of bands and statistics is ours."""

import numpy as np
import numpy.typing as npt

from descant.audio.mel import mel_filters, power_spectrogram

BANDS = 20
STEP_SECONDS = 0.016
FLOOR = 1e-9  # -90 dB: about the noise of 8-bit mu-law in silence


class LogMel:
    """Mean, standard deviation and mean absolute change between frames of the level in each band, dB."""

    version = "1"

    def embed(self, audio: npt.NDArray[np.float32], sample_rate: int) -> npt.NDArray[np.float32]:
        """Map audio ``(samples,)`` to ``(60,)``, all in dB; 0 dB is a sine of full scale throughout a band."""
        step = max(1, round(STEP_SECONDS * sample_rate))
        n_fft = 4 * step
        filters = mel_filters(sample_rate, n_fft, BANDS)
        power = power_spectrogram(audio, n_fft, step) / (n_fft / 4) ** 2
        # equal weights in all: bands are means of their bins
        bands = power @ (filters / np.maximum(filters.sum(axis=1, keepdims=True), 1e-30)).T
        levels = 10 * np.log10(np.maximum(bands, FLOOR))
        change = np.abs(np.diff(levels, axis=0))
        return np.concatenate([levels.mean(axis=0), levels.std(axis=0), change.mean(axis=0)]).astype(np.float32)
