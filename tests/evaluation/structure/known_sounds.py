"""Sounds with known structure, which tests of its measures share."""

import numpy as np

RATE = 16000


def tones(pitches: list[int], seconds: float, rate: int = RATE) -> np.ndarray:
    """MIDI pitches one after another, each with four partials and a decay, all together so many seconds."""
    length = round(seconds * rate / len(pitches))
    time = np.arange(length) / rate
    parts = []
    for pitch in pitches:
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        sound = sum(np.sin(2 * np.pi * hertz * partial * time) / partial for partial in range(1, 5))
        parts.append(sound * np.exp(-3 * time) * np.minimum(1, time * 200))
    return (0.2 * np.concatenate(parts)).astype(np.float32)


def clicks(bpm: float, seconds: float, rate: int = RATE) -> np.ndarray:
    """Short bursts of noise on every beat."""
    audio = np.zeros(round(seconds * rate), dtype=np.float32)
    burst = np.random.default_rng(0).standard_normal(round(0.02 * rate)) * 0.3
    for beat in np.arange(0, seconds - 0.03, 60 / bpm):
        start = round(beat * rate)
        audio[start : start + len(burst)] += burst
    return audio


def noise(seed: int, seconds: float, rate: int = RATE, level: float = 0.1) -> np.ndarray:
    """White noise."""
    return (level * np.random.default_rng(seed).standard_normal(round(seconds * rate))).astype(np.float32)
