"""The mel spectrogram that Mel2Mel and its vocoders speak in (Kim et al. 2019, section 2.2).

Natural logarithms of magnitudes in triangular bands of equal area from 0 Hz to the Nyquist frequency, clipped at
-100 dB. Frame ``i`` is centred on sample ``step * i``; outside of the audio there is silence.
"""

import math

import numpy as np
import numpy.typing as npt

from descant.audio.mel import mel_filters, power_spectrogram

WINDOW = 1024
FLOOR = 1e-5
SILENCE = math.log(FLOOR)


def log_mel(
    audio: npt.NDArray[np.floating], sample_rate: int, step: int = 128, bands: int = 80
) -> npt.NDArray[np.float32]:
    """The mel spectrogram of audio.

    Args:
        audio: floats ``(time,)``; full scale is 1.
        sample_rate: Hz.
        step: samples between frames.
        bands: mel bands.

    Returns:
        float32 ``(frames, bands)``, a frame for each step that the audio begins.
    """
    magnitudes = np.sqrt(power_spectrogram(audio, WINDOW, step)[: -(-len(audio) // step)])
    in_bands = magnitudes @ mel_filters(sample_rate, WINDOW, bands).T
    return np.log(np.maximum(in_bands, FLOOR)).astype(np.float32)
