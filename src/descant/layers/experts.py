"""Products of Gaussian experts, diagonal ones, and their divergence (Wu & Goodman 2018; Vignal 2020)."""

from math import expm1, log

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# no expert is surer than this: a product of certain ones would have no finite divergence (ours)
LEAST_DEVIATION = 1e-3


def product_of_experts(
    means: Tensor, deviations: Tensor, mask: Tensor, prior_mean: Tensor, prior_deviation: Tensor
) -> tuple[Tensor, Tensor]:
    """The normalised product of diagonal Gaussians and a prior: precisions add, means are weighted by them.

    Args:
        means: ``(..., experts, latent)``.
        deviations: standard deviations, positive, of the same shape.
        mask: bool ``(..., experts)``; what an expert that is dropped says is not looked at.
        prior_mean: ``(latent,)``, of an expert that is never dropped.
        prior_deviation: ``(latent,)``; infinity is a flat prior.

    Returns:
        Mean and standard deviation, both ``(..., latent)``.
    """
    kept = mask[..., None]
    precisions = torch.where(kept, deviations, torch.inf).pow(-2)
    prior = prior_deviation.pow(-2)
    precision = precisions.sum(-2) + prior
    mean = ((precisions * torch.where(kept, means, 0.0)).sum(-2) + prior * prior_mean) / precision
    return mean, precision.rsqrt()


def gaussian_kl(mean: Tensor, deviation: Tensor, prior_mean: Tensor, prior_deviation: Tensor) -> Tensor:
    """Divergence of one diagonal Gaussian from another in nats, ``(...,)`` of ``(..., latent)``."""
    ratio = deviation / prior_deviation
    apart = (mean - prior_mean) / prior_deviation
    return 0.5 * (ratio.square() + apart.square() - 1 - 2 * ratio.log()).sum(-1)


def sample(mean: Tensor, deviation: Tensor, noise: torch.Generator) -> Tensor:
    """A draw of a diagonal Gaussian, differentiable in both (Kingma & Welling 2014)."""
    normal = torch.randn(mean.shape, generator=noise, dtype=mean.dtype)
    return mean + deviation * normal.to(mean.device, non_blocking=True)


class ProductOfExperts(nn.Module):
    """Products with a learnt prior, which begins as the standard normal distribution (Vignal 2020).

    Args:
        latent: dimensions.
    """

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.prior_mean = nn.Parameter(torch.zeros(latent))
        self.softplus_deviation = nn.Parameter(torch.full((latent,), log(expm1(1 - LEAST_DEVIATION))))

    @property
    def prior_deviation(self) -> Tensor:
        """Of the prior, ``(latent,)``."""
        return F.softplus(self.softplus_deviation) + LEAST_DEVIATION

    def forward(self, means: Tensor, deviations: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Products over the voices of each measure: see :func:`product_of_experts`."""
        return product_of_experts(means, deviations, mask, self.prior_mean, self.prior_deviation)

    def recurrent(self, means: Tensor, deviations: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Products in which that of one measure is one more expert of the next (RPoE, Vignal 2020).

        Args:
            means: ``(batch, measures, experts, latent)``.
            deviations: of the same shape.
            mask: bool ``(batch, measures, experts)``.

        Returns:
            Means and standard deviations, ``(batch, measures, latent)``.
        """
        found: list[tuple[Tensor, Tensor]] = []
        for at in range(means.shape[1]):
            experts = means[:, at], deviations[:, at], mask[:, at]
            if found:
                mean, deviation = found[-1]
                experts = (
                    torch.cat([experts[0], mean[:, None]], 1),
                    torch.cat([experts[1], deviation[:, None]], 1),
                    F.pad(experts[2], (0, 1), value=True),
                )
            found.append(self(*experts))
        return torch.stack([mean for mean, _ in found], 1), torch.stack([deviation for _, deviation in found], 1)


class Expert(nn.Module):
    """What one voice says of a latent: a mean, and a standard deviation through a softplus.

    Args:
        channels: of what it reads.
        latent: dimensions.
    """

    def __init__(self, channels: int, latent: int) -> None:
        super().__init__()
        self.mean = nn.Linear(channels, latent)
        self.deviation = nn.Linear(channels, latent)

    def forward(self, read: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation ``(..., latent)`` of ``(..., channels)``."""
        return self.mean(read), F.softplus(self.deviation(read)) + LEAST_DEVIATION
