"""From a section of the configuration and a packed sequence to a model file and its figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from descant.config.training import Training
from descant.modelfile import ModelFile, write_model
from descant.runs.checkpoint import stated_digest
from descant.runs.folder import PATIENCE, locked, run_name
from descant.seeds import derive_seed
from descant.sequences import PackedSequence
from descant.systems.base import System
from descant.training.devices import Devices
from descant.training.history import write_history
from descant.training.loop import Stretch, Trainer, TrainingData
from descant.training.windows import Windows

# part of every run's name: raise it when a change makes the same settings give other weights
NUMERICS = 3
# these do not change what is learnt, so a change of theirs goes on with the same run
WITHOUT_EFFECT = ("checkpoint_every", "keep_checkpoints")


def without_effect_removed(settings: dict[str, Any]) -> dict[str, Any]:
    """A network's settings without what does not change what one training of it learns."""
    kept = {key: value for key, value in settings["training"].items() if key not in WITHOUT_EFFECT}
    # what a population decides stands in the settings that it gives to each member's training
    return {**{key: value for key, value in settings.items() if key != "population"}, "training": kept}


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
        stretch: the part of the training to do; all of it unless given.
    """

    kind: str
    settings: dict[str, Any]
    build: Callable[[int], System]
    training: Training
    sequence_name: str
    runs: Path
    seed: int
    devices: Devices
    stretch: Stretch | None = None

    def run_folder(self, fingerprint: str) -> Path:
        """The run directory: named by all that determines the result.

        Raises:
            RunError: when the stretch's first state cannot be read.
        """
        named = {"kind": self.kind, "seed": self.seed, "numerics": NUMERICS, "on": self.sequence_name}
        if self.stretch is not None:
            start = self.stretch.start
            named |= {"until": self.stretch.until, "start": "" if start is None else stated_digest(start)}
        return self.runs / run_name({**without_effect_removed(self.settings), **named}, fingerprint)


def build_trainer(session: Session, sequence: PackedSequence) -> Trainer:
    """The trainer of a session: its fresh system, its windows, its run directory.

    Raises:
        TrainingError: training cannot start.
        RunError: the stretch's first state cannot be read.
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
    return Trainer(system, training, data, folder, seed, session.devices, session.stretch)


def model_of(session: Session, sequence: PackedSequence, weights: Mapping[str, Tensor]) -> ModelFile:
    """The model file of a session that was trained to its end."""
    return ModelFile(
        kind=session.kind,
        settings=without_effect_removed(session.settings),
        classes=sequence.classes,
        sequence=session.sequence_name,
        sequence_hop=sequence.hop,
        sample_rate=sequence.sample_rate,
        data_fingerprint=sequence.fingerprint,
        steps=session.training.steps,
        weights=dict(weights),
    )


def train_to_file(session: Session, sequence: PackedSequence, model: Path, metrics: Path) -> None:
    """Train, or go on with, a session; then write the model file and the metrics once.

    Args:
        session: what to train.
        sequence: what to train on.
        model: path of the model file.
        metrics: path of the CSV of figures over steps.

    Raises:
        TrainingError: training cannot start or go on.
        RunError: the run directory is in use, the disk is too small, or the stretch's first state cannot be read.
        Interrupted: it was asked to stop; its state is kept in the run directory.
    """
    trainer = build_trainer(session, sequence)
    trained = trainer.run()
    if not trainer.processes.leads:
        return
    # one after the other: a training that waited for this one to end writes the same files
    with locked(trainer.folder, PATIENCE):
        metrics.parent.mkdir(parents=True, exist_ok=True)
        write_history(metrics, trained.history)
        write_model(model, model_of(session, sequence, trained.weights))
