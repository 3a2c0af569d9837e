"""``vocoders:`` those of Mel2Mel (Kim et al. 2019): networks from a mel spectrogram to audio.

Of the WaveNet the paper gives the transposed convolutions and the widths; the networks of one pass are not its own,
and their defaults are ours.
"""

import math
from typing import Annotated, Literal

from pydantic import Field

from descant.config.base import Section
from descant.config.networks import Network, WaveNetShape

Stride = Annotated[int, Field(ge=2, le=256)]


class MelUpsampling(Section):
    """Transposed convolutions from the rate of mel frames towards that of samples; each window is two strides long."""

    strides: tuple[Stride, ...] = Field(
        (8, 16),
        min_length=1,
        max_length=4,
        description="vectors that each convolution gives for one, first to last; together they divide a frame's step: "
        "all of it (Mel2Mel: 8 and 16, of 128 samples), or less, so that the remaining samples share a vector",
    )
    channels: int = Field(80, ge=1, le=16384, description="width of every convolution (ours: as wide as the mel)")

    @property
    def factor(self) -> int:
        """Vectors that all convolutions together give for one frame."""
        return math.prod(self.strides)


class MelWaveNet(Network):
    """A WaveNet vocoder: it draws samples given mel frames (Shen et al. 2018; Kim et al. 2019)."""

    kind: Literal["mel_wavenet"] = Field("mel_wavenet", description="the kind of vocoder")
    upsampling: MelUpsampling = Field(default_factory=MelUpsampling)
    local_model: WaveNetShape = Field(description="the WaveNet that draws the samples, given what the mel becomes")


class OnePassVocoder(Network):
    """A vocoder of one pass: ConvNeXt blocks on mel frames, and a head that makes the waveform of what they say."""

    kind: Literal["one_pass_vocoder"] = Field("one_pass_vocoder", description="the kind of vocoder")
    head: Literal["oscillators", "istft"] = Field(
        "oscillators",
        description="'oscillators': amplitude and phase of fixed sinusoids, quarter semitones apart, and noise (ours); "
        "'istft': magnitude and phase of a Fourier transform (Vocos, Siuzdak 2023)",
    )
    reads_roll: bool = Field(
        False,
        description="whether it also reads which keys are struck and held, so that it need not guess the notes from "
        "mel bands that are wider than a semitone (ours)",
    )
    channels: int = Field(192, ge=1, le=16384, description="width of the blocks (Vocos: 512)")
    blocks: int = Field(4, ge=1, le=64, description="ConvNeXt blocks (Vocos: 8)")
    mel_weight: float = Field(
        0.5, ge=0, description="weight of the log-mel loss beside that of spectra at several resolutions"
    )


Vocoder = Annotated[MelWaveNet | OnePassVocoder, Field(discriminator="kind")]
