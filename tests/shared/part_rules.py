"""Rules for tokens of music in voices, as tests write them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Rules:
    """A function that says the numbers of all tokens."""

    numbers: Callable[[Tensor, Tensor, int, int], Tensor]

    def __call__(self, tokens: Tensor, known: Tensor, step: int, voice: int) -> Tensor:
        return self.numbers(tokens, known, step, voice)

    def breaks(self, tokens: Tensor, known: Tensor, step: int, voices: Sequence[int]) -> Tensor:
        known, found = known.clone(), []
        for voice in voices:
            numbers = self.numbers(tokens, known, step, voice)
            found.append(numbers.gather(1, tokens[:, step, voice, None])[:, 0] < 0)
            known[:, step, voice] = True
        return torch.stack(found, 1)
