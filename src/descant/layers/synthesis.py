"""From what a network says of frames to a waveform: inverse short-time Fourier transform, or oscillators and noise.

Frame ``t`` is centred on sample ``step * t``. A frame that is not there is silent, so that a waveform of many frames is
that of fewer, joined where they do not reach.
"""

import math
from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.layers.convolution import Reach
from descant.layers.mel import between_bands
from descant.seeds import counter_uniforms

# steps that a window of the Fourier transform lasts: as long as the mel's own; ours (Vocos: 4)
FOURIER_PARTS = 8
# quarter semitones from the piano's lowest note on; of the Nyquist frequency, what oscillators leave free; both ours
LOWEST_HERTZ, STEPS_PER_OCTAVE = 27.5, 48
HIGHEST_SHARE = 0.98
# logarithms of amplitudes by those of the mel bands that they lie in, before anything is learnt: of bins, oscillators
# and noise, where they are nearest to the embedded pieces; and what none exceeds; all ours
BIN_LEVEL, TONE_LEVEL, NOISE_LEVEL = 3.0, -3.5, -1.5
LOUDEST, LOUDEST_BIN = 1.0, 7.0
# fresh weights of a head are this share of what a linear map's are otherwise, so that what is said above holds; ours
FRESH_SHARE = 0.3


def overlap_add(frames: Tensor, step: int) -> Tensor:
    """Add frames where they lie.

    Args:
        frames: ``(batch, frames, width)``, the width an even number of steps.
        step: samples between frames.

    Returns:
        ``(batch, frames * step)``: what of the frames lies from the first one's centre to a step after the last one's.
    """
    rows, count, width = frames.shape
    half = width // step // 2
    parts = F.pad(frames.reshape(rows, count, 2 * half, step), (0, 0, 0, 0, half - 1, half))
    # part `n` of a frame lies `n - half` steps after its centre
    moved = [parts[:, 2 * half - 1 - part :, part][:, :count] for part in range(2 * half)]
    return torch.stack(moved).sum(0).flatten(1)


def inverse_stft(spectra: Tensor, step: int) -> Tensor:
    """The waveform of a short-time Fourier transform with periodic Hann windows.

    Args:
        spectra: complex ``(batch, frames, width / 2 + 1)``, of windows of an even number of steps, at least 4.
        step: samples between frames.

    Returns:
        ``(batch, frames * step)``, exact where no window is missing: squares of those over a sample add up to 3/8 of
        their number.
    """
    width = 2 * (spectra.shape[2] - 1)
    window = torch.hann_window(width, device=spectra.device)
    return overlap_add(torch.fft.irfft(spectra) * window * (8 * step / (3 * width)), step)


