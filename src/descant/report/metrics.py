"""The metrics of a training, as lines of a chart."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from descant.errors import ResultError
from descant.report.charts import Line, Point, Weight, thin
from descant.results import CURE, MetricsRow, read_rows

TRAIN, VALIDATION = "train", "validation"
# validation is drawn with points, training windows are a thin line under it
WEIGHTS = {VALIDATION: Weight(2.5, 1.0), TRAIN: Weight(1.25, 0.55)}


@dataclass(frozen=True)
class Metrics:
    """The metrics of one training.

    Attributes:
        points: by metric and split, in the order of steps; figures that are not finite are left out.
    """

    points: Mapping[tuple[str, str], Sequence[Point]]

    def has(self, metric: str) -> bool:
        """Whether there is any figure of a metric."""
        return any(found == metric for found, _ in self.points)

    def last(self, metric: str) -> float | None:
        """The last validation figure of a metric."""
        found = self.points.get((metric, VALIDATION), ())
        return found[-1].value if found else None

    @property
    def headline(self) -> str:
        """The figure by which a training is watched: the first that a validation has too; empty where none has."""
        return next((metric for metric, _ in self.points if (metric, VALIDATION) in self.points), "")

    @property
    def steps(self) -> int:
        """The last step that has a figure."""
        return int(max(point.x for points in self.points.values() for point in points))

    def lines(self, name: str, metric: str) -> list[Line]:
        """The lines of a metric: training windows first, validation above."""
        return [
            Line(name, thin(points), split, marked=split == VALIDATION, detail=split)
            for split in (TRAIN, VALIDATION)
            if (points := self.points.get((metric, split), ()))
        ]


def read_metrics(path: Path, validated: bool = False) -> Metrics:
    """Read ``metrics.csv``; ``validated`` demands a figure of a validation.

    Raises:
        ResultError: when it cannot be read, or holds no such figure.
    """
    points: dict[tuple[str, str], list[Point]] = {}
    for row in read_rows(MetricsRow, path):
        if math.isfinite(row.value):
            points.setdefault((row.metric, row.split), []).append(Point(row.step, row.value))
    metrics = Metrics(points)
    if validated and not any(split == VALIDATION for _, split in points):
        raise ResultError(f"{path} holds no figure of a validation", CURE)
    return metrics
