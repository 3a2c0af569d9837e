"""Spectral losses: zero for equal audio, scipy's magnitudes, gradients in silence, other losses for other pitches."""

import numpy as np
import pytest
import scipy.signal
import torch

from descant.audio.mel import log_mel
from descant.config.mel import Mel
from descant.layers.spectral import RESOLUTIONS, SMALL, SpectralLoss

RATE = 16000
LOSS = SpectralLoss(RATE, 80)


def tones(*hertz: float, seconds: float = 0.5) -> torch.Tensor:
    time = torch.arange(round(seconds * RATE)) / RATE
    return torch.stack([0.3 * torch.sin(2 * torch.pi * pitch * time) for pitch in hertz])


def test_equal_audio_has_no_distance_and_its_phase_does_not_count() -> None:
    audio = 0.1 * torch.randn(2, 8000, generator=torch.Generator().manual_seed(1))
    assert all(float(figure) == 0 for figure in LOSS(audio, audio).values())
    assert all(float(figure) < 1e-5 for figure in LOSS(-audio, audio).values())


def test_it_is_the_formula_on_scipy_s_magnitudes() -> None:
    random = np.random.default_rng(2)
    made, true = (0.1 * random.standard_normal((2, 5000))).astype(np.float32) * [[1.0], [0.5]]
    total = 0.0
    for width, step in RESOLUTIONS:
        window = scipy.signal.get_window("hann", width)
        transform = scipy.signal.ShortTimeFFT(window, step, RATE)
        # a frame for each step that the audio reaches, from its first sample on
        ours, theirs = (np.abs(transform.stft(audio, p0=0, p1=1 + len(audio) // step)) for audio in (made, true))
        small = SMALL * np.sqrt(width / 1024)
        total += np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)
        total += np.abs(np.log(ours + small) - np.log(theirs + small)).mean()
    figures = LOSS(torch.from_numpy(made)[None], torch.from_numpy(true)[None])
    assert float(figures["stft"]) == pytest.approx(total / len(RESOLUTIONS), rel=1e-4)
    mels = [next(log_mel([audio], RATE, Mel(step=256))).astype(np.float64) for audio in (made, true)]
    # ours has a frame at the very end too
    assert float(figures["mel_l1"]) == pytest.approx(float(np.abs(mels[0] - mels[1]).mean()), rel=0.05)


def test_a_wrong_pitch_is_farther_than_a_wrong_level() -> None:
    true, louder, other = tones(440.0), 1.4 * tones(440.0), tones(466.2)
    assert float(LOSS(louder, true)["stft"]) < float(LOSS(other, true)["stft"])


def test_silence_has_gradients() -> None:
    made = torch.zeros(1, 4000, requires_grad=True)
    figures = LOSS(made, tones(300.0, seconds=0.25))
    sum(figures.values()).backward()
    assert made.grad is not None and bool(made.grad.isfinite().all())
    assert all(bool(torch.isfinite(figure)) for figure in LOSS(torch.zeros(1, 4000), torch.zeros(1, 4000)).values())
