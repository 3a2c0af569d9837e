"""From a section of the configuration and a packed sequence to a model file and its figures."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from descant.config.training import Training
from descant.modelfile import ModelFile, write_model
from descant.runs.folder import PATIENCE, locked, run_name
from descant.seeds import derive_seed
from descant.sequences import PackedSequence
from descant.systems.base import System
from descant.training.history import write_history
from descant.training.loop import Trainer, TrainingData
from descant.training.processes import Devices
from descant.training.windows import Windows

# part of every run's name: raise it when a change makes the same settings give other weights
NUMERICS = 2
# these do not change what is learnt, so a change of theirs goes on with the same run
WITHOUT_EFFECT = ("checkpoint_every", "keep_checkpoints")


def without_effect_removed(settings: dict[str, Any]) -> dict[str, Any]:
    """A network's settings without those of its training that do not change what is learnt."""
    kept = {key: value for key, value in settings["training"].items() if key not in WITHOUT_EFFECT}
    return {**settings, "training": kept}


@dataclass(frozen=True)
class Session:
    """One training, told whole.

    Attributes:
        kind: ``ada`` or ``wavenet``, as in the model file.
        settings: the network's section, with its training.
        build: makes the system with fresh weights, given the sequence's classes.
        training: the training part of ``settings``.
        sequence_name: ``audio`` or a stack.
        runs: folder of run directories.
        seed: root seed.
        devices: what to run on.
    """

    kind: str
    settings: dict[str, Any]
    build: Callable[[int], System]
    training: Training
    sequence_name: str
    runs: Path
    seed: int
    devices: Devices

    def run_folder(self, fingerprint: str) -> Path:
        """The run directory: named by all that determines the result."""
        named = {"kind": self.kind, "seed": self.seed, "numerics": NUMERICS, "on": self.sequence_name}
        return self.runs / run_name({**without_effect_removed(self.settings), **named}, fingerprint)


def train_to_file(session: Session, sequence: PackedSequence, model: Path, metrics: Path) -> None:
    """Train, or go on with, a session; then write the model file and the metrics once.

    Args:
        session: what to train.
        sequence: what to train on.
        model: path of the model file.
        metrics: path of the CSV of figures over steps.

    Raises:
        TrainingError: training cannot start or go on.
        Interrupted: it was asked to stop; its state is kept in the run directory.
    """
    training = session.training
    seed = derive_seed(session.seed, session.kind, session.sequence_name)
    data = TrainingData(
        Windows(sequence, "train", training.window, seed), Windows(sequence, "validation", training.window, seed)
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "weights"))
        system = session.build(sequence.classes)
    folder = session.run_folder(sequence.fingerprint)
    trainer = Trainer(system, training, data, folder, seed, session.devices)
    trained = trainer.run()
    if not trainer.processes.leads:
        return
    file = ModelFile(
        kind=session.kind,
        settings=without_effect_removed(session.settings),
        classes=sequence.classes,
        sequence=session.sequence_name,
        sequence_hop=sequence.hop,
        sample_rate=sequence.sample_rate,
        data_fingerprint=sequence.fingerprint,
        steps=training.steps,
        weights=trained.weights,
    )
    # one after the other: a training that waited for this one to end writes the same files
    with locked(folder, PATIENCE):
        metrics.parent.mkdir(parents=True, exist_ok=True)
        write_history(metrics, trained.history)
        write_model(model, file)
