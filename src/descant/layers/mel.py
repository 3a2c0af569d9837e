"""Mel frames as networks read them."""

from torch import Tensor

from descant.audio.logmel import SILENCE

# ours: the loudest frames become about 3
SCALE = 4.0


def scaled(mel: Tensor) -> Tensor:
    """Log-mel frames moved and scaled so that silence is 0, which is also what convolutions pad with."""
    return (mel - SILENCE) / SCALE
