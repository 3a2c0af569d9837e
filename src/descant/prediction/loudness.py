"""How loud music gets, by which what is drawn with a linear predictor is kept from growing ever louder."""

import numpy as np

from descant.audio import mulaw
from descant.prediction.constants import LEVEL_STEPS
from descant.sequences import PackedSequence

# share of the music that is quieter (ours)
QUIETER = 0.99
# of a histogram of levels, decibels; mu-law's finest cells lie at -81
RESOLUTION, QUIETEST = 0.1, -80.0


def loudest_level(audio: PackedSequence) -> float | None:
    """The level that nearly all music of the train split stays below, stretch by stretch.

    Args:
        audio: mu-law classes.

    Returns:
        Root mean square of a stretch of ``LEVEL_STEPS`` samples; full scale is 1. None where no track is that long, or
        all is silent.
    """
    counts = np.zeros(int(-QUIETEST / RESOLUTION) + 1, np.int64)
    squares = np.square(mulaw.SAMPLES, dtype=np.float64)
    for track in audio.tracks("train"):
        for block in audio.blocks(track):
            whole = block[: len(block) // LEVEL_STEPS * LEVEL_STEPS].reshape(-1, LEVEL_STEPS)
            powers = squares[whole].mean(axis=1)
            levels = 10 * np.log10(np.maximum(powers, 10 ** (QUIETEST / 10)))
            counts += np.bincount(np.round((levels - QUIETEST) / RESOLUTION).astype(int), minlength=len(counts))
    heard = counts[1:]
    if not heard.any():
        return None
    place = int(np.searchsorted(np.cumsum(heard), QUIETER * heard.sum())) + 1
    return float(round(10 ** ((QUIETEST + place * RESOLUTION) / 20), 6))
