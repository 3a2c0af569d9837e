"""Rules for tokens of music in voices, as tests write them."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Rules:
    """A function that says the numbers of all tokens."""

    numbers: Callable[[Tensor, Tensor, int, int], Tensor]

    def __call__(self, tokens: Tensor, known: Tensor, step: int, voice: int) -> Tensor:
        return self.numbers(tokens, known, step, voice)

    def breaks(self, tokens: Tensor, known: Tensor, step: int, voice: int, drawn: Tensor) -> Tensor:
        return self.numbers(tokens, known, step, voice).gather(1, drawn[:, None])[:, 0] < 0
