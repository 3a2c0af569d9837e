"""How far one waveform's spectra are from another's: losses that vocoders learn from without an adversary."""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from descant.audio.mel import mel_filters
from descant.layers.mel import FLOOR, WINDOW

# window and step of each transform, samples; ours: 16 to 128 ms at 16 kHz, so that the longest resolves bass notes
RESOLUTIONS = ((256, 64), (512, 128), (1024, 256), (2048, 512))
# added to magnitudes before their logarithm, in a window of 1,024: 82 dB below a sine of full scale; ours
SMALL = 0.02
QUIETEST_NORM = 1e-3
# windows and steps, seconds: Jukebox's 1200, 600, 240 and 240, 120, 50 samples at 44.1 kHz, and a long one (ours)
JUKEBOX = ((1200 / 44100, 240 / 44100), (600 / 44100, 120 / 44100), (240 / 44100, 50 / 44100), (0.128, 0.032))
# of Jukebox's figure of merit: 1536 and 256 samples at 44.1 kHz
CONVERGENCE = (1536 / 44100, 256 / 44100)
# of log-mel losses (DAC, Kumar et al. 2023): 80 bands in a window of 512
BANDS = 5 / 32


def magnitudes(waveform: Tensor, width: int, step: int, bins: int | None = None) -> Tensor:
    """Magnitudes of a short-time Fourier transform, frames centred on multiples of the step.

    Args:
        waveform: ``(batch, time)``.
        width: of the window, samples.
        step: samples from one frame to the next.
        bins: length of the transform, samples, over which the window is filled up with zeros; None: the width.

    Returns:
        ``(batch, bins // 2 + 1, frames)``.
    """
    window = torch.hann_window(width, device=waveform.device)
    spectra = torch.stft(waveform, bins or width, step, width, window, pad_mode="constant", return_complex=True)
    # the gradient of a magnitude of 0 is not finite
    return (spectra.real.square() + spectra.imag.square() + 1e-12).sqrt()


class SpectralLoss(nn.Module):
    """Spectral convergence and log-magnitude over several resolutions, and log-mel.

    The first two are of Arık et al. 2019, their sum over resolutions of Yamamoto et al. 2020 (Parallel WaveGAN,
    equations 4 to 6).

    Args:
        sample_rate: Hz.
        bands: mel bands.
    """

    def __init__(self, sample_rate: int, bands: int) -> None:
        super().__init__()
        filters = torch.from_numpy(mel_filters(sample_rate, WINDOW, bands)).float()
        self.register_buffer("filters", filters, persistent=False)
        self.filters: Tensor

    def forward(self, made: Tensor, true: Tensor) -> dict[str, Tensor]:
        """Compare waveforms ``(batch, time)``.

        Returns:
            ``stft``, the mean over resolutions of spectral convergence plus mean absolute difference of log-magnitudes;
            and ``mel_l1``, the mean absolute difference of log-mel frames, in nats.
        """
        losses = []
        for width, step in RESOLUTIONS:
            ours, theirs = (magnitudes(waveform.float(), width, step) for waveform in (made, true))
            convergence = (ours - theirs).norm() / theirs.norm().clamp(min=QUIETEST_NORM)
            small = SMALL * math.sqrt(width / WINDOW)
            losses.append(convergence + ((ours + small).log() - (theirs + small).log()).abs().mean())
            if width == WINDOW:
                mel_l1 = (self._log_mel(ours) - self._log_mel(theirs)).abs().mean()
        return {"stft": torch.stack(losses).mean(), "mel_l1": mel_l1}

    def _log_mel(self, magnitudes: Tensor) -> Tensor:
        return torch.matmul(self.filters, magnitudes).clamp(min=FLOOR).log()


@dataclass(frozen=True)
class Resolution:
    """Of a short-time Fourier transform, in samples: window, step, and the transform's length, a power of two."""

    width: int
    step: int
    bins: int

    @classmethod
    def lasting(cls, window: float, step: float, sample_rate: int) -> Self:
        """One whose window and step last so many seconds."""
        width = max(2, round(window * sample_rate))
        return cls(width, max(1, round(step * sample_rate)), 1 << (width - 1).bit_length())

    def of(self, waveform: Tensor) -> Tensor:
        """Magnitudes of ``(batch, time)``; see :func:`magnitudes`."""
        return magnitudes(waveform.float(), self.width, self.step, self.bins)


class _LogMel(nn.Module):
    """Logarithms of magnitudes in mel bands, as many as a window of this length resolves."""

    def __init__(self, resolution: Resolution, sample_rate: int) -> None:
        super().__init__()
        filters = mel_filters(sample_rate, resolution.bins, round(BANDS * resolution.bins))
        # of height 1, not of equal area: what is added before the logarithm is then a share of what a band holds
        filters /= filters.max(axis=1, keepdims=True).clip(min=1e-12)
        self.register_buffer("filters", torch.from_numpy(filters).float(), persistent=False)
        self.filters: Tensor
        self.small = SMALL * math.sqrt(resolution.width / WINDOW)

    def forward(self, magnitudes: Tensor) -> Tensor:
        """Map ``(batch, bins // 2 + 1, frames)`` to ``(batch, bands, frames)``."""
        return (torch.matmul(self.filters, magnitudes) + self.small).log()


class TimedSpectralLoss(nn.Module):
    """How far apart spectra are at several resolutions, whose windows last as long at any sample rate.

    ``linear`` is Jukebox's (Dhariwal et al. 2020, section 3.3): the norm of the difference of a window's magnitudes,
    here over the mean norm of the batch's true ones, not of the data set's. ``log_mel`` is the mean absolute difference
    of log-mel magnitudes, in nats (Kumar et al. 2023), where quiet highs count as much as what is loud.

    Args:
        sample_rate: Hz.
        spectrum: ``linear`` or ``log_mel``.
    """

    def __init__(self, sample_rate: int, spectrum: str) -> None:
        super().__init__()
        self.resolutions = [Resolution.lasting(*seconds, sample_rate) for seconds in JUKEBOX]
        self.log_mels = nn.ModuleList()
        if spectrum == "log_mel":
            self.log_mels.extend(_LogMel(one, sample_rate) for one in self.resolutions)

    def forward(self, made: Tensor, true: Tensor) -> Tensor:
        """The mean over resolutions, a scalar, of waveforms ``(batch, time)``."""
        losses = []
        for number, resolution in enumerate(self.resolutions):
            ours, theirs = resolution.of(made), resolution.of(true)
            if self.log_mels:
                ours, theirs = self.log_mels[number](ours), self.log_mels[number](theirs)
                losses.append((ours - theirs).abs().mean())
            else:
                norms = theirs.flatten(1).norm(dim=1).mean().clamp(min=QUIETEST_NORM)
                losses.append((ours - theirs).flatten(1).norm(dim=1).mean() / norms)
        return torch.stack(losses).mean()


def spectral_convergence(made: Tensor, true: Tensor, sample_rate: int) -> Tensor:
    """Norm of the difference of magnitudes over the norm of the true ones, ``(batch,)`` of waveforms ``(batch, time)``.

    Jukebox's figure of merit, in decibels 20 times its logarithm; here its window lasts as long at any sample rate.
    """
    resolution = Resolution.lasting(*CONVERGENCE, sample_rate)
    ours, theirs = resolution.of(made), resolution.of(true)
    share: Tensor = (ours - theirs).flatten(1).norm(dim=1) / theirs.flatten(1).norm(dim=1).clamp(min=QUIETEST_NORM)
    return share
