"""What the measurement writes and the page reads: a CSV of figures, a CSV of excerpts, and a summary.

``summary.json`` holds ``{"headline": {"embedding": str, "floor": float | null, "models": {NAME: {"value": float | null,
"low": float | null, "high": float | null}}}, "missing": [reason, …]}`` for a front page, where ``embedding`` is the
title of what MMD² was measured on, and further ``seconds``, ``asked_seconds``, ``confidence`` and ``embeddings``, a
list of :class:`Reference`.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from descant.corpus.outputs import whole_file
from descant.errors import DescantError
from descant.evaluation.distances.measure import Measured, Outlier, Row, headline, missing

CURE = "delete it and run snakemake again"


class DistancesError(DescantError):
    """Measured distances cannot be read."""


@dataclass(frozen=True)
class Reference:
    """What the figures on one embedding stand on; see :class:`descant.evaluation.distances.measure.Measured`."""

    name: str
    bandwidth: float | None
    tracks: int
    excerpts: int


@dataclass(frozen=True)
class Summary:
    """What holds for all figures.

    Attributes:
        seconds: length of the excerpts.
        asked_seconds: what the configuration asks for; more where what is drawn is shorter.
        confidence: level of the intervals.
        embeddings: what the figures on each stand on.
        missing: why something was not measured.
    """

    seconds: float
    asked_seconds: float
    confidence: float
    embeddings: Sequence[Reference]
    missing: Sequence[str]


def write_results(
    folder: Path,
    measured: Sequence[Measured],
    outliers: Sequence[Outlier],
    seconds: float,
    asked_seconds: float,
    confidence: float,
) -> None:
    """Write ``distances.csv``, ``excerpts.csv`` and ``summary.json`` into a folder.

    Args:
        folder: where.
        measured: on each embedding, the headline's first.
        outliers: every drawn excerpt, the farthest of each model first.
        seconds: length of the excerpts.
        asked_seconds: what the configuration asks for.
        confidence: level of the intervals.
    """
    _write_csv(folder / "distances.csv", [field.name for field in fields(Row)], [r for m in measured for r in m.rows])
    _write_csv(folder / "excerpts.csv", [field.name for field in fields(Outlier)], outliers)
    summary = {
        "headline": headline(measured[0]),
        "missing": missing(measured),
        "seconds": seconds,
        "asked_seconds": asked_seconds,
        "confidence": confidence,
        "embeddings": [
            asdict(Reference(found.kind.name, found.bandwidth, found.tracks, found.excerpts)) for found in measured
        ],
    }
    text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with whole_file(folder / "summary.json") as temporary:
        temporary.write_text(text, encoding="utf-8")


def _write_csv(path: Path, columns: Sequence[str], rows: Sequence[Row] | Sequence[Outlier]) -> None:
    with whole_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        # None is an empty cell
        writer.writerows(asdict(row) for row in rows)


def read_rows(path: Path) -> list[Row]:
    """Read ``distances.csv``.

    Raises:
        DistancesError: when it cannot be read.
    """
    return [
        Row(
            row["embedding"],
            row["measure"],
            row["role"],
            row["name"],
            row["title"],
            _number(row["value"]),
            _number(row["low"]),
            _number(row["high"]),
            int(row["groups"]),
            int(row["excerpts"]),
            row["reason"],
        )
        for row in _read_csv(path, [field.name for field in fields(Row)])
    ]


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def read_outliers(path: Path) -> list[Outlier]:
    """Read ``excerpts.csv``.

    Raises:
        DistancesError: when it cannot be read.
    """
    return [
        Outlier(
            row["embedding"],
            row["model"],
            row["sequence"],
            float(row["start"]),
            float(row["squared_distance"]),
            int(row["rank"]),
        )
        for row in _read_csv(path, [field.name for field in fields(Outlier)])
    ]


def _read_csv(path: Path, columns: Sequence[str]) -> list[Mapping[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            if list(reader.fieldnames or ()) != list(columns):
                raise DistancesError(f"{path} does not have the columns {', '.join(columns)}", CURE)
            return list(reader)
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise DistancesError(f"{path} cannot be read: {error}", CURE) from error


def read_summary(path: Path) -> Summary:
    """Read ``summary.json``.

    Raises:
        DistancesError: when it cannot be read.
    """
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        references = [Reference(**facts) for facts in read["embeddings"]]
        return Summary(read["seconds"], read["asked_seconds"], read["confidence"], references, read["missing"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DistancesError(f"{path} cannot be read: {error}", CURE) from error
