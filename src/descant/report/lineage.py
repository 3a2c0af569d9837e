"""What a population-based training left: the members of every generation, and the lineage of the chosen one.

Read from ``results/population/STACK``: each generation's ``decisions.csv`` and each member's ``score.json`` and
``metrics.csv``. Generations after the chosen one are of another configuration, and are not read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from descant.errors import PopulationError
from descant.report.charts import Point
from descant.report.metrics import VALIDATION, read_metrics
from descant.training.population import Decision, Score
from descant.training.population_files import (
    CURE,
    decisions_path,
    member_files,
    read_decisions,
    read_score,
)


@dataclass(frozen=True)
class State:
    """A member in one generation: what was decided, and what came of it.

    Attributes:
        decision: what it began with.
        score: what it reached.
        curve: validation bits within this generation, in the order of steps.
    """

    decision: Decision
    score: Score
    curve: tuple[Point, ...]

    @property
    def failed(self) -> bool:
        """Whether its training failed."""
        return self.score.fitness is None


@dataclass(frozen=True)
class Population:
    """A population that was trained.

    Attributes:
        name: of the stack.
        generations: states of each generation, in the order of members.
        chosen: the state whose weights are the stack's.
    """

    name: str
    generations: tuple[tuple[State, ...], ...]
    chosen: State

    @property
    def states(self) -> tuple[State, ...]:
        """All states, generation by generation."""
        return tuple(state for generation in self.generations for state in generation)

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of the tuned hyper-parameters."""
        return tuple(self.chosen.decision.after)

    def parent(self, state: State) -> State | None:
        """The state that another goes on from; None for a founder."""
        decision = state.decision
        if decision.parent is None:
            return None
        return _member(self.generations[decision.generation - 1], decision.parent)

    @property
    def lineage(self) -> tuple[State, ...]:
        """The states that lead to the chosen one, the founder first and the chosen one last."""
        states = [self.chosen]
        while (parent := self.parent(states[-1])) is not None:
            states.append(parent)
        return tuple(reversed(states))


def read_population(name: str, folder: Path) -> Population:
    """Read all that a population left in ``results/population/STACK``.

    Raises:
        PopulationError: when a file cannot be read, or names a member that is not there.
        ResultError: when a member's metrics cannot be read.
    """
    chosen = read_score(folder / "chosen.json")
    generations: list[tuple[State, ...]] = []
    for generation in range(chosen.generation + 1):
        path = decisions_path(folder, generation)
        states = [_read_state(decision, folder) for decision in read_decisions(path)]
        for state in states:
            _check(state.decision, generation, generations[-1] if generations else (), path)
        generations.append(tuple(states))
    found = _member(generations[-1], chosen.member) if generations else None
    if found is None or found.failed:
        raise PopulationError(f"{folder / 'chosen.json'} names no member that was trained to its end", CURE)
    return Population(name, tuple(generations), found)


def _read_state(decision: Decision, folder: Path) -> State:
    files = member_files(folder, decision.generation, decision.member)
    metrics = read_metrics(files.metrics)
    points = metrics.points.get((metrics.headline, VALIDATION), ())
    return State(decision, read_score(files.score), tuple(points))


def _check(decision: Decision, generation: int, before: Sequence[State], path: Path) -> None:
    parent = None if decision.parent is None else _member(before, decision.parent)
    if decision.generation != generation or (generation > 0) != (parent is not None):
        raise PopulationError(f"{path}: member {decision.member} does not go on from the generation before it", CURE)
    if (generation == 0) != (decision.action == "founded"):
        raise PopulationError(f"{path}: member {decision.member} is {decision.action} in generation {generation}", CURE)


def _member(states: Sequence[State], member: int) -> State | None:
    return next((state for state in states if state.decision.member == member), None)
