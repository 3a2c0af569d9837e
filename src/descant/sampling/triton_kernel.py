# ruff: noqa: N803 (arguments that are compiled in are in capitals, the custom among Triton kernels)
"""The kernel of the triton engine: one program goes along a tile of sequences for as many steps as it is asked.

No program waits for another. Weights stream from the L2 cache; what layers remember lies in rings in global memory;
sums are float32, the draw float64. Widths are powers of two, padded with zeros.
"""

import math
from collections.abc import Callable
from typing import Any

import triton  # type: ignore[import-untyped]
import triton.language as tl  # type: ignore[import-untyped]

from descant.audio import mulaw
from descant.layers import prediction
from descant.prediction import constants

# numbers of linear prediction, as the kernel takes them
MU, LOG_MU = tl.constexpr(mulaw.MU), tl.constexpr(math.log1p(mulaw.MU))
ERROR_DIVISOR, LOG_DIVISOR = tl.constexpr(prediction.ERROR_DIVISOR), tl.constexpr(prediction.LOG_DIVISOR)
MOST_ERROR, MOST_WIDENING = tl.constexpr(prediction.MOST_ERROR), tl.constexpr(prediction.MOST_WIDENING)
SCALE_RATE, SCALE_SHARE = tl.constexpr(constants.SCALE_RATE), tl.constexpr(constants.SCALE_SHARE)
LEAST_SCALE = tl.constexpr(constants.LEAST_SCALE)

compiled: Callable[[Callable[..., Any]], Any] = triton.jit
# their values change from call to call: one compilation serves them all
compiled_once: Callable[[Callable[..., Any]], Any] = triton.jit(
    do_not_specialize=["follows", "batch", "first_step", "begin", "end", "stride", "hops"]
)


@compiled
def product(
    left: tl.tensor, weight: tl.tensor, total: tl.tensor, PARTS: tl.constexpr, OPERANDS: tl.constexpr
) -> tl.tensor:
    """``total + left @ weight`` in float32.

    Weights of bfloat16 meet ``left`` as a sum of so many bfloat16 numbers (three hold a float32 exactly), as the
    operands' type; weights of float32 are split alike by Triton (tf32x3).
    """
    if weight.dtype == tl.float32:
        total = tl.dot(left, weight, total, input_precision="tf32x3")
    else:
        for _ in tl.static_range(PARTS):
            part = left.to(tl.bfloat16)
            total = tl.dot(part.to(OPERANDS), weight.to(OPERANDS), total)
            left -= part.to(tl.float32)
    return total


@compiled
def blocked_product(
    left: tl.tensor,
    weight: tl.tensor,
    total: tl.tensor,
    TILE: tl.constexpr,
    WIDTH: tl.constexpr,
    WIDTH_OUT: tl.constexpr,
    BLOCK: tl.constexpr,
    PARTS: tl.constexpr,
    OPERANDS: tl.constexpr,
) -> tl.tensor:
    """``total + left @ weight`` of matrices in memory, block by block of the inner dimension."""
    row, inner, column = tl.arange(0, TILE)[:, None], tl.arange(0, BLOCK), tl.arange(0, WIDTH_OUT)[None, :]
    for start in range(0, WIDTH, BLOCK):
        total = product(
            tl.load(left + row * WIDTH + (start + inner)[None, :]),
            tl.load(weight + (start + inner)[:, None] * WIDTH_OUT + column),
            total,
            PARTS,
            OPERANDS,
        )
    return total


@compiled
def nucleus(probabilities: tl.tensor, logits: tl.tensor, top_p: tl.tensor) -> tl.tensor:
    """Set to zero all classes outside the nucleus, as :func:`descant.sampling.draw.nucleus` does, without a sort.

    A class is kept while the classes before it (more probable, or as probable and of lower number) have less than
    ``top_p``. The least logit kept is searched bit by bit, among integers in the order of the floats.
    """
    # minus zero is no less than zero
    bits = tl.where(logits == 0, 0.0, logits).to(tl.int32, bitcast=True)
    order = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).to(tl.int64)
    least = tl.full([logits.shape[0]], 0x7FFFFFFF, tl.int64)
    bit = tl.full([1], 0x80000000, tl.int64)
    for _ in range(32):
        candidate = least - bit
        above = tl.sum(tl.where(order > candidate[:, None], probabilities, 0.0), axis=1)
        least = tl.where(above < top_p, candidate, least)
        bit = bit >> 1
    above = tl.sum(tl.where(order > least[:, None], probabilities, 0.0), axis=1)
    tied = (order == least[:, None]).to(tl.int32)
    before = above[:, None] + (tl.cumsum(tied, axis=1) - 1) * probabilities
    kept = (order > least[:, None]) | ((tied == 1) & (before < top_p))
    return tl.where(kept, probabilities, 0.0)


