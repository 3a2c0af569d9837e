"""An RMVAE's tasks (Vignal 2020): to go on, to fill voices, to redo all of them; by measures, the likeliest notes.

A measure is predicted from those that end ``offset`` before it, eight at the most, with latents at their means.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from descant.scores.parts import MEASURE
from descant.systems.rmvae import BaseRMVAE

# measures that the thesis's networks read
CONTEXT = 8


def _predicted(system: BaseRMVAE, tokens: Tensor, at: int, mask: Tensor) -> Tensor:
    """Measure number ``at``, int64 ``(batch, 16, voices, …)``, of those before it; bool ``(voices,)``: who is there."""
    stop = at - system.settings.offset + 1
    read = tokens[:, max(0, stop - CONTEXT) * MEASURE : stop * MEASURE]
    kept = mask.expand(len(read), read.shape[1] // MEASURE, -1)
    return system.likeliest(system.predict(read, kept)[:, -1])


@torch.inference_mode()
def go_on(system: BaseRMVAE, tokens: Tensor, measures: int) -> Tensor:
    """Append measures.

    Args:
        system: ready for evaluation.
        tokens: int64 ``(batch, steps, voices, …)``, whole measures, as many as the system's offset at least.
        measures: how many.

    Returns:
        int64 ``(batch, steps + 16 * measures, voices, …)``.
    """
    everyone = torch.ones(system.voices, dtype=torch.bool, device=tokens.device)
    for at in range(tokens.shape[1] // MEASURE, tokens.shape[1] // MEASURE + measures):
        tokens = torch.cat([tokens, _predicted(system, tokens, at, everyone)], 1)
    return tokens


@torch.inference_mode()
def fill(system: BaseRMVAE, tokens: Tensor, voices: Sequence[int]) -> Tensor:
    """Write voices anew from the others, which stay; theirs of before is not looked at.

    Of the first measures, as many as the system's offset, nothing can be predicted: there they rest.

    Args:
        system: ready for evaluation.
        tokens: int64 ``(batch, steps, voices, …)``, whole measures.
        voices: to be written.

    Returns:
        int64, of the same shape.
    """
    filled, missing = tokens.clone(), list(voices)
    mask = torch.ones(system.voices, dtype=torch.bool, device=tokens.device)
    mask[missing] = False
    first = system.settings.offset * MEASURE
    filled[:, :first, missing] = system.silence(first).to(tokens.device)[:, missing]
    for at in range(system.settings.offset, tokens.shape[1] // MEASURE):
        said = _predicted(system, tokens, at, mask)
        filled[:, at * MEASURE : (at + 1) * MEASURE, missing] = said[:, :, missing]
    return filled


def redo(system: BaseRMVAE, tokens: Tensor, order: Sequence[int]) -> Tensor:
    """Fill one voice after another, each from the others as they have become; see :func:`fill`."""
    for voice in order:
        tokens = fill(system, tokens, [voice])
    return tokens
