"""From a section of the configuration and packed sequences to a model file and its figures."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from descant.config.base import nearest_of
from descant.config.networks import Network
from descant.config.training import Training
from descant.config.transformers import Label, Transformer
from descant.errors import TrainingError
from descant.modelfacts import Input, ModelFacts, read_facts
from descant.modelfile import ModelFile, read_model, write_model
from descant.runs.checkpoint import stated_digest
from descant.runs.folder import PATIENCE, locked, run_name
from descant.seeds import derive_seed
from descant.sequences import PackedSequence
from descant.systems.base import PREDICTED, STEPS, System
from descant.systems.registry import KINDS
from descant.systems.restore import misfits
from descant.training.devices import Devices
from descant.training.history import write_history
from descant.training.loop import Stretch, Trainer, TrainingData
from descant.training.windows import Windows

# part of every run's name: raise it when a change makes the same settings give other weights
NUMERICS = 4
# these do not change what is learnt, so a change of theirs goes on with the same run; but the contents of `start_from`,
# and `keep`, whose steps a run that is past them cannot give, are named beside them
WITHOUT_EFFECT = ("checkpoint_every", "keep_checkpoints", "start_from", "keep")

Streams = Mapping[str, PackedSequence]


def without_effect_removed(settings: Network) -> dict[str, Any]:
    """A network's settings without what does not change what one training of it learns."""
    kept = settings.model_dump(mode="json")
    # what a population decides stands in the settings that it gives to each member's training
    kept.pop("population", None)
    for key in WITHOUT_EFFECT:
        del kept["training"][key]
    return kept


@dataclass(frozen=True)
class Session:
    """All that defines one training.

    Attributes:
        kind: of system: a name of :data:`descant.systems.registry.KINDS`.
        settings: the network's section, with its training.
        runs: folder of run directories.
        seed: root seed.
        devices: what to run on.
        stretch: the part of the training to do in a run directory of its own; all of it unless given.
        until: the step of ``training.keep`` to pause at, in the run directory of all; None for the end.
    """

    kind: str
    settings: Network
    runs: Path
    seed: int
    devices: Devices
    stretch: Stretch | None = None
    until: int | None = None

    @property
    def training(self) -> Training:
        """The training part of the settings."""
        return self.settings.training

    def inputs(self, streams: Streams) -> tuple[Input, ...]:
        """What there is to know of the streams, in the order in which the kind reads them.

        Raises:
            TrainingError: when a stream is missing, or one is not read.
        """
        kind = KINDS[self.kind]
        names = kind.streams(self.settings)
        if set(streams) != set(names):
            raise TrainingError(
                f"{', '.join(streams) or 'nothing'} given, but a training of kind {self.kind} reads {', '.join(names)}",
                "give --input NAME=FOLDER once for each of these names",
            )
        labels = kind.labels(self.settings)
        # labels are of tracks, which are the same in all streams
        inputs = [Input.of(name, streams[name], () if number else labels) for number, name in enumerate(names)]
        if isinstance(self.settings, Transformer) and self.settings.added:
            inputs[0] = self._with_added(inputs[0], self.settings.added)
        return tuple(inputs)

    def _with_added(self, learnt: Input, added: Mapping[Label, str]) -> Input:
        """What is learnt, with the labels' values of the network that it starts from, and those that are added.

        Raises:
            TrainingError: when that network knows them, or no track to learn from has them.
        """
        source = self.training.start_from
        if source is None:
            raise TrainingError(
                f"added: {', '.join(added.values())} can be added to a trained network alone",
                "name one in training.start_from, or leave added out",
            )
        known, labels = read_facts(source).learnt.labels, {}
        for label, facts in learnt.labels.items():
            if label not in known:
                raise TrainingError(
                    f"added: the network of {source} knows no {label}s", "name one that was trained with labels"
                )
            names, value = known[label].names, added.get(label)  # type: ignore[call-overload]
            if value in names:
                raise TrainingError(f"added: {source} knows the {label} {value!r}", f"leave added.{label} out")
            if value is not None and value not in facts.names:
                raise TrainingError(
                    f"added: no training track has the {label} {value!r}{nearest_of(value, facts.names)}",
                    "name it as results/corpus/labels.csv has it",
                )
            labels[label] = facts.model_copy(update={"names": names if value is None else (*names, value)})
        return learnt.model_copy(update={"labels": labels})

    def own_seed(self, streams: Streams) -> int:
        """The seed of this training: no two kinds, and no two sequences, share one."""
        return derive_seed(self.seed, self.kind, *(given.name for given in self.inputs(streams)))

    def build(self, streams: Streams) -> System:
        """The system that is trained: fresh weights, or those that it starts from.

        Raises:
            TrainingError: when the weights that it starts from do not fit.
            ModelFileError: when they cannot be read.
        """
        inputs = {given.stream: given for given in self.inputs(streams)}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(self.own_seed(streams), "weights"))
            system = KINDS[self.kind].build(self.settings, inputs)
        source = self.training.start_from
        if source is not None:
            weights = system.taken_over(read_model(source).weights)
            if wrong := misfits(system, weights):
                raise TrainingError(
                    f"training.start_from: the weights of {source} do not fit this network:{wrong}",
                    "give the settings that its network was trained with, a sequence of as many classes, or another "
                    "model file; null begins from fresh weights",
                )
            system.load_state_dict(dict(weights))
        return system

    def start_digest(self) -> str | None:
        """Sha256 of the model file that it starts from.

        Raises:
            TrainingError: when it cannot be read.
        """
        source = self.training.start_from
        if source is None:
            return None
        try:
            with source.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise TrainingError(
                f"training.start_from: {source} cannot be read: {error.strerror}",
                "name a model.safetensors that this pipeline wrote, from the working directory on",
            ) from error

    def run_folder(self, streams: Streams) -> Path:
        """The run directory: named by all that determines the result.

        Raises:
            RunError: when the stretch's first state cannot be read.
            TrainingError: when the model file that it starts from cannot.
        """
        named: dict[str, Any] = {"kind": self.kind, "seed": self.seed, "numerics": NUMERICS}
        named["from"] = self.start_digest()
        named["on"] = [given.model_dump(mode="json", exclude={"fingerprint"}) for given in self.inputs(streams)]
        if self.training.keep:
            named["keep"] = self.training.keep
        data = ",".join(given.fingerprint for given in self.inputs(streams))
        if self.stretch is not None:
            start = self.stretch.start
            named |= {"until": self.stretch.until, "start": "" if start is None else stated_digest(start)}
        return self.runs / run_name({**without_effect_removed(self.settings), **named}, data)


