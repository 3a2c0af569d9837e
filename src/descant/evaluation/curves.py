"""Training curves on one page: every ADA beside the others, every prior beside the others."""

import csv
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert
from markupsafe import Markup

from descant.errors import DescantError
from descant.evaluation.pages import render

COLUMNS = ("step", "split", "metric", "value")
TRAIN, VALIDATION = "train", "validation"
POINTS = 400  # a line has no more on a screen
HEIGHTS = {"bits": 260, "perplexity": 190, "gap": 190}
# legible on a light and on a dark ground
PALETTE = (
    "#3f83d6",
    "#d9622b",
    "#2f9e6e",
    "#b05cc9",
    "#b9831c",
    "#d44d78",
    "#5f9130",
    "#1f9bb0",
    "#8f7a6d",
    "#7a7fd6",
)


class CurvesError(DescantError):
    """Training curves cannot be drawn."""


@dataclass(frozen=True)
class Point:
    """A figure of one training; ``value`` is the mean of neighbours where a line has too many points."""

    training: str
    step: int
    split: str
    value: float


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
    def is_ada(self) -> bool:
        """Whether it is an ADA: only these tell how much their codes help."""
        return "gap" in self.points

    def last(self, metric: str) -> Point | None:
        """The last validation figure of a metric."""
        found = [point for point in self.points.get(metric, []) if point.split == VALIDATION]
        return found[-1] if found else None


@dataclass(frozen=True)
class Figure:
    """A chart and the words above it."""

    heading: str
    words: str
    spec: dict[str, Any]


@dataclass(frozen=True)
class Final:
    """The last validation figures of a training, in words; empty where there is none."""

    name: str
    steps: str
    bits: str
    perplexity: str
    gap: str


@dataclass(frozen=True)
class Group:
    """Trainings that compare."""

    heading: str
    words: str
    figures: Sequence[Figure]
    finals: Sequence[Final]
    ada: bool


def read_curves(name: str, path: Path) -> Curves:
    """Read the metrics of one training; figures that are not finite are left out.

    Raises:
        CurvesError: when it cannot be read or holds no figure.
    """
    cure = "delete it and run snakemake again"
    points: dict[str, list[Point]] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise CurvesError(f"{path} does not have the columns {', '.join(COLUMNS)}", cure)
            for row in reader:
                point = Point(name, int(row["step"]), row["split"], float(row["value"]))
                if math.isfinite(point.value):
                    points.setdefault(row["metric"], []).append(point)
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise CurvesError(f"{path} cannot be read: {error}", cure) from error
    if "bits" not in points:
        raise CurvesError(f"{path} holds no bits", cure)
    return Curves(name, points)


def thin(points: Sequence[Point], most: int = POINTS) -> list[Point]:
    """Average neighbours of one series until no more than ``most`` points are left; the step is the last one's."""
    size = -(-len(points) // most)
    parts = [points[start : start + size] for start in range(0, len(points), size)] if points else []
    return [
        Point(part[-1].training, part[-1].step, part[-1].split, math.fsum(point.value for point in part) / len(part))
        for part in parts
    ]


def chart(curves: Sequence[Curves], metric: str, unit: str, description: str) -> dict[str, Any]:
    """A Vega-Lite chart of one metric over steps, a colour a training, as wide as what holds it.

    Args:
        curves: the trainings, in the order of the legend.
        metric: its name in the metrics.
        unit: title of the axis.
        description: for those who do not see it.

    Returns:
        The specification, data included.
    """
    rows = [
        asdict(point)
        for training in curves
        for split in (TRAIN, VALIDATION)
        for point in thin([point for point in training.points.get(metric, []) if point.split == split])
    ]
    names = [training.name for training in curves]
    splits = [split for split in (VALIDATION, TRAIN) if any(row["split"] == split for row in rows)]
    pick = alt.selection_point(fields=["training"], bind="legend", name="pick")
    x = alt.X("step:Q", title="training steps", axis=alt.Axis(tickMinStep=1))
    y = alt.Y("value:Q", title=unit, scale=alt.Scale(zero=metric != "bits"), axis=alt.Axis(minExtent=44))
    colours = alt.Scale(domain=names, range=[PALETTE[place % len(PALETTE)] for place in range(len(names))])
    colour = alt.Color("training:N", title="training (click to single out)", scale=colours)
    widths = {VALIDATION: 2.5, TRAIN: 1.0}
    strengths = {VALIDATION: 1.0, TRAIN: 0.5}
    width = alt.StrokeWidth("split:N", title="split", scale=_scale(splits, widths))
    strength = alt.Opacity("split:N", title="split", scale=_scale(splits, strengths))
    data = alt.Chart(alt.InlineData(values=rows))
    lines = (
        data.mark_line()
        .encode(x=x, y=y, color=colour, strokeWidth=width, opacity=alt.condition(pick, strength, alt.value(0.06)))
        .add_params(pick)
    )
    dots = (
        data.transform_filter(alt.datum.split == VALIDATION)
        .mark_circle(size=42)
        .encode(x=x, y=y, color=colour, opacity=alt.condition(pick, alt.value(1), alt.value(0.06)))
    )
    # larger than what is seen, so that a pointer finds it
    tips = data.mark_circle(size=140, opacity=0).encode(
        x=x,
        y=y,
        tooltip=[
            alt.Tooltip("training:N"),
            alt.Tooltip("split:N"),
            alt.Tooltip("step:Q", format=","),
            alt.Tooltip("value:Q", title=unit, format=".4~f"),
        ],
    )
    layered = alt.layer(lines, dots, tips).properties(
        width="container",
        height=HEIGHTS[metric],
        description=description,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        config=_config(),
    )
    spec: dict[str, Any] = layered.to_dict()
    return spec


def _scale(splits: Sequence[str], strengths: dict[str, float]) -> alt.Scale:
    return alt.Scale(domain=list(splits), range=[strengths[split] for split in splits])


def _config() -> alt.Config:
    # currentColor: the page's own ink, on a light and on a dark ground
    ink = "currentColor"
    return alt.Config(
        background="transparent",
        font="system-ui, 'DejaVu Sans', sans-serif",
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            labelColor=ink,
            titleColor=ink,
            gridColor=ink,
            gridOpacity=0.12,
            domainColor=ink,
            domainOpacity=0.4,
            tickColor=ink,
            tickOpacity=0.4,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
        ),
        legend=alt.LegendConfig(
            labelColor=ink,
            titleColor=ink,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            labelLimit=190,
            symbolStrokeWidth=2.5,
        ),
    )


