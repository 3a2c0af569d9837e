"""Compiled loops of the numba engine of transformers: all steps of a call, without the interpreter and its lock.

Sums run in the order in which they are written; see :mod:`descant.compiled`. Keys lie channel by channel and values
position by position, so that both loops over what is looked at are along what lies together.
"""

from typing import NamedTuple

import numpy as np

from descant.compiled import DoubleArray, FloatArray, IntArray, compiled, kept_on_disk
from descant.sampling.numba_draw import exp_negative, keep_most_probable, pick, weigh
from descant.sampling.numba_kernels import Tiles, add_product, copy_row, tanh

# of layer norms, as in torch
EPSILON = 1e-5
OWN, STRIDED = 0, 1


class TransformerWeights(NamedTuple):
    """Weights as the loops read them, widths padded with zeros to multiples of the tile.

    Matrices lie in tiles ``(layers, out / TILE, in, TILE)``, those of the norms before them folded in.

    Attributes:
        sizes: channels of the residual path, heads, channels of a head, and steps of a block.
        embedding: ``(classes, channels)``.
        start: ``(channels,)``.
    """

    sizes: IntArray
    embedding: FloatArray
    start: FloatArray
    project: Tiles
    project_bias: FloatArray
    out: Tiles
    out_bias: FloatArray
    wide: Tiles
    wide_bias: FloatArray
    narrow: Tiles
    narrow_bias: FloatArray
    logits: Tiles
    logits_bias: FloatArray


class Kept(NamedTuple):
    """Keys ``(rows, layers, buffers, heads, width, length)`` and values, the last two axes changed, by way."""

    own_keys: FloatArray
    own_values: FloatArray
    strided_keys: FloatArray
    strided_values: FloatArray
    previous_keys: FloatArray
    previous_values: FloatArray


class Rows(NamedTuple):
    """Arrays of the rows that are gone along: one a sequence, or two with guidance.

    Attributes:
        previous: the last step of each sequence, negative before the first.
        conditioning: ``(rows, count, channels)``, or no steps.
        steps: ``(sequences, count)``, drawn or followed.
        uniforms: ``(sequences, count)``, or none to follow.
        logits: ``(sequences, count, classes)``, or none to draw.
        turned: cosines and sines ``(ways, 2 for queries and keys, 2, count, half a head)``.
    """

    previous: IntArray
    conditioning: FloatArray
    steps: IntArray
    uniforms: DoubleArray
    logits: FloatArray
    turned: FloatArray


@compiled
def _normalise(hidden: FloatArray, channels: int, normal: FloatArray) -> None:
    """Rows ``(rows, padded)`` of mean 0 and deviation 1 over the channels; what is padded stays zero."""
    for row in range(len(hidden)):
        total, squares = 0.0, 0.0
        for channel in range(channels):
            total += hidden[row, channel]
        mean = total / channels
        for channel in range(channels):
            squares += (hidden[row, channel] - mean) ** 2
        scale = 1.0 / np.sqrt(squares / channels + EPSILON)
        for channel in range(channels):
            normal[row, channel] = np.float32((hidden[row, channel] - mean) * scale)


@compiled
def _turn(vector: FloatArray, cosine: FloatArray, sine: FloatArray) -> None:
    """See :func:`descant.layers.attention.rotate`; in place."""
    half = len(cosine)
    for channel in range(half):
        first, second = vector[channel], vector[half + channel]
        vector[channel] = first * cosine[channel] - second * sine[channel]
        vector[half + channel] = second * cosine[channel] + first * sine[channel]


@compiled
def _look(
    query: FloatArray, keys: FloatArray, values: FloatArray, seen: int, scores: FloatArray, out: FloatArray
) -> None:
    """Attention of one head: ``keys (width, length)`` and ``values (length, width)``, of which so many are seen."""
    width = len(query)
    for at in range(seen):
        scores[at] = np.float32(0.0)
    for channel in range(width):
        value, row = query[channel], keys[channel]
        for at in range(seen):
            scores[at] += value * row[at]
    highest = scores[0]
    for at in range(seen):
        highest = scores[at] if scores[at] > highest else highest
    for at in range(seen):
        scores[at] = np.float32(exp_negative(np.float64(scores[at] - highest)))
    total = 0.0
    for at in range(seen):
        total += scores[at]
    for channel in range(width):
        out[channel] = np.float32(0.0)
    for at in range(seen):
        weight, row = scores[at], values[at]
        for channel in range(width):
            out[channel] += weight * row[channel]
    scale = np.float32(1.0 / total)
    for channel in range(width):
        out[channel] *= scale


@compiled
def _attend(
    projected: FloatArray,
    keys: FloatArray,
    values: FloatArray,
    written: tuple[int, int],
    read: tuple[int, int],
    turned: FloatArray,
    scores: FloatArray,
    mixed: FloatArray,
) -> None:
    """One row's attention in one layer: its key and value are kept, then what is kept is looked at.

    Args:
        projected: queries, keys and values ``(3 * heads * width,)``, written.
        keys: ``(buffers, heads, width, length)``.
        values: ``(buffers, heads, length, width)``.
        written: buffer and place in it of this step.
        read: buffer that is looked at, and how much of it.
        turned: ``(2, 2, half a head)``.
        scores: scratch.
        mixed: ``(heads * width,)``, written.
    """
    heads, width = keys.shape[1], keys.shape[2]
    scale = np.float32(1.0 / np.sqrt(width))
    for head in range(heads):
        query = projected[head * width : (head + 1) * width]
        key = projected[(heads + head) * width : (heads + head + 1) * width]
        value = projected[(2 * heads + head) * width : (2 * heads + head + 1) * width]
        _turn(query, turned[0, 0], turned[0, 1])
        _turn(key, turned[1, 0], turned[1, 1])
        column, row = keys[written[0], head], values[written[0], head, written[1]]
        for channel in range(width):
            query[channel] *= scale
            column[channel, written[1]] = key[channel]
            row[channel] = value[channel]
        out = mixed[head * width : (head + 1) * width]
        _look(query, keys[read[0], head], values[read[0], head], read[1], scores, out)


