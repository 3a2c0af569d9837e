"""Mel frames as networks read them: silence is nothing, and shares of bands at any frequency are straight lines."""

import numpy as np
import torch

from descant.audio.mel import log_mel, mel_filters
from descant.config.mel import Mel
from descant.layers.mel import between_bands, scaled


def test_silence_is_zero_and_nothing_is_below() -> None:
    silence, noise = (
        torch.from_numpy(next(log_mel([audio], 16000, Mel())).astype(np.float32))
        for audio in (np.zeros(1000), np.random.default_rng(1).standard_normal(1000))
    )
    torch.testing.assert_close(scaled(silence), torch.zeros_like(silence), rtol=0, atol=2e-3)
    assert float(scaled(noise).min()) > 1


def test_shares_are_one_at_a_band_s_centre_and_add_up_to_one() -> None:
    bands, rate, bins = 40, 16000, 1 << 16
    hertz = torch.linspace(0, rate / 2, bins + 1)
    shares = between_bands(hertz, bands, rate)
    assert shares.shape == (bins + 1, bands)
    torch.testing.assert_close(shares.sum(1), torch.ones(bins + 1))
    # a triangle's own peak is its centre
    peaks = mel_filters(rate, 2 * bins, bands).argmax(axis=1)
    np.testing.assert_allclose(shares[peaks].numpy(), np.eye(bands), atol=0.01)
    assert torch.equal(shares[0], torch.eye(bands)[0]) and torch.equal(shares[-1], torch.eye(bands)[-1])


def test_what_is_straight_in_hertz_stays_straight() -> None:
    hertz = torch.tensor([300.0, 1000.0, 2500.0])
    shares = between_bands(hertz, 80, 16000)
    peaks = torch.from_numpy(mel_filters(16000, 1 << 18, 80).argmax(axis=1) * 16000 / (1 << 18)).float()
    torch.testing.assert_close(shares @ peaks, hertz, rtol=0, atol=0.1)
