"""Compiled loops of the numba engine: from a step's logits, or a mixture around a prediction, to a class."""

from typing import NamedTuple

import numpy as np

from descant.audio.mulaw import MU
from descant.compiled import DoubleArray, FloatArray, compiled
from descant.layers.prediction import ERROR_DIVISOR, LOG_DIVISOR, MOST_ERROR, MOST_WIDENING


class Mixture(NamedTuple):
    """What a linear prediction is used with, as in :class:`descant.sampling.weights.MixtureWeights`; empty without one.

    ``inputs`` has rows of padded width.
    """

    inputs: FloatArray
    log_weights: DoubleArray
    widths: DoubleArray
    edges: DoubleArray


@compiled
def exp_negative(x: float) -> float:
    """The exponential function of x <= 0, to the last digits of a double; 0 below -708 (after Cephes' exp)."""
    # adding it leaves an integer in the low bits
    rounder = 6755399441055744.0
    shifted = x * 1.4426950408889634 + rounder
    power = shifted - rounder
    rest = x - power * 6.93145751953125e-1 - power * 1.42860682030941723212e-6
    square = rest * rest
    odd = 1.26177193074810590878e-4 * square + 3.02994407707441961300e-2
    odd = rest * (odd * square + 9.99999999999999999910e-1)
    even = 3.00198505138664455042e-6 * square + 2.52448340349684104192e-3
    even = (even * square + 2.27265548208155028766e-1) * square + 2.0
    bits = np.int64((np.float64(shifted).view(np.int64) + 1023) << 52)
    return 0.0 if x < -708.0 else (1.0 + 2.0 * odd / (even - odd)) * bits.view(np.float64)


@compiled
def _total(numbers: DoubleArray) -> float:
    total = 0.0
    for number in numbers:
        total += number
    return total


@compiled
def _keep_nucleus(probabilities: DoubleArray, top_p: float) -> None:
    """See :func:`descant.sampling.draw.nucleus`."""
    reached = 0.0
    for number in np.argsort(-probabilities, kind="mergesort"):
        probability = probabilities[number]
        reached += probability
        if reached - probability >= top_p:
            probabilities[number] = 0.0


@compiled
def keep_most_probable(probabilities: DoubleArray, top_k: int) -> None:
    """See :func:`descant.sampling.draw.most_probable`; they are left with their sum. 0 keeps all."""
    if top_k > 0:
        for number in np.argsort(-probabilities, kind="mergesort")[top_k:]:
            probabilities[number] = 0.0


@compiled
def weigh(logits: FloatArray, temperature: float, probabilities: DoubleArray) -> None:
    """Probabilities of classes, not yet of sum 1, as :func:`descant.sampling.draw.draw` has them."""
    classes = len(logits)
    highest = logits[0]
    for number in range(classes):
        highest = logits[number] if logits[number] > highest else highest
    for number in range(classes):
        probabilities[number] = exp_negative(logits[number] / temperature - highest / temperature)


@compiled
def mix(
    mixture: Mixture, outputs: FloatArray, predicted: FloatArray, parts: DoubleArray, probabilities: DoubleArray
) -> None:
    """Probabilities of classes by :meth:`descant.layers.prediction.PredictionMixture.log_probabilities`.

    Args:
        mixture: of the network.
        outputs: of its last product: free logits, then the parts' weights, shifts and widening.
        predicted: ``(2,)``.
        parts: ``(parts + 1,)``, scratch.
        probabilities: ``(classes,)``, written.
    """
    classes, count = len(probabilities), len(parts) - 1
    highest = -np.inf
    for part in range(count + 1):
        parts[part] = np.float64(outputs[classes + part]) + mixture.log_weights[part]
        highest = max(highest, parts[part])
    for part in range(count + 1):
        parts[part] = exp_negative(parts[part] - highest)
    total = _total(parts)
    weigh(outputs[:classes], 1.0, probabilities)
    free = parts[count] / total / _total(probabilities)
    for number in range(classes):
        probabilities[number] *= free
    for part in range(count):
        shift = np.float64(outputs[classes + count + 1 + part])
        widening = min(max(np.float64(outputs[classes + 2 * count + 1 + part]), -MOST_WIDENING), MOST_WIDENING)
        scale = np.float64(predicted[1]) * mixture.widths[part] * np.exp(widening)
        mean = np.float64(predicted[0]) + shift * scale
        own = parts[part] / total
        # of a cell's two edges, the tails beyond them: differences of small numbers stay exact
        low = (mixture.edges[0] - mean) / scale
        power = exp_negative(-abs(low))
        low_tail = power / (1.0 + power)
        for number in range(classes):
            high = (mixture.edges[number + 1] - mean) / scale
            power = exp_negative(-abs(high))
            high_tail = power / (1.0 + power)
            if low >= 0.0:
                cell = low_tail - high_tail
            elif high <= 0.0:
                cell = high_tail - low_tail
            else:
                cell = 1.0 - low_tail - high_tail
            probabilities[number] += own * cell
            low, low_tail = high, high_tail


@compiled
def see_prediction(mixture: Mixture, predicted: FloatArray, last: float, hidden: FloatArray) -> None:
    """Add what the network sees of a prediction to ``hidden (residual,)``."""
    sample, scale = np.float64(predicted[0]), np.float64(predicted[1])
    companded = np.copysign(np.log1p(MU * abs(sample)) / np.log1p(MU), sample)
    error = min(max(np.float64(last) / ERROR_DIVISOR, -MOST_ERROR), MOST_ERROR)
    quiet = np.log(scale) / LOG_DIVISOR + 1.0
    inputs = mixture.inputs
    for channel in range(len(hidden)):
        hidden[channel] += np.float32(
            companded * inputs[0, channel] + error * inputs[1, channel] + quiet * inputs[2, channel]
        )


@compiled
def sharpen(probabilities: DoubleArray, temperature: float) -> None:
    """Probabilities, not yet of sum 1, at another temperature."""
    for number in range(len(probabilities)):
        probabilities[number] = probabilities[number] ** (1.0 / temperature)


@compiled
def pick(probabilities: DoubleArray, uniform: float, top_p: float) -> int:
    """See :func:`descant.sampling.draw.draw`."""
    classes = len(probabilities)
    total = _total(probabilities)
    if top_p < 1.0:
        for number in range(classes):
            probabilities[number] /= total
        _keep_nucleus(probabilities, top_p)
        total = _total(probabilities)
    reached = 0.0
    for number in range(classes):
        reached += probabilities[number]
        if reached > uniform * total:
            return number
    return classes - 1
