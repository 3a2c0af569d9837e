"""Griffin-Lim: a waveform of the right length whose mel spectrogram is near the given one, the same for a seed."""

import numpy as np
import pytest

from descant.audio.griffin_lim import griffin_lim
from descant.audio.logmel import SILENCE, log_mel

RATE = 16000


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
    mel = log_mel(strokes(), RATE, step)
    audio = griffin_lim(mel, RATE, step)
    assert audio.dtype == np.float32 and audio.shape == (len(mel) * step,)
    off = np.abs(log_mel(audio, RATE, step) - mel).mean()
    by_level = np.abs(mel.mean(axis=0) - mel).mean()
    assert off < 0.3 * by_level


def test_a_seed_gives_the_same_bytes_and_another_other_phases() -> None:
    mel = log_mel(strokes()[: 128 * 30], RATE)
    first, again, other = (griffin_lim(mel, RATE, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_silence_stays_quiet() -> None:
    audio = griffin_lim(np.full((20, 80), SILENCE, dtype=np.float32), RATE)
    assert np.abs(audio).max() < 1e-3
