"""One training as a program of its own, run by each of the processes that share it."""

import sys
from pathlib import Path

import torch

from descant.runs.interruption import EXIT_INTERRUPTED, Interrupted
from descant.sequences import open_sequence
from descant.systems.base import STEPS
from descant.systems.registry import KINDS
from descant.training.devices import Devices
from descant.training.session import Session, train_to_file


def main(kind: str, settings: str, sequence: str, runs: str, output: str, processes: str) -> None:
    torch.set_num_threads(1)
    section = KINDS[kind].section.model_validate_json(settings)
    session = Session(kind, section, Path(runs), 5, Devices("cpu", int(processes)))
    folder = Path(output)
    train_to_file(session, {STEPS: open_sequence(Path(sequence))}, folder / "model.safetensors", folder / "metrics.csv")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Interrupted:
        sys.exit(EXIT_INTERRUPTED)
