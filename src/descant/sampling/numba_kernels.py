"""Compiled loops of the numba engine: all steps of a call, without the interpreter and its lock.

Every sum runs in the order in which it is written (floats are contracted to fused multiply-adds, never reordered), so
a sequence's numbers do not depend on what is computed beside it, and NaN and infinity come out as they are.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from descant.audio.mulaw import SAMPLES
from descant.compiled import DoubleArray, FloatArray, IntArray, compiled, kept_on_disk
from descant.prediction import kernels as prediction
from descant.prediction.kernels import Analysis, Memory
from descant.sampling.numba_draw import Mixture, mix, pick, see_prediction, sharpen, weigh

# columns of a matrix that lie together, and how many of them one vector holds
TILE = 32
LANES = 16
# sequences that share each weight read
ABREAST = 4

Tiles = npt.NDArray[np.float32] | npt.NDArray[np.uint16]


class TiledWeights(NamedTuple):
    """Weights as the loops read them, widths padded with zeros to multiples of the tile.

    Matrices lie in tiles ``(..., out / TILE, in, TILE)``, float32 or the bits of bfloat16; residual and skip product
    are one. The rest is as in :class:`descant.sampling.weights.StepWeights`, in float32. The mixture, and the window
    of a linear predictor's analysis, are empty without one.
    """

    dilations: IntArray
    start_tables: FloatArray
    position_tables: FloatArray
    start_bias: FloatArray
    convolution: Tiles
    convolution_bias: FloatArray
    residual_skip: Tiles
    residual_bias: FloatArray
    skip_bias: FloatArray
    head: Tiles
    head_bias: FloatArray
    logits: Tiles
    logits_bias: FloatArray
    mixture: Mixture
    analysis: Analysis


class Sequences(NamedTuple):
    """Arrays of the sequences drawn side by side, ``(batch, ...)``.

    Attributes:
        rings: past inputs ``(batch, sum of the layers' delays, residual)``.
        recent: last steps ``(batch, start_kernel)``.
        conditioning: ``(batch, hops, layers, gate_channels)``, or no hops.
        steps: ``(batch, count)``, drawn or followed.
        uniforms: ``(batch, count)``, or none to follow.
        logits: ``(batch, count, classes)``, or none to draw.
        memory: of the linear predictor; without one it is of order 0.
    """

    rings: FloatArray
    recent: IntArray
    conditioning: FloatArray
    steps: IntArray
    uniforms: DoubleArray
    logits: FloatArray
    memory: Memory


def _tile_product(sequences: int, vectors: int) -> Any:
    """Make a function that adds one tile's part of a matrix product to the outputs of some sequences.

    LLVM makes of plain loops sums that go to memory after every few rows, which costs more than the arithmetic. Written
    in vectors they stay in registers from the first row to the last.

    Args:
        sequences: computed together, so that a weight is read once for all.
        vectors: of the tile's columns, computed together.

    Returns:
        ``function(tile (in, TILE), inputs (batch, in), first sequence, outputs (batch, out), first column)``.
    """
    floats, integers, halves = (ir.VectorType(kind, LANES) for kind in (ir.FloatType(), ir.IntType(32), ir.IntType(16)))
    index = ir.IntType(64)
    unset = ir.Constant(floats, ir.Undefined)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        tile, inputs, outputs = (
            context.make_array(signature.args[number])(context, builder, arguments[number]) for number in (0, 1, 3)
        )
        first_sequence, first_column = arguments[2], arguments[4]
        rows, width = builder.extract_value(tile.shape, 0), builder.extract_value(outputs.shape, 1)
        is_float = signature.args[0].dtype == types.float32

        def vector_at(data: Any, start: Any, number: int, kind: Any) -> Any:
            offset = builder.add(start, ir.Constant(index, number * LANES))
            return builder.bitcast(builder.gep(data, [offset]), kind.as_pointer())

        def weights_at(start: Any, number: int) -> Any:
            if is_float:
                return builder.load(vector_at(tile.data, start, number, floats), align=4)
            short = builder.load(vector_at(tile.data, start, number, halves), align=2)
            bits = builder.shl(builder.zext(short, integers), ir.Constant(integers, [16] * LANES))
            return builder.bitcast(bits, floats)

        def in_every_lane(number: Any) -> Any:
            first = builder.insert_element(unset, number, ir.Constant(ir.IntType(32), 0))
            return builder.shuffle_vector(first, unset, ir.Constant(integers, [0] * LANES))

        starts, sums = [], []
        for number in range(sequences):
            sequence = builder.add(first_sequence, ir.Constant(index, number))
            starts.append(builder.mul(sequence, rows))
            start = builder.add(builder.mul(sequence, width), first_column)
            for vector in range(vectors):
                target = vector_at(outputs.data, start, vector, floats)
                before = builder.load(target, align=4)
                register = cgutils.alloca_once_value(builder, before)  # type: ignore[no-untyped-call]
                sums.append((number, vector, register, target))
        column = builder.urem(first_column, ir.Constant(index, TILE))
        with cgutils.for_range(builder, rows) as loop:
            start = builder.add(builder.mul(loop.index, ir.Constant(index, TILE)), column)
            weights = [weights_at(start, vector) for vector in range(vectors)]
            values = [
                in_every_lane(builder.load(builder.gep(inputs.data, [builder.add(own, loop.index)]))) for own in starts
            ]
            for number, vector, register, _ in sums:
                product = builder.fmul(weights[vector], values[number], flags=("contract",))
                builder.store(builder.fadd(builder.load(register), product, flags=("contract",)), register)
        for _, _, register, target in sums:
            builder.store(builder.load(register), target, align=4)
        return context.get_dummy_value()

    @intrinsic
    def add_tile(typing: Any, tile: Any, inputs: Any, sequence: Any, outputs: Any, column: Any) -> Any:
        return types.void(tile, inputs, sequence, outputs, column), codegen

    return add_tile


_add_tile = _tile_product(1, TILE // LANES)
_add_tile_abreast = _tile_product(ABREAST, 1)


@compiled
def add_product(tiles: Tiles, inputs: FloatArray, outputs: FloatArray) -> None:
    """Add ``inputs (batch, in)`` times a tiled matrix to ``outputs (batch, out)``."""
    together = len(inputs) // ABREAST * ABREAST
    for number in range(len(tiles)):
        tile, column = tiles[number], number * TILE
        for sequence in range(0, together, ABREAST):
            for vector in range(column, column + TILE, LANES):
                _add_tile_abreast(tile, inputs, sequence, outputs, vector)
        for sequence in range(together, len(inputs)):
            _add_tile(tile, inputs, sequence, outputs, column)


@compiled
def tanh(x: np.float32) -> np.float32:
    """Rational approximation to 5e-7, of odd degree 13 over even degree 6 (the coefficients are Eigen's)."""
    limit = np.float32(7.90531110763549805)
    x = limit if x > limit else (-limit if x < -limit else x)
    square = x * x
    above = np.float32(-2.76076847742355e-16)
    above = above * square + np.float32(2.00018790482477e-13)
    above = above * square + np.float32(-8.60467152213735e-11)
    above = above * square + np.float32(5.12229709037114e-08)
    above = above * square + np.float32(1.48572235717979e-05)
    above = above * square + np.float32(6.37261928875436e-04)
    above = above * square + np.float32(4.89352455891786e-03)
    below = np.float32(1.19825839466702e-06)
    below = below * square + np.float32(1.18534705686654e-04)
    below = below * square + np.float32(2.26843463243900e-03)
    below = below * square + np.float32(4.89352518554385e-03)
    return x * above / below


@compiled
def copy_row(source: FloatArray, target: FloatArray) -> None:
    """Copy one row; an assignment to a slice takes seconds to compile."""
    for number in range(len(source)):
        target[number] = source[number]


@compiled
def _begin(weights: TiledWeights, recent: IntArray, step: int, hidden: FloatArray) -> None:
    """What one sequence's lowest layer sees, ``hidden (residual,)``: the first convolution from its tables."""
    start_kernel, hop, residual = weights.position_tables.shape
    copy_row(weights.start_bias, hidden)
    for tap in range(start_kernel):
        seen = step - (start_kernel - 1 - tap)
        if seen >= 0:
            for channel in range(residual):
                hidden[channel] += weights.position_tables[tap, seen % hop, channel]
        if seen >= 1:
            for channel in range(residual):
                hidden[channel] += weights.start_tables[tap, recent[tap], channel]


@compiled
def _recall(ring: FloatArray, step: int, hidden: FloatArray, taps: FloatArray) -> None:
    """Fill one sequence's ``taps (kernel, residual)`` from its ring, the last with ``hidden``; remember that too."""
    length, kernel = len(ring), len(taps)
    for tap in range(kernel - 1):
        copy_row(ring[(step + tap * (length // (kernel - 1))) % length], taps[tap])
    copy_row(hidden, taps[kernel - 1])
    # the oldest tap is read before it is overwritten: both lie in the same slot
    if length:
        copy_row(hidden, ring[step % length])


@compiled
def _gate(activation: FloatArray, gated: FloatArray) -> None:
    half = np.float32(0.5)
    batch, width = gated.shape
    for sequence in range(batch):
        for channel in range(width):
            sigmoid = half * tanh(half * activation[sequence, width + channel]) + half
            gated[sequence, channel] = tanh(activation[sequence, channel]) * sigmoid


@compiled
def _rectify(values: FloatArray) -> None:
    zero = np.float32(0.0)
    for sequence in range(values.shape[0]):
        for channel in range(values.shape[1]):
            values[sequence, channel] = zero if values[sequence, channel] < zero else values[sequence, channel]


@kept_on_disk
def advance(
    weights: TiledWeights, batch: Sequences, first: int, drawing: bool, temperature: float, top_p: float
) -> None:
    """Draw, or follow, the next steps of some sequences.

    Args:
        weights: of the network.
        batch: sequences; their steps (or logits), rings and recent steps are written.
        first: number of the first of these steps.
        drawing: draw the steps, rather than follow them and write their logits.
        temperature: see :func:`descant.sampling.draw.draw`.
        top_p: see :func:`descant.sampling.draw.draw`.
    """
    sequences, count = batch.steps.shape
    hop, residual = weights.position_tables.shape[1:]
    layers, (skip,) = len(weights.dilations), weights.head_bias.shape
    kernel = weights.convolution.shape[2] // residual
    half, held_half = weights.residual_skip.shape[2], batch.conditioning.shape[3] // 2
    taps = np.zeros((sequences, kernel, residual), np.float32)
    activation = np.zeros((sequences, 2 * half), np.float32)
    gated = np.zeros((sequences, half), np.float32)
    # the residual path, then the skip path
    paths = np.zeros((sequences, residual + skip), np.float32)
    skipped = np.zeros((sequences, skip), np.float32)
    head = np.zeros((sequences, skip), np.float32)
    logits = np.zeros((sequences, len(weights.logits_bias)), np.float32)
    classes = weights.start_tables.shape[1]
    probabilities = np.zeros(classes, np.float64)
    memory, every = batch.memory, batch.memory.past.shape[1] - len(weights.analysis.window)
    predicts = memory.coefficients.shape[1] > 0
    predicted = np.zeros((sequences, 2), np.float32)
    parts = np.zeros(len(weights.mixture.log_weights))
    for number in range(count):
        step = first + number
        if predicts and step % every == 0:
            prediction.begin_block(memory, weights.analysis)
        for sequence in range(sequences):
            _begin(weights, batch.recent[sequence], step, paths[sequence, :residual])
            if predicts:
                prediction.predict(memory, every, sequence, step, predicted[sequence])
                see_prediction(weights.mixture, predicted[sequence], memory.last[sequence], paths[sequence, :residual])
            copy_row(weights.skip_bias, paths[sequence, residual:])
        ring_start = 0
        for layer in range(layers):
            length = (kernel - 1) * weights.dilations[layer]
            for sequence in range(sequences):
                past = batch.rings[sequence, ring_start : ring_start + length]
                _recall(past, step, paths[sequence, :residual], taps[sequence])
                copy_row(weights.convolution_bias[layer], activation[sequence])
                if batch.conditioning.shape[1]:
                    held = batch.conditioning[sequence, number // hop, layer]
                    for channel in range(held_half):
                        activation[sequence, channel] += held[channel]
                        activation[sequence, half + channel] += held[held_half + channel]
                for channel in range(residual):
                    paths[sequence, channel] += weights.residual_bias[layer, channel]
            ring_start += length
            add_product(weights.convolution[layer], taps.reshape(sequences, kernel * residual), activation)
            _gate(activation, gated)
            add_product(weights.residual_skip[layer], gated, paths)
        for sequence in range(sequences):
            copy_row(paths[sequence, residual:], skipped[sequence])
            copy_row(weights.head_bias, head[sequence])
            copy_row(weights.logits_bias, logits[sequence])
        _rectify(skipped)
        add_product(weights.head, skipped, head)
        _rectify(head)
        add_product(weights.logits, head, logits)
        for sequence in range(sequences):
            own_logits, recent = logits[sequence, :classes], batch.recent[sequence]
            if predicts:
                mix(weights.mixture, logits[sequence], predicted[sequence], parts, probabilities)
            if drawing:
                if not predicts:
                    weigh(own_logits, temperature, probabilities)
                elif temperature != 1.0:
                    sharpen(probabilities, temperature)
                uniform = batch.uniforms[sequence, number]
                batch.steps[sequence, number] = pick(probabilities, uniform, top_p)
            elif predicts:
                for value in range(classes):
                    batch.logits[sequence, number, value] = np.float32(np.log(probabilities[value]))
            else:
                copy_row(own_logits, batch.logits[sequence, number])
            if predicts:
                sample = np.float64(SAMPLES[batch.steps[sequence, number]])
                prediction.learn(memory, every, sequence, step, sample, predicted[sequence])
            for tap in range(len(recent) - 1):
                recent[tap] = recent[tap + 1]
            recent[len(recent) - 1] = batch.steps[sequence, number]