def _final(training: Curves) -> Final:
    def told(metric: str, form: str) -> str:
        point = training.last(metric)
        return "" if point is None else format(point.value, form).replace("-", "\N{MINUS SIGN}")

    steps = max(point.step for points in training.points.values() for point in points)
    return Final(training.name, f"{steps:,}", told("bits", ".3f"), told("perplexity", ",.1f"), told("gap", ".3f"))


def build_groups(curves: Sequence[Curves]) -> list[Group]:
    """The page's parts: ADAs, then priors; a part with nothing in it is left out."""
    adas = [training for training in curves if training.is_ada]
    priors = [training for training in curves if not training.is_ada]
    bits = "Cost of a step of the sequence that a training learns, in bits; lower is better. "
    caution = "Trainings on different sequences do not compare by it: the table does that."
    groups = []
    if adas:
        figures = [
            Figure("Bits", f"{bits}The codes above are given. {caution}", chart(adas, "bits", "bits per step", "Bits")),
        ]
        if any("perplexity" in training.points for training in adas):
            words = "How many codes would be in use, were all used equally often; higher carries more."
            figures.append(Figure("Codes in use", words, chart(adas, "perplexity", "perplexity (codes)", words)))
        words = "Bits per step with shuffled codes, minus bits with the true ones; at 0 the codes are ignored."
        figures.append(Figure("What the codes are worth", words, chart(adas, "gap", "gap (bits per step)", words)))
        lead = "Autoregressive discrete autoencoders: each turns a sequence into a shorter one of codes."
        groups.append(Group("Autoencoders", lead, figures, [_final(training) for training in adas], True))
    if priors:
        figure = Figure("Bits", f"{bits}{caution}", chart(priors, "bits", "bits per step", "Bits"))
        lead = "Models of a sequence with nothing above it: of audio, or of the top codes."
        groups.append(Group("Priors", lead, [figure], [_final(training) for training in priors], False))
    return groups


def javascript() -> Markup:
    """One copy of Vega, Vega-Lite and vega-embed, to stand within a page."""
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    bundle = vl_convert.javascript_bundle(vl_version=version)  # type: ignore[call-arg]  # its stub demands a snippet
    # an HTML parser would end the script there, even within a string
    return Markup(bundle.replace("</script", r"<\/script"))


def curves_html(title: str, curves: Sequence[Curves]) -> str:
    """The page as HTML.

    Raises:
        CurvesError: when nothing was given, or two trainings share a name.
    """
    names = [training.name for training in curves]
    if not names or len(set(names)) < len(names):
        raise CurvesError("--metrics is missing or names a training twice", "give --metrics NAME=metrics.csv for each")
    return render("curves.html", {"title": title, "groups": build_groups(curves), "javascript": javascript()})
