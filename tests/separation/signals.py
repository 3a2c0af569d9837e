"""Signals that the tests of separation make and compare."""

import numpy as np

from descant.audio.files import Block
from descant.separation.separator import RATE


def sdr(estimate: Block, reference: Block) -> float:
    """Signal over error, dB."""
    error = np.square(estimate.astype(np.float64) - reference).sum()
    return float(10 * np.log10(np.square(reference.astype(np.float64)).sum() / error))


def tones(seconds: float, *pitches: float, rate: int = RATE, channels: int = 2) -> Block:
    """Tones ``(frames, channels)`` that swell and fade."""
    time = np.arange(round(seconds * rate)) / rate
    wave = sum(np.sin(2 * np.pi * pitch * time) for pitch in pitches) * np.hanning(len(time)) * 0.3
    return np.repeat(np.asarray(wave, dtype=np.float32)[:, None], channels, axis=1)
