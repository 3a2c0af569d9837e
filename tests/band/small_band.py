"""A small network in four parts, and people who play with it in simulated time."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np
import torch

from descant.band.loop import Key
from descant.band.session import Click, Release, Strike
from descant.config.part_models import AutoregressiveParts
from descant.scores.parts import CLASSES, HELD, MEASURE, REST, Grid
from descant.systems.autoregressive_parts import AutoregressivePartsSystem


def small_system(spread: float = 0.5, **over: Any) -> AutoregressivePartsSystem:
    """A network with fresh weights, rounded to 16 bits as the page has them."""
    torch.manual_seed(0)
    training = {"steps": 1, "batch": 1, "window": 16}
    section = AutoregressiveParts.model_validate({"width": 8, "context": 4, "training": training, **over})
    built = AutoregressivePartsSystem(section, 4, CLASSES)
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, std=spread)
        parameter.data = parameter.data.half().float()
    # gates that hardly forget
    width = section.width
    built.network.lstm.bias_ih_l0.data[width : 2 * width] += 4
    return built.eval()


def random_music(measures: int, seed: int, voices: int = 4) -> Grid:
    """Tokens ``(16 * measures, voices)`` that strike, hold and rest at random."""
    random = np.random.default_rng(seed)
    tokens = random.integers(40, 80, (measures * MEASURE, voices)).astype(np.uint8)
    chance = random.random(tokens.shape)
    return np.where(chance < 0.6, HELD, np.where(chance < 0.7, REST, tokens)).astype(np.uint8)


class SimulatedClock:
    """Time passes only where somebody waits, and never exactly as long as was asked for."""

    def __init__(self, late: float = 0.0) -> None:
        self.time, self.late = 0.0, late

    def now(self) -> float:
        return self.time

    def wait(self, until: float) -> None:
        self.time = max(self.time, until) + self.late


class Recorded:
    """A person whose playing was recorded as (time, key), and a record of what is sent."""

    def __init__(self, clock: SimulatedClock, keys: Iterable[tuple[float, Key]] = ()) -> None:
        self.clock, self.keys = clock, list(keys)[::-1]
        self.sent: list[tuple[float, Click | Strike | Release]] = []
        self.panics = 0

    def receive(self) -> Iterator[Key]:
        while self.keys and self.keys[-1][0] <= self.clock.now():
            yield self.keys.pop()[1]

    def send(self, event: Click | Strike | Release) -> None:
        self.sent.append((self.clock.now(), event))

    def panic(self) -> None:
        self.panics += 1


class Worker(Executor):
    """Has what it is given ready after some simulated seconds."""

    def __init__(self, clock: SimulatedClock, seconds: float) -> None:
        self.clock, self.seconds = clock, seconds

    def submit(self, task: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        ready, clock = self.clock.now() + self.seconds, self.clock

        class Waiting(Future[Any]):
            def done(self) -> bool:
                return clock.now() >= ready and super().done()

        future: Future[Any] = Waiting()
        try:
            future.set_result(task(*arguments, **named))
        except RuntimeError as error:
            future.set_exception(error)
        return future
