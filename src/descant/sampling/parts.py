"""Music in voices drawn, filled and redone: token after token, from uniforms that belong to each token's place."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from descant.errors import SamplingError
from descant.sampling.draw import draw
from descant.sampling.engine import DrawSettings
from descant.seeds import counter_uniforms, derive_seed
from descant.systems.autoregressive_parts import AutoregressivePartsSystem, outer_first


class LogitMask(Protocol):
    """Rules for a token, as numbers that are added to its logits before it is drawn."""

    def __call__(self, tokens: Tensor, known: Tensor, step: int, voice: int) -> Tensor:
        """Numbers ``(batch, classes)``, minus infinity for what may not be drawn.

        Args:
            tokens: int64 ``(batch, steps, voices)``; to be read only, and only where they are known.
            known: bool, of the same shape: tokens that are fixed or drawn already.
            step: of the token.
            voice: of the token.
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

    Args:
        system: ready for evaluation.
        tokens: int64 ``(batch, steps, voices)``; what is not fixed is not looked at.
        fixed: bool, of the same shape.
        seed: of the draws.
        settings: temperature and nucleus.
        order: voices in the order of a step; None takes the system's.
        rules: added to the logits.
        stream: of uniform numbers, of the first sequence.

    Returns:
        int64 ``(batch, steps, voices)``, the fixed tokens as they were.

    Raises:
        SamplingError: when the rules leave nothing to draw, or steps are no whole measures where these have latents.
    """
    settings, order = settings or DrawSettings(), outer_first(system.voices) if order is None else order
    network = system.network
    batch, steps, voices = tokens.shape
    if network.latents is not None and steps % network.measure:
        raise SamplingError(
            f"{steps} steps are no whole measures of {network.measure}",
            f"draw {-(-steps // network.measure) * network.measure} steps",
        )
    streams = range(stream, stream + batch)
    uniforms = torch.from_numpy(np.stack([counter_uniforms(seed, each, 0, steps * voices) for each in streams]))
    free = (~fixed).any(-1).any(0).nonzero()
    if not len(free):
        return tokens.clone()
    # what stands before the first free token is followed at once, what stands after the last one need not be
    first, last = int(free[0]), int(free[-1])
    memory, known = network.start(tokens.clone(), fixed, first), fixed.clone()
    for step in range(first, last + 1):
        network.begin_step(memory, step)
        for voice in order:
            if bool(fixed[:, step, voice].all()):
                continue
            logits = network.say(memory, voice, known[:, step])
            if rules is not None:
                logits = logits + rules(memory.tokens, known, step, voice)
                if not bool(logits.isfinite().any(-1).all()):
                    raise SamplingError(
                        f"the rules forbid every token of voice {voice + 1} at step {step}", "leave a rule out"
                    )
            drawn = draw(logits.cpu(), uniforms[:, step * voices + voice], settings.temperature, settings.top_p)
            kept = fixed[:, step, voice]
            memory.tokens[:, step, voice] = torch.where(
                kept, memory.tokens[:, step, voice], drawn.to(memory.tokens.device)
            )
            known[:, step, voice] = True
    return memory.tokens


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
        rules: added to the logits.

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
