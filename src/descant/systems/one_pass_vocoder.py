"""Vocoders of one pass: from a mel spectrogram to a waveform without drawing, learnt from spectra alone.

Their form is that of Vocos (Siuzdak 2023): blocks at the rate of the frames, and no upsampling before the head. Vocos
learns from adversaries; on music of few sources, and in minutes, spectra at several resolutions do (ours).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from descant.config.mel import MEL, ROLL
from descant.config.vocoders import OnePassVocoder
from descant.errors import SequenceError
from descant.layers.convnext import ConvNeXt
from descant.layers.convolution import Reach
from descant.layers.mel import scaled
from descant.layers.spectral import SpectralLoss
from descant.layers.synthesis import FourierHead, Head, OscillatorHead
from descant.modelfacts import Input
from descant.seeds import counter_uniforms
from descant.systems.base import WAVEFORM, Batch, StepLoss, System
from descant.systems.mel import frame_step

# 16-bit samples
FULL_SCALE = 32768
BLOCK_FRAMES = 1024
# of a window, so many at each end are not compared, as it lacks what lies beside them; an 8th part at most; ours
EDGE_FRAMES = 8
# windows are taken from tracks of any length, an hour and more
FIRST_FRAMES = 1 << 20


class OnePassVocoderSystem(System):
    """ConvNeXt blocks and a head.

    Args:
        settings: the vocoder's section of the configuration.
        bands: of the mel spectrogram.
        step: samples from one frame to the next.
        sample_rate: Hz.
        roll_rows: of the piano roll that it also reads; 0 for none.
    """

    headline = "stft"

    def __init__(self, settings: OnePassVocoder, bands: int, step: int, sample_rate: int, roll_rows: int = 0) -> None:
        super().__init__()
        self.mel_weight = settings.mel_weight
        self.reads_roll = roll_rows > 0
        self.trunk = ConvNeXt(bands + roll_rows, settings.channels, settings.blocks)
        self.head: Head = (
            FourierHead(settings.channels, bands, step, sample_rate)
            if settings.head == "istft"
            else OscillatorHead(settings.channels, bands, step, sample_rate)
        )
        self.distance = SpectralLoss(sample_rate, bands)

    @property
    def reach(self) -> Reach:
        """Frames to either side of one whose step of the waveform depends on them."""
        trunk, head = self.trunk.reach, self.head.reach
        return Reach(trunk.left + head.left, trunk.right + head.right)

    def waveform(self, mel: Tensor, roll: Tensor | None, first: Tensor, uniforms: Tensor) -> Tensor:
        """A waveform float32 ``(batch, frames * step)``; see :class:`Head`.

        Args:
            mel: ``(batch, frames, bands)``.
            roll: ``(batch, frames, roll_rows)``, where it reads one.
            first: of :class:`Head`.
            uniforms: of :class:`Head`.
        """
        frames = scaled(mel) if roll is None else torch.cat([scaled(mel), roll], dim=-1)
        made: Tensor = self.head(self.trunk(frames), mel, first, uniforms)
        return made

    def _figures(self, batch: Batch, noise: torch.Generator) -> dict[str, Tensor]:
        mel = batch[MEL]
        rows, frames = mel.shape[:2]
        first = torch.randint(FIRST_FRAMES, (rows,), generator=noise)
        uniforms = torch.rand(rows, frames, self.head.uniforms, generator=noise)
        roll = batch[ROLL] if self.reads_roll else None
        first, uniforms = (drawn.to(mel.device, non_blocking=True) for drawn in (first, uniforms))
        made = self.waveform(mel, roll, first, uniforms)
        edge = self.head.step * min(EDGE_FRAMES, frames // 8)
        compared = slice(edge, made.shape[1] - edge)
        with torch.autocast(mel.device.type, enabled=False):
            figures: dict[str, Tensor] = self.distance(made[:, compared], batch[WAVEFORM][:, compared] / FULL_SCALE)
        return figures

    def forward(self, batch: Batch, noise: torch.Generator) -> StepLoss:
        """Distance of what is made of ``mel`` ``(batch, frames, bands)`` from ``waveform`` ``(batch, time)``."""
        figures = self._figures(batch, noise)
        loss = figures["stft"] + self.mel_weight * figures["mel_l1"]
        return StepLoss(loss, {name: figure.detach() for name, figure in figures.items()})

    def validate(self, batch: Batch, noise: torch.Generator) -> dict[str, Tensor]:
        """The same distances; see :class:`SpectralLoss`."""
        return self._figures(batch, noise)

    @torch.inference_mode()
    def synthesise(
        self, mel: npt.NDArray[Any], roll: npt.NDArray[Any] | None, seed: int
    ) -> Iterator[npt.NDArray[np.float32]]:
        """The waveform of a track, block by block: equal to the whole's, in memory that does not grow with it.

        Args:
            mel: floats ``(frames, bands)``, mapped or in memory.
            roll: floats ``(frames, roll_rows)``, where it reads one.
            seed: of its noise.

        Yields:
            float32, each ``(samples,)``; full scale is 1.
        """
        reach, numbers, step = self.reach, self.head.uniforms, self.head.step
        device = self.trunk.norm.weight.device
        for start in range(0, len(mel), BLOCK_FRAMES):
            stop = min(len(mel), start + BLOCK_FRAMES)
            left, right = max(0, start - reach.left), min(len(mel), stop + reach.right)
            heard = _window(mel, left, right).to(device)
            played = None if roll is None else _window(roll, left, right).to(device)
            drawn = counter_uniforms(seed, 0, left * numbers, (right - left) * numbers).astype(np.float32)
            uniforms = torch.from_numpy(drawn).view(1, right - left, numbers).to(device)
            made = self.waveform(heard, played, torch.tensor([left], device=device), uniforms)
            yield made[0, (start - left) * step : (stop - left) * step].cpu().numpy()


def _window(frames: npt.NDArray[Any], left: int, right: int) -> Tensor:
    """Some frames of a track as a batch of one."""
    return torch.from_numpy(np.asarray(frames[left:right], dtype=np.float32))[None]


def build_one_pass_vocoder(settings: OnePassVocoder, inputs: Mapping[str, Input]) -> OnePassVocoderSystem:
    """The vocoder of a section, with fresh weights, for the sequences ``waveform``, ``mel`` and perhaps ``roll``.

    Raises:
        SequenceError: when ``mel`` is no mel spectrogram of the waveform, or ``roll`` has other frames.
    """
    waveform, mel = inputs[WAVEFORM], inputs[MEL]
    step = frame_step(mel, waveform)
    if not settings.reads_roll:
        return OnePassVocoderSystem(settings, mel.channels, step, waveform.sample_rate)
    roll = inputs[ROLL]
    if roll.rate != mel.rate:
        raise SequenceError(
            f"{roll.name} has {roll.rate:g} frames a second, {mel.name} {mel.rate:g}", "make both with one mel.step"
        )
    return OnePassVocoderSystem(settings, mel.channels, step, waveform.sample_rate, roll.channels)