@compiled
def _quick_gelu(values: FloatArray) -> None:
    """See :func:`descant.layers.transformer.quick_gelu`; in place."""
    half, slope = np.float32(0.5), np.float32(0.5 * 1.702)
    for row in range(values.shape[0]):
        for unit in range(values.shape[1]):
            value = values[row, unit]
            values[row, unit] = value * (half * tanh(slope * value) + half)


@compiled
def _fill(bias: FloatArray, target: FloatArray) -> None:
    for row in range(len(target)):
        copy_row(bias, target[row])


@compiled
def _add(bias: FloatArray, target: FloatArray) -> None:
    for row in range(len(target)):
        for channel in range(len(bias)):
            target[row, channel] += bias[channel]


@kept_on_disk
def advance_transformer(
    weights: TransformerWeights,
    kept: Kept,
    rows: Rows,
    first: int,
    drawing: bool,
    temperature: float,
    top_p: float,
    guidance: float,
    top_k: int,
) -> None:
    """Draw, or follow, the next steps of some sequences.

    Args:
        weights: of the network.
        kept: keys and values, which are written.
        rows: their steps (or logits) and previous steps are written.
        first: number of the first of these steps.
        drawing: draw the steps, rather than follow them and write their logits.
        temperature: see :func:`descant.sampling.draw.draw`.
        top_p: see :func:`descant.sampling.draw.draw`.
        guidance: see :func:`descant.sampling.transformer_engine.guided`.
        top_k: see :func:`descant.sampling.draw.draw`.
    """
    sequences, count = rows.steps.shape
    together, classes = len(kept.own_keys), len(weights.embedding)
    copies = together // max(1, sequences)
    channels, block = weights.sizes[0], weights.sizes[3]
    blocks = kept.strided_keys.shape[5]
    hidden = np.zeros((together, len(weights.start)), np.float32)
    normal = np.zeros((together, len(weights.start)), np.float32)
    projected = np.zeros((together, weights.project_bias.shape[1]), np.float32)
    mixed = np.zeros((together, weights.out.shape[2]), np.float32)
    wide = np.zeros((together, weights.wide_bias.shape[1]), np.float32)
    logits = np.zeros((together, len(weights.logits_bias)), np.float32)
    scores = np.zeros(max(block, blocks), np.float32)
    probabilities = np.zeros(classes, np.float64)
    for number in range(count):
        of_block, place = divmod(first + number, block)
        for row in range(together):
            before = rows.previous[row // copies]
            copy_row(weights.start if before < 0 else weights.embedding[before], hidden[row])
            if rows.conditioning.shape[1]:
                conditions = rows.conditioning[row, number]
                for channel in range(channels):
                    hidden[row, channel] += conditions[channel]
        for layer in range(len(weights.project_bias)):
            way, own = layer % 3, layer // 3
            _normalise(hidden, channels, normal)
            _fill(weights.project_bias[layer], projected)
            add_product(weights.project[layer], normal, projected)
            for row in range(together):
                turned = rows.turned[way, :, :, number]
                if way == OWN:
                    keys, values = kept.own_keys[row, own], kept.own_values[row, own]
                    written, read = (0, place), (0, place + 1)
                elif way == STRIDED:
                    keys, values = kept.strided_keys[row, own], kept.strided_values[row, own]
                    written, read = (place, of_block % blocks), (place, min(of_block + 1, blocks))
                else:
                    keys, values = kept.previous_keys[row, own], kept.previous_values[row, own]
                    # before the first block there are zeros
                    written, read = (of_block % 2, place), (1 - of_block % 2, block)
                _attend(projected[row], keys, values, written, read, turned, scores, mixed[row])
            _add(weights.out_bias[layer], hidden)
            add_product(weights.out[layer], mixed, hidden)
            _normalise(hidden, channels, normal)
            _fill(weights.wide_bias[layer], wide)
            add_product(weights.wide[layer], normal, wide)
            _quick_gelu(wide)
            _add(weights.narrow_bias[layer], hidden)
            add_product(weights.narrow[layer], wide, hidden)
        _normalise(hidden, channels, normal)
        _fill(weights.logits_bias, logits)
        add_product(weights.logits, normal, logits)
        for sequence in range(sequences):
            own_logits = logits[sequence * copies, :classes]
            if copies == 2:
                unlabelled = logits[sequence * copies + 1]
                for value in range(classes):
                    own_logits[value] = unlabelled[value] + np.float32(guidance) * (
                        own_logits[value] - unlabelled[value]
                    )
            if drawing:
                weigh(own_logits, temperature, probabilities)
                keep_most_probable(probabilities, top_k)
                rows.steps[sequence, number] = pick(probabilities, rows.uniforms[sequence, number], top_p)
            else:
                copy_row(own_logits, rows.logits[sequence, number])
            rows.previous[sequence] = rows.steps[sequence, number]
