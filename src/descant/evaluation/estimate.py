"""What a configuration will ask for before anything is trained: parameters, steps, memory, disk."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from descant.audio import mulaw
from descant.config.networks import ContinuousBottleneck
from descant.config.population import Population
from descant.config.root import AUDIO, Config, below
from descant.config.training import Training
from descant.systems.ada import ADASystem
from descant.systems.base import STEPS, System
from descant.systems.wavenet import WaveNetSystem
from descant.training.noise import torch_generator

FLOAT_BYTES = 4


@dataclass(frozen=True)
class Work:
    """One training of a configuration.

    Attributes:
        name: as in the results folder.
        hop: audio samples to a step of its sequence.
        training: its section.
        build: makes its system.
        population: what trains it, where that is more than one training.
    """

    name: str
    hop: int
    training: Training
    build: Callable[[], System]
    population: Population | None = None

    @property
    def members(self) -> int:
        """How many trainings of its length it costs."""
        return self.population.members if self.population else 1

    @property
    def states(self) -> int:
        """Checkpoints that stand on the disk at the end, where they are the most."""
        if self.population is None:
            return self.training.keep_checkpoints
        # of every generation but the last, one of each member: a later one may go on from any
        return self.population.members * (self.population.generations - 1 + self.training.keep_checkpoints)


@dataclass(frozen=True)
class Need:
    """What one training asks for.

    Attributes:
        parameters: trainable numbers.
        audio_seen: seconds of audio in all windows of the training together; of a population, of one member.
        memory: bytes of weights, gradients, optimizer, average and activations of a step, of one member.
        disk: bytes of its model file and of the checkpoints it keeps; of a population, of all states.
    """

    parameters: int
    audio_seen: float
    memory: int
    disk: int


def classes_of(config: Config, sequence: str) -> int:
    """Values a step of a sequence can take."""
    if sequence == AUDIO:
        return mulaw.CLASSES
    bottleneck = config.ada(sequence).bottleneck
    return 0 if isinstance(bottleneck, ContinuousBottleneck) else bottleneck.classes


def all_work(config: Config) -> list[Work]:
    """Every training that the table needs, each once, in the order they can be done."""
    work = []
    for stack in config.stacks:
        ada, classes = config.ada(stack), classes_of(config, below(stack))
        build = partial(ADASystem, ada, classes)
        work.append(Work(f"ada/{stack}", config.hop(below(stack)), ada.training, build, ada.population))
    pairs = dict.fromkeys((config.models[name].prior, config.top(name)) for name in config.models)
    for prior, sequence in pairs:
        section, classes = config.priors[prior], classes_of(config, sequence)
        work.append(
            Work(
                f"prior/{prior}/{sequence}",
                config.hop(sequence),
                section.training,
                partial(WaveNetSystem, section.wavenet, classes),
            )
        )
    return work


def count_parameters(work: Work) -> int:
    """Trainable numbers; the network is only described, not allocated."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in work.build().parameters())


def activation_bytes(work: Work) -> int:
    """Bytes that autograd keeps for one batch, from its own account of two short windows."""
    with torch.random.fork_rng(devices=[]):
        system = work.build().eval()
    step = system.hop if isinstance(system, ADASystem) else 1
    short, long = (-(-length // step) * step for length in (64, 128))
    slope = (_saved_bytes(system, long) - _saved_bytes(system, short)) / (long - short)
    return int(slope * work.training.batch * work.training.window)


def _saved_bytes(system: System, length: int) -> int:
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        system({STEPS: torch.zeros(1, length, dtype=torch.int64)}, torch_generator("estimate"))
    return sum(kept.values())


def need_of(work: Work, sample_rate: int) -> Need:
    """Estimate one training."""
    parameters, training = count_parameters(work), work.training
    # weights, gradients, Adam's two moments, and the moving average where there is one
    copies = 5 if training.average_decay else 4
    weights = parameters * FLOAT_BYTES
    return Need(
        parameters=parameters,
        audio_seen=training.steps * training.batch * training.accumulate * training.window * work.hop / sample_rate,
        memory=weights * copies + activation_bytes(work),
        disk=weights * (1 + (copies - 1) * work.states),
    )
