"""What is measured, between the jobs: typed results as JSON and CSV that are checked when they are read back."""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar, get_args, get_type_hints

from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter, ValidationError

from descant.corpus.outputs import whole_file
from descant.errors import PageError, ResultError

T = TypeVar("T")
CURE = "delete it and run snakemake again"


class Given(BaseModel):
    """What a job is handed as JSON: the files that it reads and the settings that it uses."""

    model_config = ConfigDict(extra="forbid", frozen=True)


G = TypeVar("G", bound=Given)


class ModelRow(Given):
    """A model by its name in the configuration, and what people call it; what else is given of it follows."""

    model: str
    title: str


M = TypeVar("M", bound=ModelRow)


def _each_once(rows: list[M]) -> list[M]:
    names = [row.model for row in rows]
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise ValueError(f"{twice[0]} is given twice")
    return rows


Rows = Annotated[list[M], AfterValidator(_each_once)]


@dataclass(frozen=True)
class Computation(Generic[G]):
    """How a measure is computed: from what, and the function that writes its results into a folder.

    The folder's ``summary.json`` is what other pages read: figures, and ``missing``, why something was not measured.
    """

    given: type[G]
    run: Callable[[G, Path], None]


def parse_given(kind: type[G], text: str) -> G:
    """Read what a rule hands over as JSON text.

    Raises:
        PageError: naming every wrong key.
    """
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise PageError(f"--given is not what this is made from: {_places(error)}", "see --help") from None


def read_json(kind: type[T], path: Path) -> T:
    """Read a result: a pydantic model, or a dataclass of plain values, which pydantic checks.

    Raises:
        ResultError: when it is missing, torn, or lacks a key.
    """
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except OSError as error:
        raise ResultError(f"{path} cannot be read: {error.strerror}", CURE) from error
    except ValidationError as error:
        raise ResultError(f"{path} cannot be read: {_places(error)}", CURE) from None


def write_json(path: Path, result: object) -> None:
    """Write a result beside its place, then rename it; NaN is refused.

    Args:
        path: where.
        result: of a kind that :func:`read_json` reads, or plain JSON.
    """
    plain = TypeAdapter(type(result)).dump_python(result, mode="json")
    text = json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_rows(kind: type[T], path: Path) -> list[T]:
    """Read a CSV whose columns are the fields of a dataclass; an empty cell is None where the field may be.

    Raises:
        ResultError: when it is missing, torn, or has other columns.
    """
    hints = get_type_hints(kind)
    optional = {name for name, hint in hints.items() if type(None) in get_args(hint)}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            if list(reader.fieldnames or ()) != list(hints):
                raise ResultError(f"{path} does not have the columns {', '.join(hints)}", CURE)
            rows = [{key: cell if cell or key not in optional else None for key, cell in row.items()} for row in reader]
        return TypeAdapter(list[kind]).validate_python(rows)  # type: ignore[valid-type]
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise ResultError(f"{path} cannot be read: {error}", CURE) from error
    except ValidationError as error:
        raise ResultError(f"{path} cannot be read: {_places(error)}", CURE) from None


def write_rows(path: Path, kind: type[T], rows: Sequence[T]) -> None:
    """Write dataclasses as the rows of a CSV; None is an empty cell."""
    with whole_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(get_type_hints(kind)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(vars(row) for row in rows)


def _places(error: ValidationError) -> str:
    found: list[Any] = error.errors(include_url=False)
    shown = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'all of it'}: {item['msg']}" for item in found[:3])
    return shown if len(found) <= 3 else f"{shown}; and {len(found) - 3} more"


@dataclass(frozen=True)
class MetricsRow:
    """A row of a training's ``metrics.csv``; ``step`` counts optimizer steps done, ``split`` is train or validation."""

    step: int
    split: str
    metric: str
    value: float


class Summary(BaseModel):
    """What other pages use of a measure's ``summary.json``; it may hold more.

    Attributes:
        missing: why something was not measured.
    """

    missing: list[str]


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a CSV with a header as text.

    Raises:
        ResultError: when it cannot be read, is empty or ragged.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise ResultError(f"{path} cannot be read: {error}", CURE) from error
    if not rows:
        raise ResultError(f"{path} has no rows", CURE)
    if any(None in row or None in row.values() for row in rows):
        raise ResultError(f"{path} has rows that are longer or shorter than its header", CURE)
    return rows
