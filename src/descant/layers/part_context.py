"""What an autoregressive network of voices is conditioned on: tokens that are fixed, and a latent for each measure."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.layers.experts import Expert, ProductOfExperts, gaussian_kl, sample
from descant.layers.parts import sounding


class TokenSum(nn.Module):
    """One vector of the tokens of all voices: a linear layer on all of their one-hot vectors.

    Args:
        voices: how many.
        classes: of the tokens; one more stands for what is not known.
        width: of the vector.
    """

    def __init__(self, voices: int, classes: int, width: int) -> None:
        super().__init__()
        self.unknown = classes
        self.table = nn.Embedding(voices * (classes + 1), width)
        self.register_buffer("first", (classes + 1) * torch.arange(voices), persistent=False)
        nn.init.normal_(self.table.weight, std=voices**-0.5)

    first: Tensor

    def each(self, tokens: Tensor) -> Tensor:
        """The voices' own vectors ``(..., voices, width)`` of int64 ``(..., voices)``."""
        out: Tensor = self.table(tokens + self.first)
        return out

    def forward(self, tokens: Tensor) -> Tensor:
        """Their sum, ``(..., width)``."""
        return self.each(tokens).sum(-2)


class FixedContext(nn.Module):
    """An LSTM both ways over the tokens that are fixed, past and future; of the others it sees that they are not.

    Args:
        voices: how many.
        classes: of the tokens.
        measure: steps of a measure.
        units: each way.
    """

    def __init__(self, voices: int, classes: int, measure: int, units: int) -> None:
        super().__init__()
        self.classes, self.measure = classes, measure
        self.tokens = TokenSum(voices, classes, 2 * units)
        self.sounding = TokenSum(voices, classes, 2 * units)
        self.place = nn.Embedding(measure, 2 * units)
        self.lstm = nn.LSTM(2 * units, units, batch_first=True, bidirectional=True)

    def forward(self, tokens: Tensor, fixed: Tensor) -> Tensor:
        """Vectors ``(batch, steps, 2 * units)``.

        Args:
            tokens: int64 ``(batch, steps, voices)``.
            fixed: bool, of the same shape.
        """
        # an unknown token ends what sounds, so that nothing of it shows in what is held on after it
        seen = torch.where(fixed, tokens, self.classes)
        places = torch.arange(tokens.shape[1], device=tokens.device) % self.measure
        read = self.tokens(seen) + self.sounding(sounding(seen, self.classes)) + self.place(places)
        out: Tensor = self.lstm(read)[0]
        return out


class MeasureLatents(nn.Module):
    """A latent for each measure, a product of the voices' experts, and an LSTM over those that are past.

    The latent of a measure that is being said is the product of the voices that are fixed in all of it; that of one
    that is past, of all voices. So nothing is seen of a token before it is said. All of it is ours but the product.

    Args:
        voices: how many.
        classes: of the tokens.
        measure: steps of a measure.
        units: of the experts' LSTMs, each way.
        latent: dimensions.
        width: of what it gives.
    """

    def __init__(self, voices: int, classes: int, measure: int, units: int, latent: int, width: int) -> None:
        super().__init__()
        self.classes, self.measure, self.width = classes, measure, width
        self.tokens = nn.Embedding(classes + 1, 2 * units)
        self.sounding = nn.Embedding(classes + 1, 2 * units)
        self.voice = nn.Embedding(voices, 2 * units)
        self.encoder = nn.LSTM(2 * units, units, batch_first=True, bidirectional=True)
        self.expert = Expert(2 * units, latent)
        self.product = ProductOfExperts(latent)
        self.past = nn.LSTM(latent, width, batch_first=True)
        self.now = nn.Linear(latent, width)

    def experts(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Means and deviations ``(batch, measures, voices, latent)`` of ``(batch, steps, voices)``, whole measures."""
        measures = tokens.view(len(tokens), -1, self.measure, tokens.shape[-1])
        read = self.tokens(measures) + self.sounding(sounding(measures, self.classes)) + self.voice.weight
        # every voice of every measure by itself
        rows = read.transpose(2, 3)
        _, (last, _) = self.encoder(rows.flatten(0, 2))
        mean, deviation = self.expert(torch.cat([last[-2], last[-1]], -1))
        form = *rows.shape[:3], mean.shape[-1]
        return mean.view(form), deviation.view(form)

    def current(self, means: Tensor, deviations: Tensor, fixed: Tensor) -> tuple[Tensor, Tensor]:
        """The product of the voices that are fixed, bool ``(batch, steps, voices)``, in all of a measure."""
        whole = fixed.view(len(fixed), -1, self.measure, fixed.shape[-1]).all(2)
        out: tuple[Tensor, Tensor] = self.product(means, deviations, whole)
        return out

    def forward(self, tokens: Tensor, fixed: Tensor, noise: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Vectors of measures ``(batch, measures, width)``, and divergences from the prior, nats ``(batch, measures)``.

        Args:
            tokens: int64 ``(batch, steps, voices)``, whole measures.
            fixed: bool, of the same shape.
            noise: of the latents; without it they are at their means.
        """
        means, deviations = self.experts(tokens)
        everyone = torch.ones(means.shape[:3], dtype=torch.bool, device=tokens.device)
        past, now = self.product(means, deviations, everyone), self.current(means, deviations, fixed)
        prior = self.product.prior_mean, self.product.prior_deviation
        divergence = gaussian_kl(past[0], past[1], *prior) + gaussian_kl(now[0], now[1], *prior)
        drawn = (mean if noise is None else sample(mean, deviation, noise) for mean, deviation in (past, now))
        remembered, _ = self.past(next(drawn))
        # a measure sees those before it
        return F.pad(remembered[:, :-1], (0, 0, 1, 0)) + self.now(next(drawn)), divergence
