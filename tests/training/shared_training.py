"""One training as a program of its own, run by each of the processes that share it."""

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from descant.runs.interruption import EXIT_INTERRUPTED, Interrupted
from descant.sequences import open_sequence
from descant.systems.base import STEPS
from descant.systems.registry import KINDS
from descant.training.devices import Devices
from descant.training.session import Session, train_to_file


class Collectives(TorchDispatchMode):
    """Counts what the processes say to one another, the gradients that DDP adds up among it."""

    def __init__(self) -> None:
        super().__init__()
        self.count: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func.namespace == "c10d":  # type: ignore[attr-defined]
            self.count[func.overloadpacket.__name__] += 1  # type: ignore[attr-defined]
        return func(*args, **(kwargs or {}))


def main(kind: str, settings: str, sequence: str, runs: str, output: str, processes: str, nodes: str = "1") -> None:
    torch.set_num_threads(1)
    section = KINDS[kind].section.model_validate_json(settings)
    session = Session(kind, section, Path(runs), 5, Devices("cpu", int(processes), int(nodes)))
    folder = Path(output)
    streams = {STEPS: open_sequence(Path(sequence))}
    with Collectives() as collectives:
        train_to_file(session, streams, folder / "model.safetensors", folder / "metrics.csv")
    print("collectives", dict(collectives.count), flush=True)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Interrupted:
        sys.exit(EXIT_INTERRUPTED)
