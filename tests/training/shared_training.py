"""One training as a program of its own, run by each of the processes that share it."""

import json
import sys
from pathlib import Path

import torch

from descant.config.networks import ADA, Prior
from descant.runs.interruption import EXIT_INTERRUPTED, Interrupted
from descant.sequences import open_sequence
from descant.systems.ada import ADASystem
from descant.systems.base import System
from descant.systems.wavenet import WaveNetSystem
from descant.training.devices import Devices
from descant.training.session import Session, train_to_file


def main(kind: str, settings: str, sequence: str, runs: str, output: str, processes: str) -> None:
    torch.set_num_threads(1)
    section = ADA.model_validate_json(settings) if kind == "ada" else Prior.model_validate_json(settings)

    def build(classes: int) -> System:
        return ADASystem(section, classes) if isinstance(section, ADA) else WaveNetSystem(section.wavenet, classes)

    session = Session(
        kind=kind,
        settings=json.loads(settings),
        build=build,
        training=section.training,
        sequence_name="audio",
        runs=Path(runs),
        seed=5,
        devices=Devices("cpu", int(processes)),
    )
    folder = Path(output)
    train_to_file(session, open_sequence(Path(sequence)), folder / "model.safetensors", folder / "metrics.csv")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Interrupted:
        sys.exit(EXIT_INTERRUPTED)
