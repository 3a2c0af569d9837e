"""Training curves on one page: every ADA beside the others, every prior beside the others."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descant.errors import DescantError
from descant.evaluation.charts import VALIDATION, Figure, Point, chart, javascript
from descant.evaluation.pages import render

COLUMNS = ("step", "split", "metric", "value")
CURE = "delete it and run snakemake again"


class CurvesError(DescantError):
    """Training curves cannot be drawn."""


@dataclass(frozen=True)
class Curves:
    """The metrics of one training.

    Attributes:
        name: what people call it.
        points: by metric, in the order of steps.
    """

    name: str
    points: dict[str, list[Point]]

    @property
    def headline(self) -> str:
        """The figure by which it is watched; see :func:`headline_of`."""
        return headline_of(self.points)

    @property
    def is_ada(self) -> bool:
        """Whether it is an ADA: only these tell how much their codes help."""
        return "gap" in self.points

    def last(self, metric: str) -> Point | None:
        """The last validation figure of a metric."""
        found = [point for point in self.points.get(metric, []) if point.split == VALIDATION]
        return found[-1] if found else None


@dataclass(frozen=True)
class Final:
    """The last validation figures of a training, in words; empty where there is none."""

    name: str
    steps: str
    headline: str
    perplexity: str
    gap: str


@dataclass(frozen=True)
class Group:
    """Trainings that compare."""

    heading: str
    words: str
    unit: str
    figures: Sequence[Figure]
    finals: Sequence[Final]
    ada: bool


def headline_of(points: Mapping[str, Sequence[Point]]) -> str:
    """The figure by which a training is watched: the first that training and validation share; empty without any."""
    return next((name for name, found in points.items() if any(point.split == VALIDATION for point in found)), "")


def read_points(name: str, path: Path) -> dict[str, list[Point]]:
    """Read metrics by name; figures that are not finite are left out.

    Raises:
        CurvesError: when they cannot be read.
    """
    points: dict[str, list[Point]] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise CurvesError(f"{path} does not have the columns {', '.join(COLUMNS)}", CURE)
            for row in reader:
                point = Point(name, int(row["step"]), row["split"], float(row["value"]))
                if math.isfinite(point.value):
                    points.setdefault(row["metric"], []).append(point)
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise CurvesError(f"{path} cannot be read: {error}", CURE) from error
    return points


def read_curves(name: str, path: Path) -> Curves:
    """Read the metrics of one training; figures that are not finite are left out.

    Raises:
        CurvesError: when it cannot be read or holds no figure of a validation.
    """
    points = read_points(name, path)
    if not headline_of(points):
        raise CurvesError(f"{path} holds no figure of a validation", CURE)
    return Curves(name, points)


def _final(training: Curves) -> Final:
    def told(metric: str, form: str) -> str:
        point = training.last(metric)
        return "" if point is None else format(point.value, form).replace("-", "\N{MINUS SIGN}")

    steps = max(point.step for points in training.points.values() for point in points)
    return Final(
        training.name, f"{steps:,}", told(training.headline, ".3f"), told("perplexity", ",.1f"), told("gap", ".3f")
    )


def _chart(curves: Sequence[Curves], metric: str, unit: str, description: str) -> dict[str, Any]:
    series = {training.name: training.points.get(metric, []) for training in curves}
    main = all(metric == training.headline for training in curves)
    return chart(series, unit, description, height=260 if main else 190, from_zero=not main)


def build_groups(curves: Sequence[Curves]) -> list[Group]:
    """The page's parts: ADAs, then priors; a part with nothing in it is left out."""
    adas = [training for training in curves if training.is_ada]
    others = [training for training in curves if not training.is_ada]
    priors = [training for training in others if training.headline == "bits"]
    bits = "Cost of a step of the sequence that a training learns, in bits; lower is better."
    caution = "Trainings on different sequences do not compare by it: the table does that."
    groups = []
    if adas:
        words = f"{bits} The codes are given. {caution}"
        figures = [Figure("Bits", words, _chart(adas, "bits", "bits per step", words))]
        if any("perplexity" in training.points for training in adas):
            words = "How many codes would be in use, were all used equally often; higher carries more."
            figures.append(Figure("Codes in use", words, _chart(adas, "perplexity", "perplexity (codes)", words)))
        words = "Bits per step with shuffled codes, minus bits with the true ones; at 0 the codes are ignored."
        figures.append(Figure("What the codes are worth", words, _chart(adas, "gap", "gap (bits per step)", words)))
        lead = "Autoregressive discrete autoencoders (ADAs): each turns a sequence into a shorter one of codes."
        groups.append(
            Group("Autoencoders", lead, "Bits per step", figures, [_final(training) for training in adas], True)
        )
    if priors:
        words = f"{bits} {caution}"
        lead = "Models of a sequence with nothing above it: of audio, or of the top codes."
        figures = [Figure("Bits", words, _chart(priors, "bits", "bits per step", words))]
        groups.append(Group("Priors", lead, "Bits per step", figures, [_final(training) for training in priors], False))
    for headline in dict.fromkeys(training.headline for training in others if training not in priors):
        alike = [training for training in others if training.headline == headline]
        name = headline.replace("_", " ")
        words = f"What these trainings are watched by: {name}; lower is better."
        figures = [Figure(name, words, _chart(alike, headline, name, words))]
        groups.append(Group(name.capitalize(), words, name, figures, [_final(training) for training in alike], False))
    return groups


def curves_html(title: str, curves: Sequence[Curves]) -> str:
    """The page as HTML.

    Raises:
        CurvesError: when nothing was given, or two trainings share a name.
    """
    names = [training.name for training in curves]
    if not names or len(set(names)) < len(names):
        raise CurvesError("--metrics is missing or names a training twice", "give --metrics NAME=metrics.csv for each")
    return render("curves.html", {"title": title, "groups": build_groups(curves), "javascript": javascript()})
