"""Line charts over training steps as Vega-Lite specifications, and the one copy of JavaScript that draws them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt
import vl_convert
from markupsafe import Markup

TRAIN, VALIDATION = "train", "validation"
POINTS = 400  # a line has no more on a screen
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
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right", "triangle-left")


@dataclass(frozen=True)
class Figure:
    """A chart and the words above it."""

    heading: str
    words: str
    spec: dict[str, Any]


@dataclass(frozen=True)
class Point:
    """A figure of one training; ``value`` is the mean of neighbours where a line has too many points."""

    training: str
    step: int
    split: str
    value: float


def thin(points: Sequence[Point], most: int = POINTS) -> list[Point]:
    """Average neighbours of one series until no more than ``most`` points are left; the step is the last one's."""
    size = -(-len(points) // most)
    parts = [points[start : start + size] for start in range(0, len(points), size)] if points else []
    return [
        Point(part[-1].training, part[-1].step, part[-1].split, math.fsum(point.value for point in part) / len(part))
        for part in parts
    ]


def chart(
    series: Mapping[str, Sequence[Point]], unit: str, description: str, height: int, from_zero: bool
) -> dict[str, Any]:
    """A Vega-Lite chart of one metric over steps, a colour and a shape a training, as wide as what holds it.

    Args:
        series: the points of every training by its name, in the order of the legend.
        unit: title of the axis.
        description: for those who do not see it.
        height: pixels.
        from_zero: whether the axis starts at 0.

    Returns:
        The specification, data included.
    """
    rows = [
        asdict(point)
        for points in series.values()
        for split in (TRAIN, VALIDATION)
        for point in thin([point for point in points if point.split == split])
    ]
    names = list(series)
    splits = [split for split in (VALIDATION, TRAIN) if any(row["split"] == split for row in rows)]
    pick = alt.selection_point(fields=["training"], bind="legend", name="pick")
    x = alt.X(
        "step:Q",
        title="training steps",
        scale=alt.Scale(domainMin=0, nice=False),
        axis=alt.Axis(tickMinStep=1, tickCount=8, labelOverlap=True, format=",d"),
    )
    y = alt.Y("value:Q", title=unit, scale=alt.Scale(zero=from_zero), axis=alt.Axis(minExtent=44))
    # a shape beside the colour, for those who do not tell colours apart
    legend = alt.Legend(title="training (click to single out)", symbolOpacity=1, symbolSize=70)
    colour = alt.Color("training:N", scale=alt.Scale(domain=names, range=_cycle(PALETTE, len(names))), legend=legend)
    shape = alt.Shape("training:N", scale=alt.Scale(domain=names, range=_cycle(SHAPES, len(names))), legend=legend)
    key = alt.Legend(title="split") if len(splits) > 1 else None
    width = alt.StrokeWidth("split:O", scale=_scale(splits, {VALIDATION: 2.5, TRAIN: 1.25}), legend=key)
    strength = alt.Opacity("split:O", scale=_scale(splits, {VALIDATION: 1.0, TRAIN: 0.55}), legend=key)
    data = alt.Chart(alt.InlineData(values=rows))
    lines = (
        data.mark_line()
        .encode(x=x, y=y, color=colour, strokeWidth=width, opacity=alt.condition(pick, strength, alt.value(0.06)))
        .add_params(pick)
    )
    dots = (
        data.transform_filter(alt.datum.split == VALIDATION)
        .mark_point(size=48, filled=True)
        .encode(x=x, y=y, color=colour, shape=shape, opacity=alt.condition(pick, alt.value(1), alt.value(0.06)))
    )
    # larger than what is seen, so that a pointer finds it
    tips = data.mark_circle(size=140, opacity=0).encode(
        x=x,
        y=y,
        tooltip=[
            alt.Tooltip("training:N"),
            alt.Tooltip("split:N"),
            alt.Tooltip("step:Q", format=",d"),
            alt.Tooltip("value:Q", title=unit, format=".4~f"),
        ],
    )
    return finish(alt.layer(lines, dots, tips), description, height)


def finish(layered: alt.LayerChart | alt.FacetChart, description: str, height: int) -> dict[str, Any]:
    """The specification of a chart as wide as what holds it, in the page's own ink.

    Args:
        layered: the chart.
        description: for those who do not see it.
        height: pixels.
    """
    finished = layered.properties(
        width="container",
        height=height,
        description=description,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        config=style(),
    )
    spec: dict[str, Any] = finished.to_dict()
    return spec


def _scale(splits: Sequence[str], strengths: dict[str, float]) -> alt.Scale:
    return alt.Scale(type="ordinal", domain=list(splits), range=[strengths[split] for split in splits])


def _cycle(values: Sequence[str], number: int) -> list[str]:
    return [values[place % len(values)] for place in range(number)]


def style() -> alt.Config:
    """What all charts look like: the page's own ink, on a light and on a dark ground."""
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


def javascript() -> Markup:
    """One copy of Vega, Vega-Lite and vega-embed, to stand within a page."""
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    bundle = vl_convert.javascript_bundle(vl_version=version)  # type: ignore[call-arg]  # its stub demands a snippet
    # an HTML parser would end the script there, even within a string
    return Markup(bundle.replace("</script", r"<\/script"))
