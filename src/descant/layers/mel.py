"""Mel frames as networks read them."""

import math

from torch import Tensor

from descant.config.mel import Mel

# of the published spectrogram: its window in samples, and its floor as a magnitude
WINDOW, FLOOR = Mel().window, 10 ** (Mel().floor_db / 20)
SILENCE = math.log(FLOOR)

# ours: the loudest frames become about 3
SCALE = 4.0


def scaled(mel: Tensor) -> Tensor:
    """Log-mel frames moved and scaled so that silence is 0, which is also what convolutions pad with."""
    return (mel - SILENCE) / SCALE
