"""One level of Jukebox (Dhariwal et al. 2020): a feed-forward VQ-VAE of the waveform."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from descant.config.vqvaes import VQVAE, Codebook
from descant.layers.bottleneck import Bottled, Bottleneck, ResidualQuantisation, VectorQuantisation, perplexity
from descant.layers.spectral import TimedSpectralLoss, spectral_convergence
from descant.layers.vqvae import WaveformDecoder, WaveformEncoder
from descant.modelfacts import Input
from descant.sequences import filled
from descant.systems.base import WAVEFORM, Batch, StepLoss
from descant.systems.coder import Coder, encoder_span

# 16-bit samples
FULL_SCALE = 32768
BLOCK_STEPS = 1 << 16
# of a window's errors that are its peaks, one in so many: Jukebox's 2,048 of 393,216
PEAKS_IN = 192
# of a batch, below which it counts as silence: a sine at -60 dB of full scale
QUIETEST_POWER = 0.5e-6


def build_codebook(settings: Codebook) -> Bottleneck:
    """The configured codebook, or codebooks in a row."""
    quantisers = [
        VectorQuantisation(
            settings.classes,
            settings.dimension,
            "ema",
            0.0,
            settings.commitment,
            settings.ema_decay,
            settings.restart_below,
        )
        for _ in range(settings.quantisers)
    ]
    return quantisers[0] if len(quantisers) == 1 else ResidualQuantisation(quantisers)


class VQVAESystem(Coder):
    """Encoder, codebook and decoder; the loss is that of the paper's section 3 with the settings' weights.

    Args:
        settings: the level's section of the configuration.
        sample_rate: Hz.
    """

    headline = "spectral_convergence_db"
    steps_done: Tensor

    def __init__(self, settings: VQVAE, sample_rate: int) -> None:
        super().__init__()
        self.settings = settings
        self.sample_rate = sample_rate
        shape = settings.hop, settings.channels, settings.depth, settings.dilation_growth, settings.codebook.dimension
        self.encoder = WaveformEncoder(*shape)
        self.codebook = build_codebook(settings.codebook)
        self.decoder = WaveformDecoder(*shape)
        self.distance = TimedSpectralLoss(sample_rate, settings.loss.spectrum)
        # of this training and of that which it starts from: fine-tuning restarts no code that means something
        self.register_buffer("steps_done", torch.tensor(0))

    @property
    def codes(self) -> int:
        """How many values a code can take."""
        return self.codebook.classes

    @property
    def hop(self) -> int:
        """Audio samples to one code."""
        return self.settings.hop

    @property
    def code_channels(self) -> int:
        """Codes to one place of a residual codec; 0 where a place has one."""
        quantisers = self.settings.codebook.quantisers
        return quantisers if quantisers > 1 else 0

    def forward(self, batch: Batch, noise: torch.Generator) -> StepLoss:
        """Loss of ``waveform`` ``(batch, time)``, of 16-bit scale: what is made of its codes, and their commitment."""
        true = batch[WAVEFORM] / FULL_SCALE
        vectors = self.encoder(true).float()
        bottled = self._bottle(vectors)
        made = self.decoder(bottled.quantised)
        with torch.autocast(true.device.type, enabled=False):
            losses = self._losses(made.float(), true)
        assert bottled.codes is not None
        metrics = self._figures(made.detach(), true, bottled)
        losses |= bottled.penalties
        metrics |= {name: loss.detach() for name, loss in losses.items()}
        observed = {"vectors": vectors.detach(), "codes": bottled.codes}
        return StepLoss(torch.stack(list(losses.values())).sum(), metrics, observed)

    def _losses(self, made: Tensor, true: Tensor) -> dict[str, Tensor]:
        """The weighted terms of the loss by name, of float32 ``(batch, time)``; those of weight 0 are left out."""
        weights = self.settings.loss
        errors = (made - true).square()
        power = true.square().mean().clamp(min=QUIETEST_POWER)
        losses = {}
        if weights.waveform:
            losses["waveform"] = weights.waveform * errors.mean() / power
        if weights.peaks:
            largest = errors.topk(max(1, errors.shape[1] // PEAKS_IN), dim=1).values
            losses["peaks"] = weights.peaks * largest.mean() / power
        if weights.spectral:
            losses["spectral"] = weights.spectral * self.distance(made, true)
        return losses

    @torch.no_grad()
    def _figures(self, made: Tensor, true: Tensor, bottled: Bottled) -> dict[str, Tensor]:
        """Spectral convergence in dB, of the mean over windows, and the codes' perplexity, of several the mean."""
        convergence = spectral_convergence(made, true, self.sample_rate).mean()
        assert bottled.codes is not None
        books = bottled.codes.flatten(2).unbind(-1) if self.code_channels else (bottled.codes,)
        used = torch.stack([perplexity(codes, self.codes) for codes in books]).mean()
        return {self.headline: 20 * convergence.clamp(min=1e-6).log10(), "perplexity": used}

    def _bottle(self, vectors: Tensor) -> Bottled:
        # codebooks and their averages stay in full precision: bf16 cannot distinguish near vectors
        with torch.autocast(vectors.device.type, enabled=False):
            bottled: Bottled = self.codebook(vectors)
        return bottled

    def finish_step(self, observed: Mapping[str, Tensor], noise: torch.Generator) -> None:
        """Let the codebook follow the step; its last restarts are some time before the training's end."""
        training = self.settings.training
        restart = self.steps_done < self.settings.codebook.restart_until * training.steps
        self.codebook.learn(observed["vectors"], observed["codes"], noise, restart)
        self.steps_done += 1

    def validate(self, batch: Batch, noise: torch.Generator) -> dict[str, Tensor]:
        """Spectral convergence, the codes' perplexity, and the weighted terms of the loss."""
        true = batch[WAVEFORM] / FULL_SCALE
        bottled = self._bottle(self.encoder(true).float())
        made = self.decoder(bottled.quantised).float()
        return self._figures(made, true, bottled) | self._losses(made, true) | bottled.penalties

    def encode(self, waveform: Tensor) -> Tensor:
        """Codes int64 ``(batch, time / hop)``, or ``(batch, time / hop, code_channels)``, of floats ``(batch, time)``.

        Full scale is 1.
        """
        codes = self._bottle(self.encoder(waveform).float()).codes
        assert codes is not None
        return codes

    def decode(self, codes: Tensor) -> Tensor:
        """The waveform float32 ``(batch, time)`` of codes as :meth:`encode` gives them."""
        made: Tensor = self.decoder(self.codebook.embed(codes))
        return made

    def code_blocks(self, steps: npt.NDArray[Any], device: torch.device) -> Iterator[npt.NDArray[np.int64]]:
        """See :class:`Coder`; the steps are 16-bit samples."""
        codes, block = -(-len(steps) // self.hop), max(1, BLOCK_STEPS // self.hop)
        for start in range(0, codes, block):
            stop = min(codes, start + block)
            left, right = encoder_span(self.encoder.reach, self.hop, start, stop, codes * self.hop)
            part = torch.from_numpy(filled(steps[left:right], self.hop).astype(np.float32) / FULL_SCALE)[None]
            first = start - left // self.hop
            with torch.inference_mode():
                yield self.encode(part.to(device))[0, first : first + stop - start].cpu().numpy()

    def sound_blocks(self, codes: npt.NDArray[Any], device: torch.device) -> Iterator[npt.NDArray[np.float32]]:
        """The waveform of a track's codes, block by block: equal to decoding it whole.

        Args:
            codes: ``(codes,)``, or ``(codes, code_channels)``, mapped or in memory.
            device: that the system is on.

        Yields:
            float32, each ``(samples,)``; full scale is 1.
        """
        reach, block = self.decoder.reach, max(1, BLOCK_STEPS // self.hop)
        for start in range(0, len(codes), block):
            stop = min(len(codes), start + block)
            left, right = max(0, start - reach.left), min(len(codes), stop + reach.right)
            part = torch.from_numpy(np.asarray(codes[left:right], dtype=np.int64))[None]
            with torch.inference_mode():
                made = self.decode(part.to(device))[0, (start - left) * self.hop : (stop - left) * self.hop]
            yield made.float().cpu().numpy()


def build_vqvae(settings: VQVAE, inputs: Mapping[str, Input]) -> VQVAESystem:
    """The level of a section, with fresh weights, for the sequence ``waveform``."""
    return VQVAESystem(settings, inputs[WAVEFORM].sample_rate)
