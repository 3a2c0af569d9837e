"""An autoregressive model of music in voices with an exact likelihood: it composes, and fills what is not fixed (ours).

Steps are said in time, and the voices of a step in any order. In place of a mask of missing voices it has one of the
tokens that are fixed, past or future: a voice, several, a measure of one. They are read both ways, so that a filled
voice knows where the others go; what is not fixed is seen by nothing before it is said.
"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from descant.config.part_models import AutoregressiveParts
from descant.config.parts import PARTS
from descant.layers.part_lstm import PartLSTM, ranks_of
from descant.layers.parts import note_figures
from descant.modelfacts import Input
from descant.scores.parts import MEASURE
from descant.systems.base import Batch, StepLoss, System
from descant.systems.voices import voices_and_classes


def outer_first(voices: int) -> tuple[int, ...]:
    """The order in which a step is said unless another is asked for: top, bottom, then the others from the top down."""
    return (0, voices - 1, *range(1, voices - 1)) if voices > 1 else (0,)


def random_fixed(tokens: Tensor, measure: int, composed: float, noise: torch.Generator) -> Tensor:
    """Tokens to fix in training, bool ``(batch, steps, voices)``: of each window nothing, or one of three kinds.

    Whole voices; measures of voices here and there, as blocked Gibbs sampling leaves; or all voices of the first
    measures and whole voices on, as a piece that is continued. How many follows from a rate that is drawn first.

    Args:
        tokens: ``(batch, steps, voices)``.
        measure: steps of a measure.
        composed: share of the windows in which nothing is fixed.
        noise: the only source of randomness.
    """
    batch, steps, voices = tokens.shape
    measures = -(-steps // measure)
    nothing = torch.rand(batch, 1, 1, generator=noise) < composed
    kind = torch.randint(3, (batch, 1, 1), generator=noise)
    rate = torch.rand(batch, 1, 1, generator=noise)
    # of every window one voice at least is free
    free = torch.randint(voices, (batch, 1, 1), generator=noise)
    whole = (torch.rand(batch, 1, voices, generator=noise) < rate) & (torch.arange(voices) != free)
    blocks = torch.rand(batch, measures, voices, generator=noise) < rate
    begun = torch.arange(measures)[:, None] < torch.randint(measures, (batch, 1, 1), generator=noise)
    fixed = torch.where(kind == 0, whole, torch.where(kind == 1, blocks, begun | whole)) & ~nothing
    return fixed.repeat_interleave(measure, 1)[:, :steps].to(tokens.device, non_blocking=True)


class AutoregressivePartsSystem(System):
    """Learns windows with nothing fixed and windows to fill, the voices of each step in an order drawn for it.

    Args:
        settings: its section of the configuration.
        voices: how many.
        classes: of the tokens.
        measure: steps of a measure.
    """

    headline = "nll"
    align = MEASURE

    def __init__(self, settings: AutoregressiveParts, voices: int, classes: int, measure: int = MEASURE) -> None:
        super().__init__()
        self.settings, self.voices, self.classes = settings, voices, classes
        self.network = PartLSTM(settings, voices, classes, measure)

    def nll(self, tokens: Tensor, fixed: Tensor | None = None, order: Sequence[int] | None = None) -> Tensor:
        """Exact negative log-likelihood of each token given those said before it and all that are fixed, in nats.

        Their sum is that of the free tokens given the fixed ones: minus the logarithm of the product of the
        conditionals. Latents are at their means.

        Args:
            tokens: int64 ``(batch, steps, voices)``; whole measures where there are latents.
            fixed: bool, of the same shape; None fixes nothing.
            order: voices in the order of a step; None takes :func:`outer_first`.

        Returns:
            Float32, of the same shape, 0 where a token is fixed.

        Raises:
            ValueError: when the order does not name each voice once.
        """
        fixed = torch.zeros_like(tokens, dtype=torch.bool) if fixed is None else fixed
        ranks = ranks_of(outer_first(self.voices) if order is None else order).to(tokens.device)
        logits, _ = self.network(tokens, fixed, ranks)
        return _nll(logits, tokens, fixed)

    def forward(self, batch: Batch, noise: torch.Generator) -> StepLoss:
        """Mean negative log-likelihood of the free tokens of ``parts``, int64 ``(batch, steps, voices)``."""
        tokens, network = batch[PARTS], self.network
        fixed = random_fixed(tokens, network.measure, self.settings.composed, noise)
        ranks = torch.rand(tokens.shape, generator=noise).argsort(-1).to(tokens.device, non_blocking=True)
        logits, divergence = network(tokens, fixed, ranks, noise)
        nll = _nll(logits, tokens, fixed).sum() / (~fixed).sum().clamp_min(1)
        metrics = {"nll": nll.detach()}
        if network.latents is None:
            return StepLoss(nll, metrics)
        metrics["kl"] = divergence.mean().detach()
        kl = divergence.sum() / tokens.numel()
        return StepLoss(nll + self.settings.kl_weight * kl, metrics)

    def validate(self, batch: Batch, noise: torch.Generator) -> dict[str, Tensor]:
        """Exact nats a token: ``nll`` with nothing fixed, ``nll_filled`` of one voice given the others, mean of all.

        With latents also ``kl``, their divergence in nats a measure; at 0 they say nothing.
        """
        tokens = batch[PARTS]
        ranks = ranks_of(outer_first(self.voices)).to(tokens.device)
        nothing = torch.zeros_like(tokens, dtype=torch.bool)
        logits, divergence = self.network(tokens, nothing, ranks)
        figures = {"nll": _nll(logits, tokens, nothing).mean()}
        # one voice after another is free
        free = torch.eye(self.voices, dtype=torch.bool, device=tokens.device).repeat_interleave(len(tokens), 0)
        filled = self.nll(tokens.repeat(self.voices, 1, 1), ~free[:, None].expand(-1, tokens.shape[1], -1))
        figures["nll_filled"] = filled.sum() / tokens.numel()
        if self.network.latents is not None:
            figures["kl"] = divergence.mean()
        return figures | note_figures(tokens, logits.argmax(-1), self.classes)


def _nll(logits: Tensor, tokens: Tensor, fixed: Tensor) -> Tensor:
    losses = F.cross_entropy(logits.float().flatten(0, -2), tokens.flatten(), reduction="none").view(tokens.shape)
    return losses.masked_fill(fixed, 0)


def build_autoregressive_parts(settings: AutoregressiveParts, inputs: Mapping[str, Input]) -> AutoregressivePartsSystem:
    """The network of a section, with fresh weights, for the sequence ``parts``.

    Raises:
        SequenceError: when that is no music in voices.
    """
    return AutoregressivePartsSystem(settings, *voices_and_classes(inputs[PARTS]))
