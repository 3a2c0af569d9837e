"""What the posteriors say of a known note."""

import numpy as np

from descant.evaluation.distances.kinds import POSTERIORS
from descant.evaluation.distances.posteriors import Posteriors

LOWEST = 21  # MIDI number of the first of 88 notes


def tone(pitch: int, seconds: float, rate: int) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    return (0.2 * sum(np.sin(2 * np.pi * n * hertz * time) / n for n in (1, 2, 3, 4))).astype(np.float32)


def test_the_note_that_sounds_is_the_likeliest() -> None:
    found = Posteriors(1).embed(tone(64, 2.5, 16000), 16000)
    assert found.shape == (POSTERIORS.dimensions,) and found.dtype == np.float32
    assert np.argmax(found[:88]) == 64 - LOWEST and found[:88].max() > 0.5 and (found >= 0).all() and (found <= 1).all()


def test_silence_has_no_notes() -> None:
    assert Posteriors(1).embed(np.zeros(40000, dtype=np.float32), 16000)[:88].max() < 0.3
