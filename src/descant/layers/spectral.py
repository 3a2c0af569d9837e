"""How far one waveform's spectra are from another's: losses that vocoders learn from without an adversary."""

import math

import torch
from torch import Tensor, nn

from descant.audio.mel import mel_filters
from descant.layers.mel import FLOOR, WINDOW

# window and step of each transform, samples; ours: 16 to 512 ms at 16 kHz. The longest hear what a transcriber hears: tones
# that flutter, and notes an octave below
RESOLUTIONS = ((256, 64), (512, 128), (1024, 256), (2048, 512), (4096, 1024), (8192, 2048))
# added to magnitudes before their logarithm, in a window of 1,024: 82 dB below a sine of full scale; ours
SMALL = 0.02
QUIETEST_NORM = 1e-3


def magnitudes(waveform: Tensor, width: int, step: int) -> Tensor:
    """Magnitudes ``(batch, width // 2 + 1, frames)`` of a short-time Fourier transform of ``(batch, time)``."""
    window = torch.hann_window(width, device=waveform.device)
    spectra = torch.stft(waveform, width, step, window=window, pad_mode="constant", return_complex=True)
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
