"""A population's files: decisions as CSV, scores as JSON, the chosen one's too. Nothing here imports torch.

In a population's folder each generation has one, ``generation0``, with its ``decisions.csv`` and each member's folder.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from descant.errors import PopulationError
from descant.training.population import Decision, Score

COLUMNS = ("generation", "member", "parent", "action")
BEFORE, AFTER = ".before", ".after"
CURE = "delete it and run snakemake again"


@dataclass(frozen=True)
class MemberFiles:
    """What the training of a member leaves.

    Attributes:
        state: everything that the next generation goes on from; it holds nothing where training failed.
        metrics: figures over this generation's steps.
        score: what it is worth at the end.
    """

    state: Path
    metrics: Path
    score: Path


def member_files(population: Path, generation: int, member: int) -> MemberFiles:
    """Where a member's files are in the folder of a population."""
    folder = population / f"generation{generation}" / f"member{member}"
    return MemberFiles(folder / "state.safetensors", folder / "metrics.csv", folder / "score.json")


def decisions_path(population: Path, generation: int) -> Path:
    """Where a generation's decisions are in the folder of a population."""
    return population / f"generation{generation}" / "decisions.csv"


def write_decisions(path: Path, decisions: Sequence[Decision]) -> None:
    """Write a row a member: where it comes from, and each tuned setting before and after. What is absent is empty."""
    names = sorted(decisions[0].after)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, *(f"{name}{end}" for name in names for end in (BEFORE, AFTER))])
        for each in decisions:
            values = [value for name in names for value in (each.before.get(name), each.after[name])]
            cells = ["" if value is None else repr(value) for value in values]
            parent = "" if each.parent is None else each.parent
            writer.writerow([each.generation, each.member, parent, each.action, *cells])
    temporary.replace(path)


def read_decisions(path: Path) -> list[Decision]:
    """Read the decisions of one generation, in the order of members.

    Raises:
        PopulationError: when it cannot be read or lacks a column.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            columns = tuple(reader.fieldnames or ())
            keys = [column.removesuffix(AFTER) for column in columns if column.endswith(AFTER)]
            if columns != (*COLUMNS, *(f"{key}{end}" for key in keys for end in (BEFORE, AFTER))):
                raise PopulationError(f"{path} does not have the columns of decisions", CURE)
            decisions = [_decision(row, keys) for row in reader]
    except ValidationError as error:
        raise PopulationError(f"{path} is not of its form: {error.errors()[0]['msg']}", CURE) from error
    except (OSError, ValueError, csv.Error) as error:
        raise PopulationError(f"{path} cannot be read: {error}", CURE) from error
    return sorted(decisions, key=lambda decision: decision.member)


def _decision(row: dict[str, str], keys: Sequence[str]) -> Decision:
    settings = {end: {key: row[key + end] for key in keys if row[key + end]} for end in (BEFORE, AFTER)}
    fields = {column: row[column] or None for column in COLUMNS}
    return TypeAdapter(Decision).validate_python({**fields, "before": settings[BEFORE], "after": settings[AFTER]})


def write_score(path: Path, score: Score) -> None:
    """Write a score as JSON; what was not measured is null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(asdict(score)) + "\n", encoding="utf-8")
    temporary.replace(path)


def read_score(path: Path) -> Score:
    """Read a score.

    Raises:
        PopulationError: when it cannot be read.
    """
    try:
        return TypeAdapter(Score).validate_json(path.read_bytes())
    except OSError as error:
        raise PopulationError(f"{path} cannot be read: {error.strerror}", CURE) from error
    except ValidationError as error:
        raise PopulationError(f"{path} is not of its form: {error.errors()[0]['msg']}", CURE) from error
