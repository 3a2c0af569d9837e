"""Autoregressive discrete autoencoder (Dieleman, van den Oord & Simonyan 2018)."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from descant.config.networks import ADA, ArgmaxQuantiser, ContinuousBottleneck, VectorQuantiser
from descant.layers.bits import LOG2
from descant.layers.bottleneck import (
    ArgmaxQuantisation,
    Bottled,
    Bottleneck,
    ContinuousBottleneckLayer,
    VectorQuantisation,
    jitter,
    perplexity,
)
from descant.layers.encoder import Encoder
from descant.layers.modulator import Modulator
from descant.layers.normalisation import StepBatchNorm
from descant.modelfacts import Input
from descant.sequences import filled
from descant.systems.base import PAST, PREDICTED, STEPS, Batch, StepLoss
from descant.systems.coder import Coder, encoder_span
from descant.systems.conditioned import ConditionedWaveNet
from descant.systems.wavenet import build_wavenet

BLOCK_STEPS = 1 << 16


def build_bottleneck(settings: VectorQuantiser | ArgmaxQuantiser | ContinuousBottleneck) -> Bottleneck:
    """The configured bottleneck."""
    if isinstance(settings, VectorQuantiser):
        return VectorQuantisation(
            settings.classes,
            settings.query_dim,
            settings.codebook_update,
            settings.codebook_loss,
            settings.commitment,
            settings.ema_decay,
            settings.restart_below,
        )
    if isinstance(settings, ArgmaxQuantiser):
        return ArgmaxQuantisation(settings.classes, settings.commitment, settings.diversity)
    return ContinuousBottleneckLayer()


class ADASystem(ConditionedWaveNet, Coder):
    """Encoder, bottleneck, modulator and local model.

    Args:
        settings: the ADA's section of the configuration.
        classes: values a step of the sequence below can take.
    """

    def __init__(self, settings: ADA, classes: int) -> None:
        super().__init__()
        self.jitter = settings.jitter
        encoder, modulator = settings.encoder, settings.modulator
        width = settings.bottleneck.query_dim
        self.encoder = Encoder(
            classes,
            settings.hop,
            encoder.channels,
            encoder.kernel,
            encoder.blocks_per_stage,
            encoder.blocks,
            width,
            encoder.input,
            encoder.normalise,
        )
        self.bottleneck = build_bottleneck(settings.bottleneck)
        self.modulator = Modulator(
            width,
            modulator.channels,
            modulator.kernel,
            modulator.blocks,
            one_hot=isinstance(settings.bottleneck, ArgmaxQuantiser),
        )
        self.local_model = build_wavenet(settings.local_model, classes, modulator.channels, settings.hop)

    @property
    def codes(self) -> int:
        """How many codes there are; 0 for a continuous bottleneck."""
        return self.bottleneck.classes

    @property
    def given_classes(self) -> int:
        """It draws given its codes."""
        return self.codes

    def embed(self, given: Tensor) -> Tensor:
        """Quantised queries ``(batch, codes, query_dim)`` of codes int64 ``(batch, codes)``."""
        return self.bottleneck.embed(given)

    def forward(self, batch: Batch, noise: torch.Generator) -> StepLoss:
        """Loss of ``steps`` ``(batch, time)``: likelihood given jittered queries, plus the bottleneck's penalties."""
        windows = batch[STEPS]
        raw = self.encoder.raw(windows)
        queries = self.encoder.normalised(raw).float()
        bottled = self._bottle(queries)
        quantised = jitter(bottled.quantised, self.jitter, noise) if self.jitter else bottled.quantised
        bits = self.bits_given(windows, quantised, batch.get(PREDICTED), batch.get(PAST)).mean()
        metrics = {"bits": bits.detach()}
        metrics.update({name: penalty.detach() for name, penalty in bottled.penalties.items()})
        if bottled.codes is not None:
            metrics["perplexity"] = perplexity(bottled.codes, self.codes)
        loss = bits * LOG2
        for penalty in bottled.penalties.values():
            loss = loss + penalty
        observed = {}
        if self.encoder.normalise is not None and self.training:
            observed["moments"] = StepBatchNorm.moments(raw)
        if bottled.codes is not None:
            observed |= {"queries": queries.detach(), "codes": bottled.codes}
        return StepLoss(loss, metrics, observed)

    def _bottle(self, queries: Tensor) -> Bottled:
        # codebooks and their averages stay in full precision: bf16 cannot distinguish near queries
        with torch.autocast(queries.device.type, enabled=False):
            bottled: Bottled = self.bottleneck(queries)
        return bottled

    def finish_step(self, observed: Mapping[str, Tensor], noise: torch.Generator) -> None:
        """Let the queries' moments and the codebook follow the step."""
        if self.encoder.normalise is not None:
            self.encoder.normalise.follow(observed["moments"])
        if "codes" in observed:
            self.bottleneck.learn(observed["queries"], observed["codes"], noise)

    def validate(self, batch: Batch, noise: torch.Generator) -> dict[str, Tensor]:
        """Bits given true codes and given shuffled ones, their gap, and the codes' perplexity."""
        windows = batch[STEPS]
        bottled = self._bottle(self.encoder(windows).float())
        figures = self.bits_with_and_without(windows, bottled.quantised, noise, batch.get(PREDICTED), batch.get(PAST))
        if bottled.codes is not None:
            figures["perplexity"] = perplexity(bottled.codes, self.codes)
        return figures

    def encode(self, steps: Tensor) -> Tensor:
        """Codes int64 ``(batch, time / hop)`` of steps int64 ``(batch, time)``."""
        codes = self.bottleneck(self.encoder(steps)).codes
        if codes is None:
            raise NotImplementedError("a continuous bottleneck has no codes")
        out: Tensor = codes
        return out

    def code_blocks(self, steps: npt.NDArray[Any], device: torch.device) -> Iterator[npt.NDArray[np.int64]]:
        """See :class:`Coder`; the steps are integers."""
        codes, block = -(-len(steps) // self.hop), max(1, BLOCK_STEPS // self.hop)
        for start in range(0, codes, block):
            stop = min(codes, start + block)
            left, right = encoder_span(self.encoder.reach, self.hop, start, stop, codes * self.hop)
            part = torch.from_numpy(filled(steps[left:right], self.hop).astype(np.int64))[None].to(device)
            first = start - left // self.hop
            with torch.inference_mode():
                yield self.encode(part)[0, first : first + stop - start].cpu().numpy()


def build_ada(settings: ADA, inputs: Mapping[str, Input]) -> ADASystem:
    """The ADA of a section, with fresh weights, for the sequence ``steps``."""
    return ADASystem(settings, inputs[STEPS].classes)
