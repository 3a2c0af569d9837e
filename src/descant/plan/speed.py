"""What a training costs on this machine's CPU, from its arithmetic and the speed of a matrix product."""

import time
from math import log2

import numpy as np

from descant.config.mel import MEL
from descant.config.vocoders import OnePassVocoder
from descant.config.vqvaes import VQVAE
from descant.plan.memory import members
from descant.plan.parts import Training
from descant.plan.plan import Plan

# a multiplication and an addition a weight, forward and twice backward
FLOPS_A_WEIGHT = 6
# of a matrix product's speed that the demo's networks reach, about (docs/measurements.md); wider ones reach more
SHARE = 0.45
SIDE, ROUNDS = 1024, 5


def product_speed() -> float:
    """Operations a second of CPU time in a float32 matrix product, the best of a few."""
    left, right = (np.random.default_rng(0).standard_normal((SIDE, SIDE), dtype=np.float32) for _ in range(2))
    seconds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        left @ right
        seconds.append(time.process_time() - began)
    return float(2 * SIDE**3 / max(min(seconds), 1e-6))


def cpu_minutes(plan: Plan, training: Training, speed: float) -> float:
    """Minutes of CPU time of a training, about: right within a factor of two for the networks that were measured.

    Args:
        plan: of the configuration.
        training: of the plan.
        speed: operations a second, of :func:`product_speed`.
    """
    settings = training.settings.training
    windows = (training.last - training.first) * settings.accumulate * settings.batch * members(training)
    uses = settings.window * _share_used(plan, training)
    return FLOPS_A_WEIGHT * training.size.parameters * windows * uses / (SHARE * speed) / 60


def _share_used(plan: Plan, training: Training) -> float:
    """How often a weight is used at each step of the finest sequence, on average over the weights."""
    if isinstance(training.settings, OnePassVocoder):
        # once a mel frame, not once a sample
        return 1 / plan.sequences[training.inputs[MEL]].hop
    if isinstance(training.settings, VQVAE):
        # its stages have as many weights each, the first at half the rate of the audio, the next at a quarter …
        hop = training.settings.hop
        return (1 - 1 / hop) / log2(hop)
    return 1.0
