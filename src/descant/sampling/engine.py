"""What every sampling engine offers."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class DrawSettings:
    """How classes are drawn from logits."""

    temperature: float = 1.0
    top_p: float = 1.0


class Engine(Protocol):
    """Draws steps one after another and remembers what the next ones depend on.

    A fresh engine stands before the first step. The draw is told from outside (uniform numbers by position), so the
    same numbers give the same steps whatever the engine, as far as floats agree.
    """

    def generate(self, uniforms: Tensor, layer_conditioning: Tensor | None) -> Tensor:
        """Draw the next steps.

        Args:
            uniforms: float64 ``(batch, count)`` in [0, 1).
            layer_conditioning: ``(batch, count / hop, layers, gate_channels)`` from
                :meth:`descant.layers.wavenet.WaveNet.layer_conditioning`, or None.

        Returns:
            int64 ``(batch, count)``.
        """

    def state(self) -> dict[str, Tensor]:
        """Tensors that the next steps depend on, by name; enough to go on exactly."""

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Stand where :meth:`state` was taken."""