@compiled
def drawn_class(
    logits: tl.tensor, uniforms: tl.tensor, settings: tl.tensor, CLASSES: tl.constexpr, NUCLEUS: tl.constexpr
) -> tl.tensor:
    """Draw as :func:`descant.sampling.draw.draw` does; ``settings`` points to temperature and top_p."""
    scaled = logits.to(tl.float64) / tl.load(settings)
    probabilities = tl.exp(scaled - tl.max(scaled, axis=1)[:, None])
    probabilities /= tl.sum(probabilities, axis=1)[:, None]
    if NUCLEUS:
        probabilities = nucleus(probabilities, logits, tl.load(settings + 1))
    cumulative = tl.cumsum(probabilities, axis=1)
    reached = uniforms * tl.sum(probabilities, axis=1)
    return tl.minimum(tl.sum((cumulative <= reached[:, None]).to(tl.int32), axis=1), CLASSES - 1)


@compiled
def share_within(width: tl.tensor) -> tl.tensor:
    """``1 - exp(-width)``; of small widths by the series, as the difference would lose its digits."""
    return tl.where(width < 0.03, width * (1.0 - width / 2 * (1.0 - width / 3)), 1.0 - tl.exp(-width))


@compiled
def column_of(outputs: tl.tensor, number: tl.tensor, OUTPUTS: tl.constexpr) -> tl.tensor:
    """One column of ``outputs`` ``(TILE, OUTPUTS)``."""
    return tl.sum(tl.where(tl.arange(0, OUTPUTS)[None, :] == number, outputs, 0.0), axis=1)


@compiled
def mixed(
    logits: tl.tensor,
    outputs: tl.tensor,
    sample: tl.tensor,
    scale: tl.tensor,
    log_weights: tl.tensor,
    widths: tl.tensor,
    edges: tl.tensor,
    CLASSES: tl.constexpr,
    LOGITS: tl.constexpr,
    MIXTURE: tl.constexpr,
    OUTPUTS: tl.constexpr,
) -> tl.tensor:
    """Log-probabilities by :meth:`descant.layers.prediction.PredictionMixture.log_probabilities`.

    Its parts are added as probabilities, which takes less code: one that float32 does not hold is 0.
    """
    column, number = tl.arange(0, OUTPUTS), tl.arange(0, LOGITS)
    inside = number < CLASSES
    weights = outputs + tl.load(log_weights + column, mask=column <= MIXTURE, other=float("-inf"))[None, :]
    highest = tl.max(weights, axis=1)[:, None]
    weights = tl.exp(weights - highest)
    weights /= tl.sum(weights, axis=1)[:, None]
    highest = tl.max(logits, axis=1)[:, None]
    free = tl.exp(logits - highest)
    total = free * (column_of(weights, MIXTURE, OUTPUTS) / tl.sum(free, axis=1))[:, None]
    low_edge = tl.load(edges + number, mask=inside, other=0.0)[None, :]
    high_edge = tl.load(edges + number + 1, mask=inside, other=1.0)[None, :]
    for part in range(MIXTURE):
        shift = column_of(outputs, MIXTURE + 1 + part, OUTPUTS)
        widening = column_of(outputs, 2 * MIXTURE + 1 + part, OUTPUTS)
        widened = tl.exp(tl.clamp(widening, -MOST_WIDENING, MOST_WIDENING))
        own = scale * tl.load(widths + part) * widened
        mean, own = (sample + shift * own)[:, None], own[:, None]
        above, below = 1.0 + tl.exp((mean - high_edge) / own), 1.0 + tl.exp((low_edge - mean) / own)
        share = share_within((high_edge - low_edge) / own) * column_of(weights, part, OUTPUTS)[:, None]
        total += share / above / below
    return tl.where(inside[None, :], tl.log(total), float("-inf"))


