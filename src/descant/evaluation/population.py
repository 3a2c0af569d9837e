"""What a population-based training left: the members of every generation, and the lineage of the chosen one.

Read from ``results/population/STACK``: each generation's ``decisions.csv`` and each member's ``score.json`` and
``metrics.csv``. Generations after the chosen one are of another configuration, and are not read.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from descant.errors import DescantError
from descant.evaluation.charts import VALIDATION, Point
from descant.evaluation.curves import read_points
from descant.training.population import Decision, Score

T = TypeVar("T")
COLUMNS = ("generation", "member", "parent", "action")
BEFORE, AFTER = ".before", ".after"
CURE = "delete it and run snakemake again"


class LineageError(DescantError):
    """A population's lineage cannot be told."""


@dataclass(frozen=True)
class Chosen:
    """Which state the stack goes on with."""

    generation: int
    member: int


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
    """Read all that a population left.

    Args:
        name: of the stack.
        folder: ``results/population/STACK``.

    Raises:
        LineageError: when a file cannot be read, or names a member that is not there.
        CurvesError: when a member's metrics cannot be read.
    """
    chosen = _read_json(Chosen, folder / "chosen.json")
    generations: list[tuple[State, ...]] = []
    for generation in range(chosen.generation + 1):
        path = folder / f"generation{generation}"
        states = [_read_state(decision, path) for decision in read_decisions(path / "decisions.csv")]
        for state in states:
            _check(state.decision, generation, generations[-1] if generations else (), path / "decisions.csv")
        generations.append(tuple(states))
    found = _member(generations[-1], chosen.member) if generations else None
    if found is None or found.failed:
        raise LineageError(f"{folder / 'chosen.json'} names no member that was trained to its end", CURE)
    return Population(name, tuple(generations), found)


def read_decisions(path: Path) -> list[Decision]:
    """Read the decisions of one generation, in the order of members.

    Raises:
        LineageError: when it cannot be read or lacks a column.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            columns = tuple(reader.fieldnames or ())
            keys = [column.removesuffix(AFTER) for column in columns if column.endswith(AFTER)]
            if columns != (*COLUMNS, *(f"{key}{end}" for key in keys for end in (BEFORE, AFTER))):
                raise LineageError(f"{path} does not have the columns of decisions", CURE)
            decisions = [_decision(row, keys) for row in reader]
    except ValidationError as error:
        raise LineageError(f"{path} is not of its form: {error.errors()[0]['msg']}", CURE) from error
    except (OSError, ValueError, csv.Error) as error:
        raise LineageError(f"{path} cannot be read: {error}", CURE) from error
    return sorted(decisions, key=lambda decision: decision.member)


def _decision(row: dict[str, str], keys: Sequence[str]) -> Decision:
    settings = {end: {key: row[key + end] for key in keys if row[key + end]} for end in (BEFORE, AFTER)}
    told = {column: row[column] or None for column in COLUMNS}
    return TypeAdapter(Decision).validate_python({**told, "before": settings[BEFORE], "after": settings[AFTER]})


def _read_state(decision: Decision, generation: Path) -> State:
    folder = generation / f"member{decision.member}"
    score = _read_json(Score, folder / "score.json")
    points = read_points(str(decision.member), folder / "metrics.csv").get("bits", [])
    return State(decision, score, tuple(point for point in points if point.split == VALIDATION))


def _check(decision: Decision, generation: int, before: Sequence[State], path: Path) -> None:
    parent = None if decision.parent is None else _member(before, decision.parent)
    if decision.generation != generation or (generation > 0) != (parent is not None):
        raise LineageError(f"{path}: member {decision.member} does not go on from the generation before it", CURE)
    if (generation == 0) != (decision.action == "founded"):
        raise LineageError(f"{path}: member {decision.member} is {decision.action} in generation {generation}", CURE)


def _member(states: Sequence[State], member: int) -> State | None:
    return next((state for state in states if state.decision.member == member), None)


def _read_json(form: type[T], path: Path) -> T:
    try:
        return TypeAdapter(form).validate_json(path.read_bytes())
    except OSError as error:
        raise LineageError(f"{path} cannot be read: {error.strerror}", CURE) from error
    except ValidationError as error:
        raise LineageError(f"{path} is not of its form: {error.errors()[0]['msg']}", CURE) from error
