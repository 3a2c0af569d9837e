"""Music in voices drawn, filled and redone: token after token, from uniforms that belong to each token's place."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from descant.errors import SamplingError
from descant.layers.part_lstm import Memory
from descant.sampling.draw import draw
from descant.sampling.engine import DrawSettings
from descant.seeds import counter_uniforms, derive_seed
from descant.systems.autoregressive_parts import AutoregressivePartsSystem, outer_first

# that a step is drawn until it keeps the rules; ours
TRIES = 16


class LogitMask(Protocol):
    """Rules for a token, as numbers that are added to its logits: 0 for what keeps them, below for what breaks them."""

    def __call__(self, tokens: Tensor, known: Tensor, step: int, voice: int) -> Tensor:
        """Numbers ``(batch, classes)``, minus infinity for what may not be drawn.

        Args:
            tokens: int64 ``(batch, steps, voices)``; to be read only, and only where they are known.
            known: bool, of the same shape: tokens that are fixed or drawn already.
            step: of the token.
            voice: of the token.
        """

    def breaks(self, tokens: Tensor, known: Tensor, step: int, voices: Sequence[int]) -> Tensor:
        """Which tokens drawn at a step have a number below 0, each given those before, bool ``(batch, voices drawn)``.

        Cheaper than the numbers of all tokens.

        Args:
            tokens: as for all numbers, and those that were drawn at the step.
            known: as for all numbers, before any was drawn there.
            step: of the tokens.
            voices: that were drawn, in their order; where one was fixed it is asked about for nothing.
        """


@torch.inference_mode()
def draw_parts(
    system: AutoregressivePartsSystem,
    tokens: Tensor,
    fixed: Tensor,
    seed: int,
    settings: DrawSettings | None = None,
    order: Sequence[int] | None = None,
    rules: LogitMask | None = None,
    stream: int = 0,
) -> Tensor:
    """Draw all tokens that are not fixed: to compose fix none, to fill voices fix the others.

    Token ``(step, voice)`` of sequence ``n`` is drawn with uniform ``step * voices + voice`` of stream ``stream + n``.

    Rules are kept by steps: all voices of a step are drawn as the network says them, again and again until none breaks
    a rule, so that a step comes as often as the network gives it among those that keep the rules. After
    :data:`TRIES` a step is drawn with the rules added to its logits, token by token.

    Args:
        system: ready for evaluation.
        tokens: int64 ``(batch, steps, voices)``; what is not fixed is not looked at.
        fixed: bool, of the same shape.
        seed: of the draws.
        settings: temperature and nucleus.
        order: voices in the order of a step; None takes the system's.
        rules: what a token breaks, as numbers below 0.
        stream: of uniform numbers, of the first sequence.

    Returns:
        int64 ``(batch, steps, voices)``, the fixed tokens as they were.

    Raises:
        SamplingError: when the rules leave nothing to draw, or steps are no whole measures where these have latents.
    """
    settings, order = settings or DrawSettings(), outer_first(system.voices) if order is None else order
    network = system.network
    check_measures(system, tokens.shape[1])
    batch = len(tokens)
    free = (~fixed).any(-1).any(0).nonzero()
    if not len(free):
        return tokens.clone()
    # what stands before the first free token is followed at once, what stands after the last one need not be
    first, last = int(free[0]), int(free[-1])
    memory, known = network.start(tokens.clone(), fixed, first), fixed.clone()
    for step in range(first, last + 1):
        network.begin_step(memory, step)
        if written := [voice for voice in order if not bool(fixed[:, step, voice].all())]:
            draw_step(system, memory, known, written, seed, range(stream, stream + batch), settings, rules)
    return memory.tokens


def check_measures(system: AutoregressivePartsSystem, steps: int) -> None:
    """Refuse steps that are no whole measures, where these have latents.

    Raises:
        SamplingError: naming how many would be.
    """
    measure = system.network.measure
    if system.network.latents is not None and steps % measure:
        cure = f"draw {-(-steps // measure) * measure} steps"
        raise SamplingError(f"{steps} steps are no whole measures of {measure}", cure)


def draw_step(
    system: AutoregressivePartsSystem,
    memory: Memory,
    known: Tensor,
    voices: Sequence[int],
    seed: int,
    streams: Sequence[int],
    settings: DrawSettings,
    rules: LogitMask | None,
) -> None:
    """Draw voices of a step that was begun, into the memory's tokens; see :func:`draw_parts`.

    Args:
        system: ready for evaluation.
        memory: of the network, at the step.
        known: bool ``(batch, steps, voices)``: tokens that are fixed or drawn already; those of the step are then, too.
        voices: to be drawn, in this order; where one is fixed in a sequence it stays there.
        seed: of the draws.
        streams: of uniform numbers, one a sequence.
        settings: temperature and nucleus.
        rules: what a token breaks.

    Raises:
        SamplingError: when the rules leave nothing to draw.
    """
    step, fixed = memory.step, known[:, memory.step].clone()
    unsettled = torch.ones(len(known), dtype=torch.bool, device=known.device)
    for attempt in range(TRIES + 1 if rules is not None else 1):
        uniforms = _uniforms(seed, attempt, streams, step, known.shape[2])
        for voice in voices:
            logits = system.network.say(memory, voice, known[:, step])
            if rules is not None and attempt == TRIES:
                logits = logits + rules(memory.tokens, known, step, voice)
                if not bool(logits.isfinite().any(-1).all()):
                    raise SamplingError(
                        f"the rules forbid every token of voice {voice + 1} at step {step}", "leave a rule out"
                    )
            drawn = draw(logits.cpu(), uniforms[:, voice], settings.temperature, settings.top_p).to(known.device)
            writes = unsettled & ~fixed[:, voice]
            memory.tokens[:, step, voice] = torch.where(writes, drawn, memory.tokens[:, step, voice])
            known[:, step, voice] = True
        if rules is None or attempt == TRIES:
            return
        known[:, step] = fixed
        broken = rules.breaks(memory.tokens, known, step, voices) & ~fixed[:, list(voices)]
        unsettled &= broken.any(1)
        if not bool(unsettled.any()):
            known[:, step, list(voices)] = True
            return


def _uniforms(seed: int, attempt: int, streams: Sequence[int], step: int, voices: int) -> Tensor:
    """Of the voices of a step, float64 ``(batch, voices)``: other ones for each attempt."""
    seed = derive_seed(seed, "attempt", attempt) if attempt else seed
    return torch.from_numpy(np.stack([counter_uniforms(seed, each, step * voices, voices) for each in streams]))


def redraw_parts(
    system: AutoregressivePartsSystem,
    tokens: Tensor,
    fixed: Tensor,
    sweeps: int,
    seed: int,
    settings: DrawSettings | None = None,
    rules: LogitMask | None = None,
) -> Tensor:
    """Blocked Gibbs sampling (Huang et al. 2017): again and again a measure of one voice is drawn given all the rest.

    Every sweep goes through all measures of all voices in an order of its own; what is fixed in them stays.

    Args:
        system: ready for evaluation.
        tokens: int64 ``(batch, steps, voices)``, all of them music.
        fixed: bool, of the same shape.
        sweeps: how many.
        seed: of orders and draws.
        settings: temperature and nucleus.
        rules: as for :func:`draw_parts`.

    Returns:
        int64 ``(batch, steps, voices)``.

    Raises:
        SamplingError: as :func:`draw_parts`.
    """
    measure, voices = system.network.measure, system.voices
    places = [(start, voice) for start in range(0, tokens.shape[1], measure) for voice in range(voices)]
    for sweep in range(sweeps):
        order = np.argsort(counter_uniforms(derive_seed(seed, "order"), sweep, 0, len(places)))
        for turn, place in enumerate(order):
            start, voice = places[place]
            rest = torch.ones_like(fixed)
            rest[:, start : start + measure, voice] = fixed[:, start : start + measure, voice]
            tokens = draw_parts(system, tokens, rest, derive_seed(seed, "redraw", sweep, turn), settings, None, rules)
    return tokens
