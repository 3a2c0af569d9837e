"""Bottlenecks: VQ (van den Oord 2017), argmax (Dieleman 2018), continuous (Engel 2017), and query jitter.

VQ's squared distances are means over batch, codes and dimensions; argmax's are sums over classes and means over
batch and codes; the likelihood's share of the loss is a mean over steps. The papers print sums without saying over
what, so the balance of the weights is ours.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Bottled:
    """What a bottleneck makes of queries.

    Attributes:
        quantised: ``(batch, codes, query_dim)``, with the straight-through gradient.
        codes: int64 ``(batch, codes)``, of residual quantisers ``(batch, codes, quantisers)``; None where the
            bottleneck is continuous.
        penalties: weighted terms of the loss by name, scalars.
    """

    quantised: Tensor
    codes: Tensor | None
    penalties: dict[str, Tensor]


class Bottleneck(nn.Module, ABC):
    """From queries to codes and back."""

    classes: int

    @abstractmethod
    def forward(self, queries: Tensor) -> Bottled:
        """Quantise queries ``(batch, codes, query_dim)``."""

    @abstractmethod
    def embed(self, codes: Tensor) -> Tensor:
        """Quantised queries ``(..., query_dim)`` of int64 codes ``(...)``."""

    def learn(self, queries: Tensor, codes: Tensor, noise: torch.Generator, restart: Tensor | bool = True) -> None:
        """Update what is not learnt by gradient, once a step, from the queries of all its batches.

        Args:
            queries: ``(batch, codes, query_dim)``.
            codes: that they became.
            noise: the only source of randomness.
            restart: whether codes that fell out of use may be restarted; a scalar on their device keeps a GPU running.
        """


class VectorQuantisation(Bottleneck):
    """Nearest codebook vector with the straight-through gradient.

    Args:
        classes: codebook size.
        query_dim: dimension.
        update: ``ema`` (van den Oord 2017, appendix A.1) or ``loss``.
        codebook_loss: alpha; used with ``loss``.
        commitment: beta.
        ema_decay: decay of the moving averages of use and of the codebook.
        restart_below: share of uniform use under which a code is restarted at a query of the step; 0 = never.
    """

    codebook: Tensor
    usage: Tensor
    sums: Tensor
    initialised: Tensor

    def __init__(
        self,
        classes: int,
        query_dim: int,
        update: str,
        codebook_loss: float,
        commitment: float,
        ema_decay: float,
        restart_below: float,
    ) -> None:
        super().__init__()
        self.classes = classes
        self.codebook_loss = codebook_loss
        self.commitment = commitment
        self.ema_decay = ema_decay
        self.restart_below = restart_below
        self.by_gradient = update == "loss"
        codebook = torch.randn(classes, query_dim) / query_dim**0.5
        if self.by_gradient:
            self.codebook = nn.Parameter(codebook)
        else:
            self.register_buffer("codebook", codebook)
        # sums and usage start in agreement with the codebook, as if each code had been used once
        self.register_buffer("usage", torch.ones(classes))
        self.register_buffer("sums", codebook.clone())
        self.register_buffer("initialised", torch.tensor(False))
        # once it is so it stays so, and to ask a GPU's buffer would wait for all that is queued
        self._started = False
        self.register_load_state_dict_post_hook(VectorQuantisation._ask_again)  # type: ignore[no-untyped-call]

    def forward(self, queries: Tensor) -> Bottled:
        """Quantise; gradients of ``quantised`` go to ``queries`` unchanged."""
        codes, penalties = self.nearest(queries)
        quantised = queries + (self.embed(codes) - queries).detach()
        return Bottled(quantised, codes, penalties)

    def nearest(self, queries: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Codes int64 ``(batch, codes)`` of the nearest vectors, and the weighted penalties by name."""
        flat = queries.detach().float().flatten(0, -2)
        book = self.codebook.detach().float()
        distances = book.square().sum(1) - 2 * flat @ book.T
        codes = distances.argmin(-1).view(queries.shape[:-1])
        nearest = self.embed(codes)
        penalties = {"commitment": self.commitment * F.mse_loss(queries, nearest.detach())}
        if self.by_gradient:
            penalties["codebook"] = self.codebook_loss * F.mse_loss(nearest, queries.detach())
        return codes, penalties

    def embed(self, codes: Tensor) -> Tensor:
        """Codebook vectors of the codes."""
        return F.embedding(codes, self.codebook)

    @torch.no_grad()
    def learn(self, queries: Tensor, codes: Tensor, noise: torch.Generator, restart: Tensor | bool = True) -> None:
        """Update moving averages (and the EMA codebook), then restart codes that fell out of use."""
        flat = queries.detach().float().flatten(0, -2)
        if not self._started:
            self._started = True
            if not self.initialised:
                self._start_from(flat, noise)
                return
        chosen = F.one_hot(codes.flatten(), self.classes).to(flat.dtype)
        self.usage.lerp_(chosen.sum(0), 1 - self.ema_decay)
        if not self.by_gradient:
            self.sums.lerp_(chosen.T @ flat, 1 - self.ema_decay)
            # Laplace smoothing keeps an unused code where it is instead of dividing by nothing
            total = self.usage.sum()
            smoothed = (self.usage + 1e-5) / (total + self.classes * 1e-5) * total
            self.codebook.copy_(self.sums / smoothed[:, None])
        if self.restart_below > 0:
            self._restart(flat, noise, restart)

    def _ask_again(self, _: object) -> None:
        self._started = False

    def _start_from(self, flat: Tensor, noise: torch.Generator) -> None:
        # a random codebook far from all queries would collapse to one code at once (as in Jukebox's init_k)
        spread = flat.std() * 0.01
        picks = torch.randint(len(flat), (self.classes,), generator=noise).to(flat.device, non_blocking=True)
        shifts = torch.randn(self.codebook.shape, generator=noise).to(flat.device, non_blocking=True)
        start = flat[picks] + spread * shifts
        self.codebook.data.copy_(start)
        self.sums.copy_(start)
        self.initialised.fill_(True)

    def _restart(self, flat: Tensor, noise: torch.Generator, allowed: Tensor | bool) -> None:
        mean_use = self.usage.mean()
        dead = ((self.usage < self.restart_below * mean_use) & allowed)[:, None]
        picks = torch.randint(len(flat), (self.classes,), generator=noise).to(flat.device, non_blocking=True)
        # a restarted code begins with the use of an average one, or it would be restarted at once again
        self.codebook.data.copy_(torch.where(dead, flat[picks], self.codebook))
        self.usage.copy_(torch.where(dead[:, 0], mean_use, self.usage))
        self.sums.copy_(torch.where(dead, flat[picks] * mean_use, self.sums))