def build_trainer(session: Session, streams: Streams) -> Trainer:
    """The trainer of a session: its system, its windows, its run directory.

    Raises:
        TrainingError: training cannot start.
        SequenceError: the streams do not hold the same tracks.
        ModelFileError: the weights that it starts from cannot be read.
        RunError: the stretch's first state cannot be read.
    """
    training, inputs = session.training, session.inputs(streams)
    seed, system = session.own_seed(streams), session.build(streams)
    ordered = {given.stream: streams[given.stream] for given in inputs}
    labels = {label: facts.names for label, facts in inputs[0].labels.items()}
    train, validation = (
        Windows(ordered, split, training.window, seed, system.align, system.places, labels)
        for split in ("train", "validation")
    )
    folder = session.run_folder(streams)
    stretch = session.stretch or Stretch(session.until or training.steps)
    return Trainer(system, training, TrainingData(train, validation), folder, seed, session.devices, stretch)


def model_of(session: Session, streams: Streams, weights: Mapping[str, Tensor]) -> ModelFile:
    """The model file of a session that was trained to its end."""
    loudest = None
    if PREDICTED in streams:
        # compiled loops, which other trainings need not load
        from descant.prediction.loudness import loudest_level

        loudest = loudest_level(streams[STEPS])
    facts = ModelFacts(
        kind=session.kind,
        settings=without_effect_removed(session.settings),
        inputs=session.inputs(streams),
        steps=session.until or session.training.steps,
        start=session.start_digest(),
        loudest=loudest,
    )
    return ModelFile(facts, dict(weights))


def train_to_file(session: Session, streams: Streams, model: Path, metrics: Path) -> None:
    """Train, or go on with, a session; then write the model file and the metrics once.

    Args:
        session: what to train.
        streams: what to train on, by what the system calls it.
        model: path of the model file.
        metrics: path of the CSV of figures over steps.

    Raises:
        TrainingError: training cannot start or go on.
        SequenceError: the streams do not hold the same tracks.
        ModelFileError: the weights that it starts from cannot be read.
        RunError: the run directory is in use, the disk is too small, or the stretch's first state cannot be read.
        Interrupted: it was asked to stop; its state is kept in the run directory.
    """
    if session.until is not None and session.until not in session.training.keep:
        raise TrainingError(
            f"step {session.until} is not in training.keep", "add it there, which trains anew, or leave --until out"
        )
    trainer = build_trainer(session, streams)
    trained = trainer.run()
    if not trainer.processes.leads:
        return
    # one after the other: a training that waited for this one to end writes the same files
    with locked(trainer.folder, PATIENCE):
        metrics.parent.mkdir(parents=True, exist_ok=True)
        write_history(metrics, trained.history)
        write_model(model, model_of(session, streams, trained.weights))
