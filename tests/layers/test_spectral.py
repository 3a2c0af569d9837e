"""Spectral losses: zero for equal audio, scipy's magnitudes, gradients in silence, other losses for other pitches."""

import librosa
import numpy as np
import pytest
import scipy.signal
import torch

from descant.audio.mel import log_mel
from descant.config.mel import Mel
from descant.layers.spectral import RESOLUTIONS, SMALL, SpectralLoss, TimedSpectralLoss, spectral_convergence

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


def noises(*shape: int, seed: int = 3) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("rate", [16000, 22050, 44100])
def test_windows_last_as_long_at_any_rate_and_at_jukebox_s_own_are_jukebox_s(rate: int) -> None:
    resolutions = TimedSpectralLoss(rate, "linear").resolutions
    for one, window, step in zip(
        resolutions, (0.02721, 0.01361, 0.00544, 0.128), (0.00544, 0.00272, 0.00113, 0.032), strict=True
    ):
        assert (one.width / rate, one.step / rate) == pytest.approx((window, step), abs=0.6 / rate)
        assert one.width <= one.bins < 2 * one.width
    if rate == 44100:
        assert [(one.bins, one.step, one.width) for one in resolutions[:3]] == [
            (2048, 240, 1200),
            (1024, 120, 600),
            (256, 50, 240),
        ]


def test_the_linear_loss_is_the_mean_norm_of_librosa_s_magnitudes() -> None:
    made, true = noises(2, 6000), noises(2, 6000, seed=4) * torch.tensor([[1.0], [0.3]])
    loss, expected = TimedSpectralLoss(RATE, "linear"), []
    for one in loss.resolutions:
        ours, theirs = (
            np.abs(librosa.stft(audio.numpy(), n_fft=one.bins, hop_length=one.step, win_length=one.width))
            for audio in (made, true)
        )
        norms = [np.linalg.norm(part, axis=(1, 2)).mean() for part in (ours - theirs, theirs)]
        expected.append(norms[0] / norms[1])
    assert float(loss(made, true)) == pytest.approx(np.mean(expected), rel=1e-5)


def test_spectral_convergence_is_librosa_s_too() -> None:
    made, true = noises(2, 30000), noises(2, 30000, seed=4)
    found = spectral_convergence(made, true, 44100)
    for number in range(2):
        ours, theirs = (
            np.abs(librosa.stft(audio[number].numpy(), n_fft=2048, hop_length=256, win_length=1536))
            for audio in (made, true)
        )
        assert float(found[number]) == pytest.approx(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs), rel=1e-5)


def test_log_mel_hears_quiet_highs_that_the_linear_loss_hardly_does() -> None:
    low, high = tones(200.0), 0.01 * tones(5000.0)
    linear, log_mel = (TimedSpectralLoss(RATE, spectrum) for spectrum in ("linear", "log_mel"))
    for loss in (linear, log_mel):
        assert float(loss(low, low)) == 0
    lost, halved = (float(log_mel(made, low + high)) for made in (low, 0.5 * (low + high)))
    assert lost > 0.2 * halved
    lost, halved = (float(linear(made, low + high)) for made in (low, 0.5 * (low + high)))
    assert lost < 0.05 * halved


@pytest.mark.parametrize("spectrum", ["linear", "log_mel"])
def test_timed_losses_have_gradients_in_silence(spectrum: str) -> None:
    made = torch.zeros(1, 4000, requires_grad=True)
    TimedSpectralLoss(RATE, spectrum)(made, tones(300.0, seconds=0.25)).backward()
    assert made.grad is not None and bool(made.grad.isfinite().all())