class ResidualQuantisation(Bottleneck):
    """Vector quantisers in a row, each of what those before it left over (Zeghidour et al. 2021, algorithm 1).

    Every quantiser's codebook learns from its own residuals, and each commits the query to its vector.

    Args:
        quantisers: all of equal dimension and codebook size, at least one.
    """

    def __init__(self, quantisers: Sequence[VectorQuantisation]) -> None:
        super().__init__()
        self.quantisers = nn.ModuleList(quantisers)
        self.classes = quantisers[0].classes

    @property
    def _parts(self) -> Iterator[VectorQuantisation]:
        for quantiser in self.quantisers:
            assert isinstance(quantiser, VectorQuantisation)
            yield quantiser

    def forward(self, queries: Tensor) -> Bottled:
        """Quantise; ``codes`` are ``(batch, codes, quantisers)``, gradients go to ``queries`` unchanged."""
        left, total = queries, torch.zeros_like(queries)
        codes, commitments = [], []
        for quantiser in self._parts:
            own, penalties = quantiser.nearest(left)
            vectors = quantiser.embed(own).detach()
            left, total = left - vectors, total + vectors
            codes.append(own)
            commitments.append(penalties["commitment"])
        return Bottled(
            queries + (total - queries).detach(),
            torch.stack(codes, -1),
            {"commitment": torch.stack(commitments).mean()},
        )

    def embed(self, codes: Tensor) -> Tensor:
        """Sums of codebook vectors of codes ``(..., quantisers)``."""
        parts = [quantiser.embed(own) for quantiser, own in zip(self._parts, codes.unbind(-1), strict=True)]
        return torch.stack(parts).sum(0)

    def learn(self, queries: Tensor, codes: Tensor, noise: torch.Generator, restart: Tensor | bool = True) -> None:
        """Let each codebook follow what those before it leave over, as they were when the step was made."""
        left = queries.detach().float()
        for quantiser, own in zip(self._parts, codes.unbind(-1), strict=True):
            nearest = quantiser.embed(own).detach()
            quantiser.learn(left, own, noise, restart)
            left = left - nearest


