"""Voices written to voices that are given, by sequential Monte Carlo: drafts compete by how well what is given fits.

A network that only looks back writes itself into corners: the melody that comes next may not fit what it wrote. So many
drafts, particles, are written side by side with nothing ahead known. At each step what is given is scored by each of
them, and from time to time drafts that it fits are copied over those that it does not (bootstrap filter: Gordon,
Salmond & Smith 1993; systematic resampling: Kitagawa 1996). With ever more particles what is written comes as often as
the network gives it to all that is given, what comes later included.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from descant.layers.part_lstm import Memory
from descant.sampling.engine import DrawSettings
from descant.sampling.parts import LogitMask, check_measures, draw_step
from descant.seeds import counter_uniforms, derive_seed
from descant.systems.autoregressive_parts import AutoregressivePartsSystem, outer_first

# share of the particles that still count for as much, below which they are resampled; the usual choice
LEAST_EFFECTIVE = 0.5


@dataclass(frozen=True)
class Particles:
    """How many drafts compete, and how they are drawn.

    Attributes:
        count: of drafts.
        seed: of all draws.
        settings: temperature and nucleus of what is written.
        rules: what a token breaks; as for :func:`~descant.sampling.parts.draw_parts`.
    """

    count: int
    seed: int
    settings: DrawSettings
    rules: LogitMask | None = None


@torch.inference_mode()
def fill_parts(system: AutoregressivePartsSystem, tokens: Tensor, fixed: Tensor, how: Particles) -> Tensor:
    """Write the tokens that are not fixed.

    Args:
        system: ready for evaluation.
        tokens: int64 ``(steps, voices)``; what is not fixed is not looked at.
        fixed: bool, of the same shape.
        how: to draw.

    Returns:
        int64 ``(steps, voices)``, the fixed tokens as they were.

    Raises:
        SamplingError: as :func:`~descant.sampling.parts.draw_parts`.
    """
    check_measures(system, len(tokens))
    is_fixed = fixed.cpu().numpy()
    free = np.flatnonzero(~is_fixed.all(1))
    if not len(free):
        return tokens.clone()
    first, count, network = int(free[0]), how.count, system.network
    many, known = (given.expand(count, *given.shape).clone() for given in (tokens, fixed))
    # the network knows what comes before, and of what is given ahead only how it weighs the drafts
    before = torch.zeros_like(known)
    before[:, :first] = True
    memory, log_weights = network.start(many, before, first), torch.zeros(count, device=tokens.device)
    for step in range(first, len(tokens)):
        network.begin_step(memory, step)
        given = [voice for voice in outer_first(system.voices) if is_fixed[step, voice]]
        said = torch.zeros_like(known[:, step])
        for voice in given:
            logits = network.say(memory, voice, said)
            log_weights += F.log_softmax(logits.float(), -1)[:, int(tokens[step, voice])]
            said[:, voice] = True
        if _effective(log_weights) < LEAST_EFFECTIVE * count:
            _resample(memory, log_weights, how.seed, step)
        written = [voice for voice in outer_first(system.voices) if not is_fixed[step, voice]]
        if written:
            draw_step(system, memory, known, written, how.seed, range(count), how.settings, how.rules)
    best = _systematic(log_weights, 1, how.seed, len(tokens))[0]
    drawn: Tensor = memory.tokens[best]
    return drawn


def _effective(log_weights: Tensor) -> float:
    """How many equal particles would count for as much (Kong 1992)."""
    weights = torch.softmax(log_weights.double(), 0)
    return float(1 / (weights**2).sum())


def _systematic(log_weights: Tensor, count: int, seed: int, step: int) -> Tensor:
    """Numbers of particles, int64 ``(count,)``, each as often as its weight says, rounded up or down."""
    weights = torch.softmax(log_weights.double().cpu(), 0)
    (uniform,) = counter_uniforms(derive_seed(seed, "resample"), 0, step, 1)
    places = (torch.arange(count, dtype=torch.float64) + uniform) / count
    return torch.searchsorted(weights.cumsum(0), places, right=True).clamp(max=len(weights) - 1)


def _resample(memory: Memory, log_weights: Tensor, seed: int, step: int) -> None:
    """Copy drafts over others by their weights, which are then equal."""
    chosen = _systematic(log_weights, len(log_weights), seed, step).to(log_weights.device)
    memory.choose(chosen)
    log_weights.zero_()
