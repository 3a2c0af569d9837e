"""What every sampling engine offers."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from descant.config.models import EngineName, Precision

# of the graph engine; blocks of a multiple of it are all replayed
STEPS_PER_REPLAY = 16


@dataclass(frozen=True)
class DrawSettings:
    """How classes are drawn from logits.

    Attributes:
        temperature: logits are divided by it.
        top_p: nucleus; 1 keeps all classes.
        guidance: how far logits go from those without labels to those with them, and beyond; 1 has them.
        loudest: of :meth:`descant.layers.wavenet.WaveNet.damped`.
        top_k: classes that are kept before the nucleus is, of transformers; 0 keeps all.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    guidance: float = 1.0
    loudest: float | None = None
    top_k: int = 0


@dataclass(frozen=True)
class EngineSettings:
    """Which engine draws, and in which numbers.

    Attributes:
        name: ``auto`` takes the fastest that works here.
        precision: ``float32``; ``bfloat16_weights`` (weights rounded once to 16 bits, everything else as in float32);
            ``bfloat16`` (activations too: faster where the machine has such arithmetic, and its logits move).
        threads: CPU threads; sequences are dealt to them, and what is drawn does not depend on their number.
    """

    name: EngineName = "auto"
    precision: Precision = "float32"
    threads: int = 1


class Engine(Protocol):
    """Goes along sequences step after step and remembers what the next steps depend on.

    A fresh engine stands before the first step. Whoever calls it gives the uniform numbers, by position, so the same
    numbers give the same steps whatever the engine, as far as floats agree. What is remembered is the engine's
    own affair: rings of a convolution's inputs, or the keys and values of attention.
    """

    @property
    def name(self) -> EngineName:
        """The name it is asked for by."""

    def generate(self, uniforms: Tensor, conditioning: Tensor | None) -> Tensor:
        """Draw the next steps.

        Args:
            uniforms: float64 ``(batch, count)`` in [0, 1), on the CPU.
            conditioning: of the same steps, one entry for each hop of them, as the network's ``layer_conditioning``
                gives it; of a WaveNet ``(batch, count / hop, layers, gate_channels)``; None without. With it, a call
                begins at a multiple of the hop; its last hop may be cut short.

        Returns:
            int64 ``(batch, count)``, on the CPU.
        """

    def follow(self, steps: Tensor, conditioning: Tensor | None) -> Tensor:
        """Go along given steps instead of drawing them.

        Args:
            steps: int64 ``(batch, count)``, on the CPU.
            conditioning: as for :meth:`generate`.

        Returns:
            Logits of each step given those before it, float32 ``(batch, count, classes)``, on the CPU.
        """

    def state(self) -> dict[str, Tensor]:
        """Tensors that the next steps depend on, by name; enough to go on exactly."""

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Stand where :meth:`state` was taken, by an engine of the same name."""
