"""What a WaveNet makes of a linear prediction: inputs, and a distribution of mu-law classes around it (ours).

A step is drawn from a mixture. Some of its parts are logistic distributions around what is predicted, integrated over
the cells of mu-law (as Salimans et al. 2017, PixelCNN++, integrate theirs over pixel values); the last is a free
distribution of classes. The network weighs the parts, moves the logistic ones and widens them, and gives the free one
its logits; where all that it says is zero, as in a flat network with fresh weights, the mixture is the predictor's own.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.audio import mulaw
from descant.config.networks import LinearPrediction
from descant.layers.bits import log_likelihood

# scales of the logistic distributions, as shares of the predictor's, and what they weigh before anything is learnt:
# within a hundredth of what benchmarks/prediction.py fits to the embedded pieces
WIDTHS = (0.35, 0.6, 1.0, 1.7)
WEIGHTS = (0.026, 0.176, 0.637, 0.161)
# of the free distribution, which is uniform before anything is learnt
FREE_WEIGHT = 1e-4
# a scale can be changed by e to this power either way, from the quietest to full scale
MOST_WIDENING = 10.0
# beyond full scale: what lies outside the first and last cell's inner edge belongs to them
OUTSIDE = 1e3
# features: the last error in scales is divided by this and held within so much; a logarithm of a scale likewise
ERROR_DIVISOR, MOST_ERROR, LOG_DIVISOR = 4.0, 4.0, 4.0


def cell_edges() -> Tensor:
    """Edges of mu-law's cells, samples float32 ``(classes + 1,)``: midway between what two classes stand for."""
    samples = mulaw.SAMPLES.astype(np.float64)
    inner = (samples[1:] + samples[:-1]) / 2
    return torch.from_numpy(np.concatenate([[-OUTSIDE], inner, [OUTSIDE]])).float()


def log_cell(low: Tensor, high: Tensor, width: Tensor) -> Tensor:
    """Logarithm of a standard logistic distribution's integral from ``low`` to ``high``, exact far in its tails.

    The logistic function at ``high`` minus that at ``low`` is ``s(high) · s(-low) · (1 - exp(-width))``. The width is
    their difference, given because it would lose its digits in one.
    """
    return F.logsigmoid(high) + F.logsigmoid(-low) + torch.log(-torch.expm1(-width))


class PredictionMixture(nn.Module):
    """The way in and the way out of a linear prediction.

    Args:
        settings: of the predictor.
        residual_channels: width of the path that the inputs are added to.
        skip_channels: width of what the mixture is computed from.
    """

    def __init__(self, settings: LinearPrediction, residual_channels: int, skip_channels: int) -> None:
        super().__init__()
        self.settings = settings
        self.parts = len(WIDTHS)
        self.inputs = nn.Linear(3, residual_channels, bias=False)
        # of each logistic part its weight, shift and widening, then the free part's weight
        self.outputs = nn.Linear(skip_channels, 3 * self.parts + 1)
        nn.init.zeros_(self.outputs.weight)
        nn.init.zeros_(self.outputs.bias)
        weights = torch.tensor(WEIGHTS, dtype=torch.float64)
        weights = weights / weights.sum() * (1 - FREE_WEIGHT)
        log_weights = torch.cat([weights.log(), torch.tensor([math.log(FREE_WEIGHT)], dtype=torch.float64)])
        constants = {
            "samples": torch.from_numpy(mulaw.SAMPLES),
            "edges": cell_edges(),
            "cells": cell_edges().double().diff().float(),
            "log_weights": log_weights.float(),
            "widths": torch.tensor(WIDTHS),
        }
        for name, constant in constants.items():
            self.register_buffer(name, constant, persistent=False)
        self.samples: Tensor
        self.edges: Tensor
        self.cells: Tensor
        self.log_weights: Tensor
        self.widths: Tensor

    @property
    def multiplications(self) -> int:
        """Multiplications of a step: of the predictor, the way in, the head, and about four a cell of each part."""
        linears = self.inputs.weight.numel() + self.outputs.weight.numel()
        return self.settings.multiplications + linears + 4 * self.parts * len(self.edges)

    def features(self, steps: Tensor, predicted: Tensor) -> Tensor:
        """What the network sees of a prediction.

        Args:
            steps: int64 ``(batch, time)``.
            predicted: float32 ``(batch, time, 2)``, see :meth:`descant.prediction.Predictor.follow`.

        Returns:
            ``(batch, time, 3)``: the prediction, companded; the last error, in scales; and the scale's logarithm. The
            first step has no last error.
        """
        errors = (self.samples[steps] - predicted[..., 0]) / predicted[..., 1]
        return self.step_features(predicted, F.pad(errors, (1, 0))[:, : steps.shape[1]])

    def step_features(self, predicted: Tensor, last: Tensor) -> Tensor:
        """The same of steps ``(..., 2)``, given their last errors in scales ``(...)``."""
        sample, scale = predicted.unbind(-1)
        companded = torch.sign(sample) * torch.log1p(mulaw.MU * sample.abs()) / math.log1p(mulaw.MU)
        error = (last / ERROR_DIVISOR).clamp(-MOST_ERROR, MOST_ERROR)
        return torch.stack([companded, error, scale.log() / LOG_DIVISOR + 1], dim=-1)

    def _parts(self, outputs: Tensor, predicted: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log-weights ``(..., parts + 1)``, and means and scales ``(..., parts)`` of the logistic parts."""
        sizes = [self.parts + 1, self.parts, self.parts]
        weights, shifts, widening = torch.split(outputs.float(), sizes, dim=-1)
        scales = predicted[..., 1:] * self.widths * widening.clamp(-MOST_WIDENING, MOST_WIDENING).exp()
        return torch.log_softmax(weights + self.log_weights, dim=-1), predicted[..., :1] + shifts * scales, scales

    def log_likelihood(self, logits: Tensor, outputs: Tensor, predicted: Tensor, steps: Tensor) -> Tensor:
        """Log-likelihood, in nats, of given steps alone: no other class's cell is integrated.

        Args:
            logits: of the free part, ``(batch, time, classes)``.
            outputs: of the head, ``(batch, time, 3 * parts + 1)``.
            predicted: see :meth:`features`.
            steps: int64 ``(batch, time)``.

        Returns:
            float32 ``(batch, time)``.
        """
        log_weights, means, scales = self._parts(outputs, predicted)
        low, high, width = (edge[..., None] for edge in (self.edges[steps], self.edges[steps + 1], self.cells[steps]))
        cells = log_cell((low - means) / scales, (high - means) / scales, width / scales)
        free = log_likelihood(logits, steps)[..., None]
        return torch.logsumexp(log_weights + torch.cat([cells, free], dim=-1), dim=-1)

    def log_probabilities(self, logits: Tensor, outputs: Tensor, predicted: Tensor) -> Tensor:
        """Log-probabilities of all classes: what is drawn from, ``(..., classes)``; arguments as above."""
        log_weights, means, scales = self._parts(outputs, predicted)
        places = (self.edges - means[..., None]) / scales[..., None]
        cells = log_cell(places[..., :-1], places[..., 1:], self.cells / scales[..., None])
        free = torch.log_softmax(logits.float(), dim=-1)
        parts = torch.cat([cells, free[..., None, :]], dim=-2)
        return torch.logsumexp(log_weights[..., None] + parts, dim=-2)
