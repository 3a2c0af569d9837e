"""What a training runs on."""

from dataclasses import dataclass
from typing import Literal, Self


@dataclass(frozen=True)
class Devices:
    """What a training runs on.

    Attributes:
        accelerator: ``cpu`` or ``cuda``.
        count: how many; each has a process of its own.
    """

    accelerator: Literal["cpu", "cuda"] = "cpu"
    count: int = 1

    @classmethod
    def of(cls, gpus: int) -> Self:
        """So many GPUs, or the CPU when there are none."""
        return cls("cuda", gpus) if gpus else cls()
