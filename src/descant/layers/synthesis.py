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
from descant.seeds import counter_uniforms

# quarter semitones from the piano's lowest note on; of the Nyquist frequency, what oscillators leave free; both ours
LOWEST_HERTZ, STEPS_PER_OCTAVE = 27.5, 48
HIGHEST_SHARE = 0.98
# log-amplitudes that nothing is louder than, and those that fresh weights begin with; all ours
LOUDEST, QUIET_TONE, QUIET_NOISE = 1.0, -7.0, -6.0
LOUDEST_BIN = 5.0
# fresh weights of a head begin at this share of what a linear map has otherwise, near its bias; ours
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
    """The waveform of a short-time Fourier transform with periodic Hann windows of four steps.

    Args:
        spectra: complex ``(batch, frames, 2 * step + 1)``.
        step: samples between frames.

    Returns:
        ``(batch, frames * step)``. Squares of such windows add up to 3/2, but for the first step and the last two.
    """
    window = torch.hann_window(4 * step, device=spectra.device)
    return overlap_add(torch.fft.irfft(spectra) * window / 1.5, step)


class Head(nn.Module, ABC):
    """The last layer of a vocoder of one pass.

    Args:
        channels: width of what it reads.
        outputs: numbers that it makes a frame's share of the waveform of.
        step: samples between frames.
        parts: steps that a frame's share lasts, an even number.
        uniforms: random numbers that it takes for each frame.
    """

    def __init__(self, channels: int, outputs: int, step: int, parts: int, uniforms: int) -> None:
        super().__init__()
        self.step = step
        self.uniforms = uniforms
        self.reach = Reach(parts // 2 - 1, parts // 2)
        self.outputs = nn.Linear(channels, outputs)

    def forward(self, hidden: Tensor, first: Tensor, uniforms: Tensor) -> Tensor:
        """Map vectors of frames to a waveform.

        Args:
            hidden: ``(batch, frames, channels)``.
            first: int64 ``(batch,)``, number of the first frame since its track's beginning.
            uniforms: in [0, 1), ``(batch, frames, uniforms)``.

        Returns:
            float32 ``(batch, frames * step)``; full scale is 1.
        """
        outputs = self.outputs(hidden)
        # phases in bf16 would be noise
        with torch.autocast(hidden.device.type, enabled=False):
            return self.waveform(outputs.float(), first, uniforms)

    @abstractmethod
    def waveform(self, outputs: Tensor, first: Tensor, uniforms: Tensor) -> Tensor:
        """The waveform of outputs float32 ``(batch, frames, outputs)``; see :meth:`forward`."""


class FourierHead(Head):
    """Magnitude and phase of each bin of a Fourier transform (Siuzdak 2023, section 3.2), with windows of four steps.

    Args:
        channels: width of what it reads.
        step: samples between frames.
    """

    def __init__(self, channels: int, step: int) -> None:
        super().__init__(channels, 2 * (2 * step + 1), step, parts=4, uniforms=0)

    def waveform(self, outputs: Tensor, first: Tensor, uniforms: Tensor) -> Tensor:
        """See :class:`Head`."""
        log_magnitudes, phases = outputs.chunk(2, dim=-1)
        return inverse_stft(torch.polar(log_magnitudes.clamp(max=LOUDEST_BIN).exp(), phases), self.step)


class OscillatorHead(Head):
    """Amplitude and phase of sinusoids of fixed frequencies, and a spectrum of noise, for each frame (ours).

    The phase of an oscillator is that of one which has run since the track's beginning, plus what the network says: a
    steady tone needs steady outputs. Frames last two steps, under Hann windows, which add up to 1.

    Args:
        channels: width of what it reads.
        step: samples between frames.
        sample_rate: Hz.
    """

    def __init__(self, channels: int, step: int, sample_rate: int) -> None:
        octaves = math.log2(HIGHEST_SHARE * sample_rate / 2 / LOWEST_HERTZ)
        count = int(octaves * STEPS_PER_OCTAVE) + 1
        super().__init__(channels, 2 * count + step + 1, step, parts=2, uniforms=2 * step)
        self.oscillators = count
        with torch.no_grad():
            self.outputs.weight *= FRESH_SHARE
            self.outputs.bias.zero_()
            self.outputs.bias[:count] = QUIET_TONE
            self.outputs.bias[2 * count :] = QUIET_NOISE
        # of a sample, in turns
        turns = LOWEST_HERTZ / sample_rate * 2 ** (torch.arange(count).double() / STEPS_PER_OCTAVE)
        window = torch.hann_window(2 * step, dtype=torch.float64)
        around = 2 * math.pi * turns[:, None] * torch.arange(-step, step)
        constants = {
            "turns": turns,
            # oscillators that begin in step would all meet in one click
            "begin": torch.from_numpy(counter_uniforms(0, 0, 0, count)),
            "waves": torch.cat([torch.cos(around) * window, -torch.sin(around) * window]).float(),
            "fade": window.sqrt().float(),
        }
        for name, constant in constants.items():
            self.register_buffer(name, constant, persistent=False)
        self.turns: Tensor
        self.begin: Tensor
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
        turned = torch.remainder(places[..., None] * self.turns + self.begin, 1).float()
        angles = 2 * math.pi * turned + phases
        parts = torch.cat([amplitudes * torch.cos(angles), amplitudes * torch.sin(angles)], dim=-1)
        return torch.matmul(parts, self.waves)

    def noise_frames(self, amplitudes: Tensor, uniforms: Tensor) -> Tensor:
        """Frames ``(batch, frames, 2 * step)`` of white noise, filtered to amplitudes ``(batch, frames, step + 1)``."""
        white = (uniforms - 0.5) * math.sqrt(12)
        filtered: Tensor = torch.fft.irfft(torch.fft.rfft(white) * amplitudes)
        return filtered * self.fade
