"""What a training runs on."""

import shutil
from dataclasses import dataclass
from typing import Literal, Self


@dataclass(frozen=True)
class Devices:
    """What a training runs on.

    Attributes:
        accelerator: ``cpu`` or ``cuda``.
        count: how many on a node; each has a process of its own.
        nodes: machines that share the training.
    """

    accelerator: Literal["cpu", "cuda"] = "cpu"
    count: int = 1
    nodes: int = 1

    @property
    def processes(self) -> int:
        """Processes that share the training."""
        return self.count * self.nodes

    @property
    def has_compiler(self) -> bool:
        """Whether this machine has the compiler that torch.compile needs there."""
        return bool(shutil.which("g++") or (self.accelerator == "cuda" and shutil.which("cc")))

    @classmethod
    def of(cls, gpus: int, nodes: int = 1) -> Self:
        """So many GPUs of each node, or its CPU when there are none."""
        return cls("cuda", gpus, nodes) if gpus else cls(nodes=nodes)
