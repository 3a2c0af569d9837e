"""``vqvaes:`` the levels of Jukebox (Dhariwal et al. 2020): feed-forward autoencoders of the waveform, each by itself.

Of the released model the paper's appendix and its code give the shapes and weights; a restart's threshold, the share of
the training that it ends after, the bass window of the spectral loss and residual quantisers are ours.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from descant.config.base import Section
from descant.config.networks import Coder


class Codebook(Section):
    """What turns the encoder's vectors into codes: the nearest vectors of a codebook, learnt by moving averages."""

    classes: int = Field(2048, ge=2, le=65536, description="codebook size K: values that a code can take")
    dimension: int = Field(64, ge=1, le=16384, description="of the vectors (Jukebox: 64; DAC: 8)")
    quantisers: int = Field(
        1,
        ge=1,
        le=64,
        description="codebooks in a row, each of what those before it left over (residual VQ, Zeghidour et al. 2021); "
        "above 1 its codes are decoded and measured, and no transformer learns them",
    )
    commitment: float = Field(0.02, ge=0, description="beta, the weight of the commitment loss")
    ema_decay: float = Field(0.99, gt=0, lt=1, description="decay per step of the moving averages of codebook and use")
    restart_below: float = Field(
        0.05,
        ge=0,
        le=1,
        description="a code used less often than this, as a share of the mean use, is restarted; 0 = never. Jukebox's "
        "threshold is once a step, which at small batches restarts nearly every code",
    )
    restart_until: float = Field(
        0.9, ge=0, le=1, description="share of the training after which none is restarted, so that codes settle"
    )


class ReconstructionLoss(Section):
    """What the decoder learns from, beside the commitment."""

    waveform: float = Field(1.0, ge=0, description="weight of the mean squared error, over the batch's mean square")
    peaks: float = Field(
        0.0,
        ge=0,
        description="weight of the same over the largest errors of each window, 1 in 192 (Jukebox: 0.02)",
    )
    spectral: float = Field(1.0, ge=0, description="weight of the distance between spectra")
    spectrum: Literal["linear", "log_mel"] = Field(
        "linear", description="of which spectra: magnitudes (Jukebox), or log-mel (DAC), where quiet highs count too"
    )

    @model_validator(mode="after")
    def _learns_something(self) -> Self:
        if not self.waveform + self.peaks + self.spectral:
            raise ValueError("waveform, peaks and spectral are all 0, so there is nothing to learn; raise one")
        return self


class VQVAE(Coder):
    """One level: an encoder of the waveform, a codebook, and a decoder that makes the waveform of the codes alone."""

    channels: int = Field(32, ge=1, le=16384, description="width of encoder and decoder")
    depth: int = Field(4, ge=1, le=16, description="residual blocks after each halving of the rate")
    dilation_growth: int = Field(3, ge=1, le=8, description="dilation of a block over that of the one before it")
    codebook: Codebook = Field(default_factory=Codebook)
    loss: ReconstructionLoss = Field(default_factory=ReconstructionLoss)
