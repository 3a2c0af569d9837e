"""Griffin-Lim: a waveform of the right length whose mel spectrogram is near the given one, the same for a seed."""

import numpy as np
import pytest

from descant.audio.griffin_lim import griffin_lim
from descant.audio.mel import log_mel
from descant.config.mel import Mel

RATE = 16000


def mel_of(audio: np.ndarray, settings: Mel) -> np.ndarray:
    return np.concatenate(list(log_mel([audio], RATE, settings))).astype(np.float64)


def strokes() -> np.ndarray:
    time = np.arange(128 * 150) / RATE
    parts = [(0.0, 261.6), (0.3, 329.6), (0.6, 392.0), (0.6, 523.3)]
    return sum(
        0.2
        * (time >= at)
        * np.exp(-4 * np.maximum(time - at, 0))
        * np.sin(2 * np.pi * hertz * time * harmonic)
        / harmonic
        for at, hertz in parts
        for harmonic in (1, 2, 3)
    )


@pytest.mark.parametrize("step", [128, 256])
def test_its_mel_spectrogram_is_near_the_given_one(step: int) -> None:
    settings = Mel(step=step)
    mel = mel_of(strokes(), settings)
    audio = griffin_lim(mel, RATE, settings)
    assert audio.dtype == np.float32 and audio.shape == (len(mel) * step,)
    off = np.abs(mel_of(audio, settings) - mel).mean()
    by_level = np.abs(mel.mean(axis=0) - mel).mean()
    assert off < 0.3 * by_level


def test_a_seed_gives_the_same_bytes_and_another_other_phases() -> None:
    mel = mel_of(strokes()[: 128 * 30], Mel())
    first, again, other = (griffin_lim(mel, RATE, Mel(), seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_silence_stays_quiet() -> None:
    audio = griffin_lim(mel_of(np.zeros(20 * 128), Mel()), RATE, Mel())
    assert np.abs(audio).max() < 1e-3
