"""From logits and a uniform number to a class, the same for every engine."""

import torch
from torch import Tensor


def draw(logits: Tensor, uniforms: Tensor, temperature: float, top_p: float, top_k: int = 0) -> Tensor:
    """Draw by the inverse of the cumulative distribution.

    Args:
        logits: ``(batch, classes)``.
        uniforms: float64 ``(batch,)`` in [0, 1).
        temperature: logits are divided by it.
        top_p: keep the fewest classes whose probability reaches it (Holtzman et al. 2020); 1 keeps all.
        top_k: keep so many of the most probable classes (Fan et al. 2018), before the nucleus is; 0 keeps all.

    Returns:
        int64 ``(batch,)``.
    """
    probabilities = torch.softmax(logits.double() / temperature, dim=-1)
    if top_k:
        probabilities = most_probable(probabilities, top_k)
    if top_p < 1:
        probabilities = nucleus(probabilities, top_p)
    cumulative = probabilities.cumsum(-1)
    # scaled by the sum actually reached, so that no uniform number lies beyond the last class
    return torch.searchsorted(cumulative, (uniforms * cumulative[:, -1])[:, None], right=True)[:, 0].clamp(
        max=logits.shape[-1] - 1
    )


def nucleus(probabilities: Tensor, top_p: float) -> Tensor:
    """Set to zero all classes outside the nucleus; the most probable class always stays."""
    ordered, order = probabilities.sort(stable=True, dim=-1, descending=True)
    outside = ordered.cumsum(-1) - ordered >= top_p
    return probabilities.scatter(-1, order, ordered.masked_fill(outside, 0.0))


def most_probable(probabilities: Tensor, top_k: int) -> Tensor:
    """Set to zero all but so many of the most probable classes; of equal ones the first stay. The others sum to 1."""
    order = probabilities.sort(stable=True, dim=-1, descending=True).indices
    kept = probabilities.scatter(-1, order[..., top_k:], 0.0)
    return kept / kept.sum(-1, keepdim=True)