@compiled_once
def walk(
    start_rows: tl.tensor,
    start_tables: tl.tensor,
    filters: tl.tensor,
    gates: tl.tensor,
    filter_bias: tl.tensor,
    gate_bias: tl.tensor,
    residual: tl.tensor,
    residual_bias: tl.tensor,
    skip: tl.tensor,
    skip_bias: tl.tensor,
    head: tl.tensor,
    head_bias: tl.tensor,
    logits_weight: tl.tensor,
    logits_bias: tl.tensor,
    dilations: tl.tensor,
    offsets: tl.tensor,
    history: tl.tensor,
    rings: tl.tensor,
    scratch: tl.tensor,
    inputs: tl.tensor,
    outputs_weight: tl.tensor,
    outputs_bias: tl.tensor,
    log_weights: tl.tensor,
    widths: tl.tensor,
    edges: tl.tensor,
    samples: tl.tensor,
    past: tl.tensor,
    coefficients: tl.tensor,
    scales: tl.tensor,
    last: tl.tensor,
    conditioning: tl.tensor,
    settings: tl.tensor,
    uniforms: tl.tensor,
    drawn: tl.tensor,
    given: tl.tensor,
    logits_out: tl.tensor,
    follows: tl.tensor,
    batch: tl.tensor,
    first_step: tl.tensor,
    begin: tl.tensor,
    end: tl.tensor,
    stride: tl.tensor,
    hops: tl.tensor,
    CONDITIONED: tl.constexpr,
    NUCLEUS: tl.constexpr,
    CLASSES: tl.constexpr,
    HOP: tl.constexpr,
    HALF: tl.constexpr,
    LAYERS: tl.constexpr,
    TAPS: tl.constexpr,
    START_TAPS: tl.constexpr,
    TILE: tl.constexpr,
    RESIDUAL: tl.constexpr,
    GATED: tl.constexpr,
    SKIP: tl.constexpr,
    LOGITS: tl.constexpr,
    MIXTURE: tl.constexpr,
    OUTPUTS: tl.constexpr,
    ORDER: tl.constexpr,
    ORDER_WIDE: tl.constexpr,
    EVERY: tl.constexpr,
    WINDOW: tl.constexpr,
    BLOCK: tl.constexpr,
    WIDEST: tl.constexpr,
    IN_BLOCKS: tl.constexpr,
    PARTS: tl.constexpr,
    OPERANDS: tl.constexpr,
) -> None:
    """Draw steps ``begin … end - 1`` of ``stride`` into ``drawn``, or follow those ``given`` and write their logits.

    Arguments in capitals are compiled in; the last widths are padded ones. Pointers, row-major: weights as
    :class:`descant.sampling.triton_engine.PackedWeights` has them; ``history`` ``(sequences, START_TAPS)`` int32, the
    class drawn at step ``t`` in slot ``t % START_TAPS``; ``rings`` ``(sequences, rows, RESIDUAL)``, of layer ``l``
    from row ``offsets[l]`` on, one row more than its longest delay; ``scratch`` ``(programs, 2, TILE, SKIP)``;
    ``conditioning`` ``(batch, hops, LAYERS, 2 * HALF)``; ``settings`` temperature and top_p; ``uniforms``, ``drawn``
    and ``given`` ``(batch, stride)``; ``logits_out`` ``(batch, stride, CLASSES)``; step ``begin`` of them has number
    ``first_step``. With a linear predictor, of ``MIXTURE`` logistic parts, all steps are of one block of it; ``past``,
    ``coefficients``, ``scales`` and ``last`` are its memory, as :class:`descant.prediction.kernels.Memory` has it.
    """
    program = tl.program_id(0).to(tl.int64)
    row = tl.arange(0, TILE)
    sequence = program * TILE + row
    real = sequence < batch
    channel = tl.arange(0, RESIDUAL)
    half = tl.arange(0, GATED)
    width = tl.arange(0, SKIP)
    classes = tl.arange(0, LOGITS)
    ring_rows = tl.load(offsets + LAYERS)
    rings += program * TILE * ring_rows * RESIDUAL
    entry = row[:, None] * ring_rows * RESIDUAL + channel[None, :]
    scratch += program * 2 * TILE * WIDEST
    within = tl.arange(0, BLOCK)
    scratch_entry = row[:, None] * SKIP + width[None, :]
    lag = tl.arange(0, ORDER_WIDE)
    # rows of a product that are no sequence remember nothing
    seen_past = real[:, None] & (lag < ORDER)[None, :]
    for place in range(begin, end):
        step = first_step + place - begin
        early = START_TAPS - 1
        start_row = tl.where(step < early, step, early + (step - early + HOP) % HOP)
        hidden = tl.zeros((TILE, RESIDUAL), tl.float32) + tl.load(start_rows + start_row * RESIDUAL + channel)[None, :]
        for start_tap in range(START_TAPS):
            before = tl.load(history + sequence * START_TAPS + (step + start_tap) % START_TAPS)
            table = start_tables + start_tap * (CLASSES + 1) * RESIDUAL
            hidden += tl.load(table + before[:, None] * RESIDUAL + channel[None, :])
        if MIXTURE:
            now = past + sequence * (WINDOW + EVERY) + WINDOW + step % EVERY
            heard = tl.load(now[:, None] - ORDER + lag[None, :], mask=seen_past, other=0.0).to(tl.float64)
            weight = tl.load(coefficients + sequence[:, None] * ORDER + lag[None, :], mask=seen_past, other=0.0)
            sample = tl.sum(heard * weight.to(tl.float64), axis=1)
            sample = tl.minimum(tl.maximum(sample, -1.0), 1.0).to(tl.float32)
            mean_error = tl.load(scales + sequence, mask=real, other=1.0)
            scale = mean_error.to(tl.float32)
            size = tl.log(tl.abs(sample) * MU + 1.0) / LOG_MU
            error = tl.load(last + sequence, mask=real, other=0.0) / ERROR_DIVISOR
            error = tl.clamp(error, -MOST_ERROR, MOST_ERROR)
            quiet = tl.log(scale) / LOG_DIVISOR + 1.0
            hidden += tl.where(sample < 0, -size, size)[:, None] * tl.load(inputs + channel)[None, :]
            hidden += error[:, None] * tl.load(inputs + RESIDUAL + channel)[None, :]
            hidden += quiet[:, None] * tl.load(inputs + 2 * RESIDUAL + channel)[None, :]

        skip_sum = tl.zeros((TILE, SKIP), tl.float32) + tl.load(skip_bias + width)[None, :]
        for layer in range(LAYERS):
            dilation = tl.load(dilations + layer)
            length = (TAPS - 1) * dilation + 1
            ring = rings + tl.load(offsets + layer) * RESIDUAL
            filtered = tl.zeros((TILE, GATED), tl.float32) + tl.load(filter_bias + layer * GATED + half)[None, :]
            gate = tl.zeros((TILE, GATED), tl.float32) + tl.load(gate_bias + layer * GATED + half)[None, :]
            if CONDITIONED:
                held = conditioning + ((sequence * hops + place // HOP) * LAYERS + layer)[:, None] * 2 * HALF
                inside = real[:, None] & (half < HALF)[None, :]
                filtered += tl.load(held + half[None, :], mask=inside, other=0.0)
                gate += tl.load(held + HALF + half[None, :], mask=inside, other=0.0)
            # of the past only: the ring is one longer than the longest delay
            tl.store(ring + step % length * RESIDUAL + entry, hidden)
            if IN_BLOCKS:
                # the present tap is read from the ring too
                tl.debug_barrier()
            for tap in tl.static_range(TAPS):
                slot = (step + tap * dilation + 1) % length
                first_row = (layer * TAPS + tap) * RESIDUAL
                if IN_BLOCKS:
                    for start in range(0, RESIDUAL, BLOCK):
                        rows = row[:, None] * ring_rows * RESIDUAL + (start + within)[None, :]
                        seen = tl.load(ring + slot * RESIDUAL + rows)
                        matrix = (first_row + start + within)[:, None] * GATED + half[None, :]
                        filtered = product(seen, tl.load(filters + matrix), filtered, PARTS, OPERANDS)
                        gate = product(seen, tl.load(gates + matrix), gate, PARTS, OPERANDS)
                else:
                    if tap < TAPS - 1:  # noqa: SIM108 (Triton compiles the one branch only)
                        seen = tl.load(ring + slot * RESIDUAL + entry)
                    else:
                        seen = hidden
                    matrix = (first_row + channel)[:, None] * GATED + half[None, :]
                    filtered = product(seen, tl.load(filters + matrix), filtered, PARTS, OPERANDS)
                    gate = product(seen, tl.load(gates + matrix), gate, PARTS, OPERANDS)
            gated = (2 * tl.sigmoid(2 * filtered) - 1) * tl.sigmoid(gate)
            hidden += tl.load(residual_bias + layer * RESIDUAL + channel)[None, :]
            if IN_BLOCKS:
                # beside what the head reads; the barrier of the next layer's taps stands before its next use
                gated_at = scratch + TILE * WIDEST + row[:, None] * GATED
                tl.store(gated_at + half[None, :], gated)
                tl.debug_barrier()
                for start in range(0, GATED, BLOCK):
                    part = tl.load(gated_at + (start + within)[None, :])
                    inner = (layer * GATED + start + within)[:, None]
                    skip_sum = product(part, tl.load(skip + inner * SKIP + width[None, :]), skip_sum, PARTS, OPERANDS)
                    outward = tl.load(residual + inner * RESIDUAL + channel[None, :])
                    hidden = product(part, outward, hidden, PARTS, OPERANDS)
            else:
                inner = (layer * GATED + half)[:, None]
                skip_sum = product(gated, tl.load(skip + inner * SKIP + width[None, :]), skip_sum, PARTS, OPERANDS)
                outward = tl.load(residual + inner * RESIDUAL + channel[None, :])
                hidden = product(gated, outward, hidden, PARTS, OPERANDS)

        tl.store(scratch + scratch_entry, tl.maximum(skip_sum, 0.0))
        tl.debug_barrier()
        head_sum = tl.zeros((TILE, SKIP), tl.float32) + tl.load(head_bias + width)[None, :]
        head_sum = blocked_product(scratch, head, head_sum, TILE, SKIP, SKIP, BLOCK, PARTS, OPERANDS)
        tl.store(scratch + TILE * WIDEST + scratch_entry, tl.maximum(head_sum, 0.0))
        tl.debug_barrier()
        logits = tl.zeros((TILE, LOGITS), tl.float32) + tl.load(logits_bias + classes)[None, :]
        logits = blocked_product(
            scratch + TILE * WIDEST, logits_weight, logits, TILE, SKIP, LOGITS, BLOCK, PARTS, OPERANDS
        )
        if MIXTURE:
            outputs = tl.zeros((TILE, OUTPUTS), tl.float32) + tl.load(outputs_bias + tl.arange(0, OUTPUTS))[None, :]
            outputs = blocked_product(
                scratch + TILE * WIDEST, outputs_weight, outputs, TILE, SKIP, OUTPUTS, BLOCK, PARTS, OPERANDS
            )
            logits = mixed(
                logits, outputs, sample, scale, log_weights, widths, edges, CLASSES, LOGITS, MIXTURE, OUTPUTS
            )

        at = sequence * stride + place
        if follows:
            chosen = tl.load(given + at, mask=real, other=0).to(tl.int32)
            out = logits_out + at[:, None] * CLASSES + classes[None, :]
            tl.store(out, logits, mask=real[:, None] & (classes < CLASSES)[None, :])
        else:
            numbers = tl.load(uniforms + at, mask=real, other=0.0)
            chosen = drawn_class(logits, numbers, settings, CLASSES, NUCLEUS)
            tl.store(drawn + at, chosen.to(tl.int64), mask=real)
        tl.store(history + sequence * START_TAPS + step % START_TAPS, chosen)
        if MIXTURE:
            value = tl.load(samples + chosen, mask=real, other=0.0)
            tl.store(now, value, mask=real)
            wrong = (value.to(tl.float64) - sample.to(tl.float64)).to(tl.float32)
            tl.store(last + sequence, wrong / scale, mask=real)
            sized = tl.maximum(tl.abs(wrong.to(tl.float64)) * SCALE_SHARE, LEAST_SCALE)
            tl.store(scales + sequence, mean_error + (sized - mean_error) * SCALE_RATE, mask=real)
        # other threads read in the next step what this one wrote to the rings, the history and the predictor's past
        tl.debug_barrier()
