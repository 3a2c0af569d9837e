"""Mel frames as networks read them."""

import math

import numpy as np
import torch
from torch import Tensor

from descant.audio.mel import hz_to_mel, mel_to_hz
from descant.config.mel import Mel

# of Mel2Mel's spectrograms: where another floor is set, silence is near 0 instead
FLOOR = 10 ** (Mel().floor_db / 20)
SILENCE = math.log(FLOOR)
WINDOW = Mel().window
# ours: the loudest frames become about 3
SCALE = 4.0


def scaled(mel: Tensor) -> Tensor:
    """Log-mel frames moved and scaled so that silence is 0, which is also what convolutions pad with."""
    return (mel - SILENCE) / SCALE


def between_bands(hertz: Tensor, bands: int, sample_rate: int) -> Tensor:
    """Shares of mel bands at frequencies, on straight lines between the centres of the bands.

    Args:
        hertz: ``(frequencies,)``.
        bands: how many there are up to the Nyquist frequency.
        sample_rate: Hz.

    Returns:
        float32 ``(frequencies, bands)``, rows that add up to 1; beyond the first and last centre they are that band's.
    """
    edges = mel_to_hz(np.linspace(0.0, hz_to_mel(np.array(sample_rate / 2)), bands + 2))
    rows = [np.interp(hertz.double().numpy(), edges[1:-1], one) for one in np.eye(bands)]
    return torch.from_numpy(np.stack(rows, axis=1)).float()