class Head(nn.Module, ABC):
    """The last layer of a vocoder of one pass.

    Its outputs begin near a filter bank's envelope: logarithms of amplitudes are those of the mel bands around their
    frequency, plus what the network says, which has no loudness to learn (ours).

    Args:
        channels: width of what it reads.
        levels: ``(outputs, bands)``, shares of the mel bands in each output; zeros for phases.
        begin: ``(outputs,)``, the outputs' biases before anything is learnt.
        step: samples between frames.
        parts: steps that a frame's share of the waveform lasts, an even number.
        uniforms: random numbers that it takes for each frame.
    """

    def __init__(self, channels: int, levels: Tensor, begin: Tensor, step: int, parts: int, uniforms: int) -> None:
        super().__init__()
        self.step = step
        self.uniforms = uniforms
        self.reach = Reach(parts // 2 - 1, parts // 2)
        self.outputs = nn.Linear(channels, len(levels))
        with torch.no_grad():
            self.outputs.weight *= FRESH_SHARE
            self.outputs.bias.copy_(begin)
        self.register_buffer("levels", levels, persistent=False)
        self.levels: Tensor

    def forward(self, hidden: Tensor, mel: Tensor, first: Tensor, uniforms: Tensor) -> Tensor:
        """Map vectors of frames to a waveform.

        Args:
            hidden: ``(batch, frames, channels)``.
            mel: log-mel frames ``(batch, frames, bands)``.
            first: int64 ``(batch,)``, number of the first frame since its track's beginning.
            uniforms: in [0, 1), ``(batch, frames, uniforms)``.

        Returns:
            float32 ``(batch, frames * step)``; full scale is 1.
        """
        outputs = self.outputs(hidden)
        # phases in bf16 would be noise
        with torch.autocast(hidden.device.type, enabled=False):
            return self.waveform(outputs.float() + F.linear(mel.float(), self.levels), first, uniforms)

    @abstractmethod
    def waveform(self, outputs: Tensor, first: Tensor, uniforms: Tensor) -> Tensor:
        """The waveform of outputs float32 ``(batch, frames, outputs)``; see :meth:`forward`."""


class FourierHead(Head):
    """Magnitude and phase of each bin of a Fourier transform (Siuzdak 2023, section 3.2).

    The phase of a bin is that of a tone at its centre which has run since the track's beginning, plus what the network
    says: a steady tone needs steady outputs. This is ours; in Vocos the network says all of a phase.

    Args:
        channels: width of what it reads.
        bands: of the mel.
        step: samples between frames.
        sample_rate: Hz.
    """

    def __init__(self, channels: int, bands: int, step: int, sample_rate: int) -> None:
        bins = FOURIER_PARTS * step // 2 + 1
        levels = between_bands(torch.linspace(0, sample_rate / 2, bins), bands, sample_rate)
        begin = torch.cat([torch.full((bins,), BIN_LEVEL), torch.zeros(bins)])
        super().__init__(
            channels, torch.cat([levels, torch.zeros_like(levels)]), begin, step, FOURIER_PARTS, uniforms=0
        )

    def waveform(self, outputs: Tensor, first: Tensor, uniforms: Tensor) -> Tensor:
        """See :class:`Head`."""
        levels, phases = outputs.chunk(2, dim=-1)
        bins, frames = (torch.arange(phases.shape[axis], device=first.device) for axis in (2, 1))
        # in parts of a turn: of all steps so far, and half of the window back, from a frame's centre to its beginning
        turned = bins * (first[:, None, None] + frames[:, None] - FOURIER_PARTS // 2) % FOURIER_PARTS
        angles = phases + (2 * math.pi / FOURIER_PARTS) * turned
        return inverse_stft(torch.polar(levels.clamp(max=LOUDEST_BIN).exp(), angles), self.step)


class OscillatorHead(Head):
    """Amplitude and phase of sinusoids of fixed frequencies, and a spectrum of noise, for each frame (ours).

    The phase of an oscillator is that of one which has run since the track's beginning, plus what the network says: a
    steady tone needs steady outputs. Frames last two steps, under Hann windows, which add up to 1.

    Args:
        channels: width of what it reads.
        bands: of the mel.
        step: samples between frames.
        sample_rate: Hz.
    """

    def __init__(self, channels: int, bands: int, step: int, sample_rate: int) -> None:
        octaves = math.log2(HIGHEST_SHARE * sample_rate / 2 / LOWEST_HERTZ)
        count, bins = int(octaves * STEPS_PER_OCTAVE) + 1, step + 1
        hertz = LOWEST_HERTZ * 2 ** (torch.arange(count).double() / STEPS_PER_OCTAVE)
        tones, noise = (
            between_bands(places, bands, sample_rate) for places in (hertz, torch.linspace(0, sample_rate / 2, bins))
        )
        begin = [torch.full((count,), TONE_LEVEL), torch.zeros(count), torch.full((bins,), NOISE_LEVEL)]
        levels = torch.cat([tones, torch.zeros_like(tones), noise])
        super().__init__(channels, levels, torch.cat(begin), step, parts=2, uniforms=2 * step)
        self.oscillators = count
        # of a sample, in turns
        turns = hertz / sample_rate
        window = torch.hann_window(2 * step, dtype=torch.float64)
        around = 2 * math.pi * turns[:, None] * torch.arange(-step, step)
        constants = {
            "turns": turns,
            # oscillators that begin in step would all meet in one click
            "starts": torch.from_numpy(counter_uniforms(0, 0, 0, count)),
            "waves": torch.cat([torch.cos(around) * window, -torch.sin(around) * window]).float(),
            "fade": window.sqrt().float(),
        }
        for name, constant in constants.items():
            self.register_buffer(name, constant, persistent=False)
        self.turns: Tensor
        self.starts: Tensor
        self.waves: Tensor
        self.fade: Tensor

    def waveform(self, outputs: Tensor, first: Tensor, uniforms: Tensor) -> Tensor:
        """See :class:`Head`."""
        tones, phases, noise = torch.split(outputs, [self.oscillators, self.oscillators, self.step + 1], dim=-1)
        frames = self.tone_frames(tones.clamp(max=LOUDEST).exp(), phases, first)
        return overlap_add(frames + self.noise_frames(noise.clamp(max=LOUDEST).exp(), uniforms), self.step)

    def tone_frames(self, amplitudes: Tensor, phases: Tensor, first: Tensor) -> Tensor:
        """Frames ``(batch, frames, 2 * step)`` of amplitudes and phases ``(batch, frames, oscillators)``."""
        places = self.step * (first[:, None] + torch.arange(amplitudes.shape[1], device=first.device))
        # in double precision, as turns add up to millions, of which the fraction counts
        turned = torch.remainder(places[..., None] * self.turns + self.starts, 1).float()
        angles = 2 * math.pi * turned + phases
        parts = torch.cat([amplitudes * torch.cos(angles), amplitudes * torch.sin(angles)], dim=-1)
        return torch.matmul(parts, self.waves)

    def noise_frames(self, amplitudes: Tensor, uniforms: Tensor) -> Tensor:
        """Frames ``(batch, frames, 2 * step)`` of white noise, filtered to amplitudes ``(batch, frames, step + 1)``."""
        white = (uniforms - 0.5) * math.sqrt(12)
        filtered: Tensor = torch.fft.irfft(torch.fft.rfft(white) * amplitudes)
        return filtered * self.fade
