"""Windows that slide (Jukebox): what a transformer sees begins anew every so many steps, its end seen once more.

A cache that rolls on, as transformers here have one, re-encodes nothing. But what is drawn is then seen with a past
longer than any training window; sliding draws as the network was trained, at the price of the steps seen again.
"""

import math

import torch
from torch import Tensor

from descant.config.models import EngineName
from descant.sampling.engine import Engine


def window_starts(steps: int, context: int, slide: int) -> tuple[int, ...]:
    """First step of each window; the last is moved back to end with the sequence.

    Args:
        steps: of the sequence.
        context: of a window.
        slide: by which a window moves, at most the context.
    """
    count = 1 + max(0, math.ceil((steps - context) / slide))
    return tuple(max(0, min(number * slide, steps - context)) for number in range(count))


class SlidingEngine:
    """An engine whose network sees what is drawn in windows.

    Args:
        engine: fresh.
        batch: sequences that it draws.
        rows: that it goes along: as many, or with guidance twice as many.
        channels: of its conditioning; 0 for none.
        context: steps of a window.
        starts: of :func:`window_starts`.
    """

    def __init__(
        self, engine: Engine, batch: int, rows: int, channels: int, context: int, starts: tuple[int, ...]
    ) -> None:
        self.engine, self.context, self.starts = engine, context, starts
        self.step, self.window = 0, 0
        self._fresh = engine.state()
        # of the present window, whose end is seen again in the next
        self._steps = torch.zeros(batch, context, dtype=torch.int64)
        self._conditions = torch.zeros(rows, context, channels)

    @property
    def name(self) -> EngineName:
        """See :class:`descant.sampling.engine.Engine`."""
        return self.engine.name

    def generate(self, uniforms: Tensor, conditioning: Tensor | None) -> Tensor:
        """See :class:`descant.sampling.engine.Engine`."""
        return self._go(uniforms, conditioning, drawing=True)

    def follow(self, steps: Tensor, conditioning: Tensor | None) -> Tensor:
        """See :class:`descant.sampling.engine.Engine`."""
        return self._go(steps, conditioning, drawing=False)

    def _go(self, given: Tensor, conditioning: Tensor | None, drawing: bool) -> Tensor:
        """Draw with uniform numbers, or follow steps; each ``(batch, count)``, as far as the last window reaches."""
        done, parts = 0, []
        while done < given.shape[1]:
            if self.step == self.starts[self.window] + self.context:
                self._slide()
            at = self.step - self.starts[self.window]
            count = min(given.shape[1] - done, self.context - at)
            part = given[:, done : done + count]
            conditions = None if conditioning is None else conditioning[:, done : done + count]
            parts.append(self.engine.generate(part, conditions) if drawing else self.engine.follow(part, conditions))
            self._steps[:, at : at + count] = parts[-1] if drawing else part
            if conditions is not None:
                self._conditions[:, at : at + count] = conditions.cpu()
            self.step += count
            done += count
        return torch.cat(parts, dim=1)

    def _slide(self) -> None:
        """Begin the next window with the end of the present one."""
        moved = self.starts[self.window + 1] - self.starts[self.window]
        kept = self.context - moved
        for buffer in (self._steps, self._conditions):
            buffer[:, :kept] = buffer[:, moved:].clone()
        self.engine.load_state({name: tensor.clone() for name, tensor in self._fresh.items()})
        if kept:
            self.engine.follow(self._steps[:, :kept], self._conditions[:, :kept] if self._conditions.shape[2] else None)
        self.window += 1

    def state(self) -> dict[str, Tensor]:
        """See :class:`descant.sampling.engine.Engine`."""
        own = {"steps": self._steps.clone(), "conditions": self._conditions.clone()}
        own |= {"at": torch.tensor(self.step), "window": torch.tensor(self.window)}
        return own | {f"inside.{name}": tensor for name, tensor in self.engine.state().items()}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """See :class:`descant.sampling.engine.Engine`."""
        self.step, self.window = int(state["at"]), int(state["window"])
        self._steps.copy_(state["steps"])
        self._conditions.copy_(state["conditions"])
        inside = {name: tensor for name, tensor in state.items() if name.startswith("inside.")}
        self.engine.load_state({name.removeprefix("inside."): tensor for name, tensor in inside.items()})
