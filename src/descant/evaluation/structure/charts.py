"""Charts of the structure page: a measure by source with its interval, and similarity by lag."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt

from descant.evaluation.charts import PALETTE, SHAPES, finish

# grey, legible on a light and on a dark ground: what is compared to
REFERENCE = "#83868f"
ROW_PIXELS = 26


@dataclass(frozen=True)
class Dot:
    """A figure of a source, with its interval where it has one."""

    source: str
    value: float
    low: float | None
    high: float | None
    model: bool


@dataclass(frozen=True)
class LagPoint:
    """Mean similarity at a lag, with its interval where it has one."""

    source: str
    lag: float
    value: float
    low: float | None
    high: float | None


def dot_chart(dots: Sequence[Dot], axis: str, description: str) -> dict[str, Any]:
    """A dot and its interval a source, one below the other.

    Args:
        dots: in the order from above.
        axis: title of the axis.
        description: for those who do not see it.
    """
    order = [dot.source for dot in dots]
    data = alt.Chart(alt.InlineData(values=[asdict(dot) for dot in dots]))
    y = alt.Y("source:N", title=None, sort=order, axis=alt.Axis(labelLimit=230, ticks=False, domain=False))
    x = alt.X("value:Q", title=axis, scale=alt.Scale(zero=False, nice=True))
    colour = alt.condition("datum.model", alt.value(PALETTE[0]), alt.value(REFERENCE))
    spans = (
        data.transform_filter("datum.low != null")
        .mark_rule(strokeWidth=2.5, opacity=0.55)
        .encode(x=alt.X("low:Q", title=axis), x2="high:Q", y=y, color=colour)
    )
    tips = [
        alt.Tooltip("source:N"),
        alt.Tooltip("value:Q", format=".4~g"),
        alt.Tooltip("low:Q", format=".4~g", title="interval, low"),
        alt.Tooltip("high:Q", format=".4~g", title="interval, high"),
    ]
    marks = data.mark_point(filled=True, size=70, opacity=1).encode(x=x, y=y, color=colour, tooltip=tips)
    return finish(alt.layer(spans, marks), description, ROW_PIXELS * len(dots))


def lag_chart(points: Mapping[str, Sequence[LagPoint]], axis: str, description: str) -> dict[str, Any]:
    """Similarity by lag, a line a source with its band.

    Args:
        points: of every source by its title, in the order of the legend; the first three are what is compared to.
        axis: title of the vertical axis.
        description: for those who do not see it.
    """
    names = list(points)
    colours = [PALETTE[place % len(PALETTE)] for place in range(len(names))]
    shapes = [SHAPES[place % len(SHAPES)] for place in range(len(names))]
    rows = [asdict(point) for of_source in points.values() for point in of_source]
    pick = alt.selection_point(fields=["source"], bind="legend", name="pick")
    data = alt.Chart(alt.InlineData(values=rows))
    x = alt.X("lag:Q", title="seconds apart", axis=alt.Axis(tickMinStep=0.25))
    y = alt.Y("value:Q", title=axis)
    legend = alt.Legend(title=None, orient="bottom", columns=2, labelLimit=300, symbolOpacity=1)
    colour = alt.Color("source:N", scale=alt.Scale(domain=names, range=colours), sort=names, legend=legend)
    bands = (
        data.transform_filter("datum.low != null")
        .mark_area()
        .encode(
            x=x,
            y=alt.Y("low:Q", title=axis),
            y2="high:Q",
            color=colour,
            opacity=alt.condition(pick, alt.value(0.13), alt.value(0.02)),
        )
    )
    faint = alt.condition(pick, alt.value(1), alt.value(0.08))
    lines = data.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour, opacity=faint)
    shape = alt.Shape("source:N", scale=alt.Scale(domain=names, range=shapes), sort=names, legend=legend)
    marks = (
        data.mark_point(filled=True, size=45)
        .encode(
            x=x,
            y=y,
            color=colour,
            shape=shape,
            opacity=faint,
            tooltip=[
                alt.Tooltip("source:N"),
                alt.Tooltip("lag:Q", title="seconds apart"),
                alt.Tooltip("value:Q", format=".3f"),
            ],
        )
        .add_params(pick)
    )
    return finish(alt.layer(bands, lines, marks), description, 280)
