"""Compiled loops of linear prediction.

What a step does is written in products of two float32 numbers, which are exact in float64, and in sums of a fixed
order: any compiler comes to the same bits, whether or not it contracts to fused multiply-adds. The coefficients of a
block come from here alone, whatever engine draws.
"""

from typing import NamedTuple

import numpy as np

from descant.compiled import DoubleArray, FloatArray, compiled, kept_on_disk
from descant.prediction.constants import DAMPING, LEAST_SCALE, LEVEL_STEPS, SCALE_RATE, SCALE_SHARE

# partial sums of a product, so that it is no single chain of additions; orders are multiples of it
LANES = 16
# white noise that conditions the autocorrelation, relative and absolute (ours; speech coders take 1e-4 to 1e-9)
RELATIVE_NOISE, ABSOLUTE_NOISE = 1e-5, 1e-9


class Analysis(NamedTuple):
    """How coefficients follow from the past.

    Attributes:
        window: that the past is shaped with, oldest sample first.
        loudest: root mean square of the newest samples beyond which the coefficients are damped.
    """

    window: DoubleArray
    loudest: float


class Memory(NamedTuple):
    """What the prediction of sequences side by side remembers.

    Attributes:
        past: float32 ``(batch, window + every)``: step ``t`` stands at ``window + t % every``.
        coefficients: float32 ``(batch, order)``, of the oldest sample first.
        scales: float64 ``(batch,)``, running means of the errors' size.
        last: float32 ``(batch,)``, errors of the last step, each divided by its scale.
    """

    past: FloatArray
    coefficients: FloatArray
    scales: DoubleArray
    last: FloatArray

    def part(self, sequences: slice) -> "Memory":
        """The memory of some of the sequences, which it shares."""
        return Memory(self.past[sequences], self.coefficients[sequences], self.scales[sequences], self.last[sequences])


def no_memory(batch: int) -> Memory:
    """The memory of sequences that are not predicted: of order 0."""
    nothing = np.zeros((batch, 0), np.float32)
    return Memory(nothing, nothing, np.zeros(batch), np.zeros(batch, np.float32))


@compiled
def _levinson(correlation: DoubleArray, order: int) -> DoubleArray:
    """Coefficients ``(order,)`` of the samples 1 … order steps ago, by the recursion of Levinson and Durbin."""
    coefficients, before = np.zeros(order), np.zeros(order)
    error = correlation[0]
    for number in range(order):
        rest = correlation[number + 1]
        for lag in range(number):
            rest -= coefficients[lag] * correlation[number - lag]
        reflection = rest / error
        for lag in range(number):
            before[lag] = coefficients[lag]
        for lag in range(number):
            coefficients[lag] -= reflection * before[number - 1 - lag]
        coefficients[number] = reflection
        error *= 1.0 - reflection * reflection
        if not error > 0.0:
            break
    return coefficients


@kept_on_disk
def begin_block(memory: Memory, analysis: Analysis) -> None:
    """Move the past to the front of its place, and compute the coefficients of the block that begins.

    Args:
        memory: of the sequences.
        analysis: how the coefficients follow from the past.
    """
    window = analysis.window
    length, order = len(window), memory.coefficients.shape[1]
    newest = min(length, LEVEL_STEPS)
    every = memory.past.shape[1] - length
    # the zeros behind the samples let every lag run over all of them
    shaped = np.zeros(length + order)
    correlation = np.zeros(order + 1)
    for sequence in range(len(memory.past)):
        past = memory.past[sequence]
        for number in range(length):
            past[number] = past[number + every]
            shaped[number] = window[number] * past[number]
        for lag in range(order + 1):
            correlation[lag] = 0.0
        for number in range(length):
            value = shaped[number]
            for lag in range(order + 1):
                correlation[lag] += value * shaped[number + lag]
        correlation[0] = correlation[0] * (1.0 + RELATIVE_NOISE) + ABSOLUTE_NOISE
        coefficients = _levinson(correlation, order)
        power = 0.0
        for number in range(length - newest, length):
            power += np.float64(past[number]) * np.float64(past[number])
        # poles move inwards: what rings dies away faster
        factor = DAMPING if power > newest * analysis.loudest * analysis.loudest else 1.0
        damping = factor
        for lag in range(order):
            memory.coefficients[sequence, order - 1 - lag] = np.float32(coefficients[lag] * damping)
            damping *= factor


@compiled
def _product(left: FloatArray, right: FloatArray) -> float:
    """Scalar product of two arrays of whole lanes: within a lane in order, then lane by lane."""
    sums = np.zeros(LANES)
    for start in range(0, len(left), LANES):
        for lane in range(LANES):
            sums[lane] += np.float64(left[start + lane]) * np.float64(right[start + lane])
    total = 0.0
    for lane in range(LANES):
        total += sums[lane]
    return total


@compiled
def _sample(value: float) -> np.float32:
    """What a prediction can be: a sample within full scale."""
    return np.float32(min(max(value, -1.0), 1.0))


@compiled
def predict(memory: Memory, every: int, sequence: int, step: int, predicted: FloatArray) -> None:
    """Predict a step from those before it; its block has begun.

    Args:
        memory: of the sequences.
        every: steps of a block.
        sequence: which of them.
        step: number of the step.
        predicted: ``(2,)``, written: the sample that is predicted, and the scale.
    """
    at = memory.past.shape[1] - every + step % every
    order = memory.coefficients.shape[1]
    predicted[0] = _sample(_product(memory.past[sequence, at - order : at], memory.coefficients[sequence]))
    predicted[1] = np.float32(memory.scales[sequence])


@compiled
def learn(memory: Memory, every: int, sequence: int, step: int, sample: float, predicted: FloatArray) -> None:
    """Learn what a step was.

    Args:
        memory: of the sequences.
        every: steps of a block.
        sequence: which of them.
        step: number of the step.
        sample: its value, a float32 number.
        predicted: what :func:`predict` wrote of it.
    """
    memory.past[sequence, memory.past.shape[1] - every + step % every] = np.float32(sample)
    error = np.float32(np.float64(sample) - np.float64(predicted[0]))
    memory.last[sequence] = error / predicted[1]
    scale = max(abs(np.float64(error)) * SCALE_SHARE, LEAST_SCALE)
    memory.scales[sequence] += (scale - memory.scales[sequence]) * SCALE_RATE


@kept_on_disk
def follow(memory: Memory, analysis: Analysis, first: int, samples: FloatArray, predicted: FloatArray) -> None:
    """Predict steps, and learn those that are given.

    Args:
        memory: of the sequences.
        analysis: see :func:`begin_block`.
        first: number of the first step.
        samples: ``(batch, count)``; of none, one step is predicted.
        predicted: ``(batch, count, 2)``, written.
    """
    every = memory.past.shape[1] - len(analysis.window)
    for number in range(predicted.shape[1]):
        step = first + number
        if step % every == 0:
            begin_block(memory, analysis)
        for sequence in range(len(predicted)):
            predict(memory, every, sequence, step, predicted[sequence, number])
            if number < samples.shape[1]:
                learn(memory, every, sequence, step, samples[sequence, number], predicted[sequence, number])


@kept_on_disk
def learn_step(memory: Memory, every: int, step: int, samples: FloatArray, predicted: FloatArray) -> None:
    """Learn a step of all sequences: samples ``(batch,)``, of which ``predicted (batch, 2)`` was written."""
    for sequence in range(len(samples)):
        learn(memory, every, sequence, step, samples[sequence], predicted[sequence])