class ArgmaxQuantisation(Bottleneck):
    """ReLU, division to sum 1, argmax to one-hot, straight-through: a VQ with a fixed one-hot codebook.

    The diversity term is ``nu · C · Σ_c (mean q_c - 1/C)²``: the slide's form, scaled by C so that one ``nu`` means
    the same for any number of classes (ours).

    Args:
        classes: number of classes C; queries have this dimension.
        commitment: beta.
        diversity: nu.
    """

    def __init__(self, classes: int, commitment: float, diversity: float) -> None:
        super().__init__()
        self.classes = classes
        self.commitment = commitment
        self.diversity = diversity

    def forward(self, queries: Tensor) -> Bottled:
        """Quantise raw encoder outputs ``(batch, codes, classes)``."""
        normalised = self.normalise(queries)
        codes = normalised.argmax(-1)
        one_hot = self.embed(codes).to(normalised.dtype)
        mean_use = normalised.flatten(0, -2).mean(0)
        penalties = {
            "commitment": self.commitment * (one_hot - normalised).square().sum(-1).mean(),
            "diversity": self.diversity * self.classes * (mean_use - 1 / self.classes).square().sum(),
        }
        quantised = normalised + (one_hot - normalised).detach()
        return Bottled(quantised, codes, penalties)

    @staticmethod
    def normalise(queries: Tensor) -> Tensor:
        """ReLU, then divide by the sum; all-zero queries stay zero."""
        positive = F.relu(queries)
        return positive / positive.sum(-1, keepdim=True).clamp_min(1e-6)

    def embed(self, codes: Tensor) -> Tensor:
        """One-hot vectors of the codes."""
        return F.one_hot(codes, self.classes).float()


class ContinuousBottleneckLayer(Bottleneck):
    """NSynth's bottleneck: the queries pass as they are."""

    classes = 0

    def forward(self, queries: Tensor) -> Bottled:
        """Pass the queries on; there are no codes and no penalties."""
        return Bottled(queries, None, {})

    def embed(self, codes: Tensor) -> Tensor:
        """Refused: there are no codes."""
        raise NotImplementedError("a continuous bottleneck has no codes")


def jitter(quantised: Tensor, chance: float, noise: torch.Generator) -> Tensor:
    """Replace each query by a neighbour's, before or after with equal chance (query jitter, Dieleman 2018).

    Args:
        quantised: ``(batch, codes, query_dim)``.
        chance: of a replacement; at the ends the missing neighbour is the query itself.
        noise: CPU generator of the draws.

    Returns:
        The same shape.
    """
    batch, codes, _ = quantised.shape
    draw = torch.rand(batch, codes, generator=noise).to(quantised.device, non_blocking=True)
    offset = (draw < chance / 2).long() - ((draw >= chance / 2) & (draw < chance)).long()
    source = (torch.arange(codes, device=quantised.device) + offset).clamp(0, codes - 1)
    return quantised.gather(1, source[..., None].expand_as(quantised))


def perplexity(codes: Tensor, classes: int) -> Tensor:
    """Exponential of the entropy of the codes' use: between 1 (collapse) and ``classes`` (uniform)."""
    flat = codes.flatten()
    # no bincount: its length depends on the codes, which torch.compile cannot trace and a GPU must wait for
    counts = torch.zeros(classes, dtype=torch.float64, device=flat.device)
    counts.scatter_add_(0, flat, torch.ones_like(flat, dtype=torch.float64))
    entropy: Tensor = torch.special.entr(counts / codes.numel()).sum()
    return entropy.exp()
