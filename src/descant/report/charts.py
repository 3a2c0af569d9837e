"""The grammar of charts: lines, intervals and shares, as Vega-Lite specifications that hold their data.

Each is as wide as what holds it and drawn in the page's own ink. A series has a colour and, beside it, a shape or a
dash, for those who do not distinguish colours.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import vl_convert

POINTS = 400  # a line has no more on a screen
# legible on a light and on a dark ground
PALETTE = (
    "#3f83d6", "#d9622b", "#2f9e6e", "#b05cc9", "#b9831c", "#d44d78", "#5f9130", "#1f9bb0", "#8f7a6d", "#7a7fd6",
)  # fmt: skip
GREY = "#83868f"
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right", "triangle-left")
DASHES = ([1, 0], [6, 3], [2, 2], [10, 3, 2, 3])
# a legend with more rows is taller than its chart (ours)
LEGEND_ROWS = 8
WHOLE = ",d"  # the form of whole numbers
INK = "currentColor"
FAINT = 0.06


@dataclass(frozen=True)
class Axis:
    """An axis.

    Attributes:
        title: beside it.
        logarithmic: whether equal steps are equal factors.
        zero: whether it holds 0.
        form: of the numbers on it, as of d3-format.
        ticks: where they are; empty lets Vega choose.
        ends: of the axis; None lets Vega choose.
        padding: pixels between its ends and the data; 0 lets Vega choose round ends.
    """

    title: str
    logarithmic: bool = False
    zero: bool = False
    form: str = ""
    ticks: Sequence[float] = ()
    ends: tuple[float, float] | None = None
    padding: int = 0

    def encode(self) -> dict[str, Any]:
        """What Altair takes of it."""
        scale: dict[str, Any] = {"type": "log"} if self.logarithmic else {"zero": self.zero}
        scale |= {"domain": list(self.ends), "nice": False} if self.ends else {}
        scale |= {"padding": self.padding, "nice": False} if self.padding else {}
        axis: dict[str, Any] = {"labelOverlap": "greedy"}
        axis |= {"format": self.form} if self.form else {}
        # no number twice on an axis of whole ones
        axis |= {"tickMinStep": 1} if self.form == WHOLE else {}
        axis |= {"values": list(self.ticks)} if self.ticks else {}
        return {"title": self.title, "scale": alt.Scale(**scale), "axis": alt.Axis(**axis)}


@dataclass(frozen=True)
class Point:
    """A figure on a line, with its interval where it has one."""

    x: float
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Line:
    """A line of a chart.

    Attributes:
        series: whose colour and shape it has.
        points: in order.
        weight: key of the chart's weights, which make it thick or thin.
        way: key of the chart's ways, which make it whole or dashed.
        marked: whether its points are marked.
        begins: where it comes from, without a mark of its own.
        detail: of the line, under the pointer.
    """

    series: str
    points: Sequence[Point]
    weight: str = ""
    way: str = ""
    marked: bool = True
    begins: Point | None = None
    detail: str = ""


@dataclass(frozen=True)
class Weight:
    """How thick and how strong lines of a weight are."""

    width: float
    opacity: float


@dataclass(frozen=True)
class Legends:
    """What the legends say: of the series, of the weights and of the ways; empty for none."""

    series: str
    weights: str = ""
    ways: str = ""
    below: bool = False


def thin(points: Sequence[Point], most: int = POINTS) -> list[Point]:
    """Average neighbours until no more than ``most`` points are left; the place is the last one's."""
    size = -(-len(points) // most)
    parts = [points[start : start + size] for start in range(0, len(points), size)] if points else []
    return [Point(part[-1].x, math.fsum(point.value for point in part) / len(part)) for part in parts]


def line_chart(
    lines: Sequence[Line],
    x: Axis,
    y: Axis,
    description: str,
    height: int,
    legends: Legends,
    weights: Mapping[str, Weight] | None = None,
    ways: Mapping[str, Sequence[int]] | None = None,
    order: Sequence[str] = (),
) -> dict[str, Any]:
    """Lines with their points and bands; a click in the legend singles a series out.

    Args:
        lines: those of one series may be several; later ones lie above.
        x: the horizontal axis.
        y: the vertical one.
        description: for those who do not see it.
        height: pixels.
        legends: what the legends say.
        weights: by name, in the order of their legend.
        ways: dashes by name, in the order of their legend.
        order: of the series in the legend; empty for that of the lines.
    """
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines):
        shared = {"line": number, "series": line.series, "weight": line.weight, "way": line.way, "detail": line.detail}
        begun = [{**shared, **vars(line.begins), "own": False, "marked": False}] if line.begins else []
        rows += [*begun, *({**shared, **vars(point), "own": True, "marked": line.marked} for point in line.points)]
    names = list(order or dict.fromkeys(line.series for line in lines))
    marked = any(line.marked for line in lines)
    below: dict[str, Any] = {"orient": "bottom", "labelLimit": 300} if legends.below else {}
    legend = alt.Legend(
        title=f"{legends.series} (click to single out)",
        symbolOpacity=1,
        symbolSize=70,
        columns=2 if legends.below else -(-len(names) // LEGEND_ROWS),
        **below,
    )
    pick = alt.selection_point(fields=["series"], bind="legend", name="pick")
    colour = alt.Color("series:N", scale=_cycle(PALETTE, names), legend=legend)
    place, value = alt.X("x:Q", **x.encode()), alt.Y("value:Q", **y.encode())
    stroke: dict[str, Any] = {"strokeWidth": alt.value(2.5), "opacity": _faded(pick, alt.value(1))}
    if weights:
        used = [name for name in weights if any(line.weight == name for line in lines)]
        wide = _scale(used, [weights[name].width for name in used], type="ordinal")
        strong = _scale(used, [weights[name].opacity for name in used], type="ordinal")
        shown = _ink_legend(legends.weights if len(used) > 1 else "")
        stroke["strokeWidth"] = alt.StrokeWidth("weight:O", scale=wide, legend=shown)
        stroke["opacity"] = _faded(pick, alt.Opacity("weight:O", scale=strong, legend=None))
    if ways:
        used = [name for name in ways if any(line.way == name for line in lines)]
        dashes = _scale(used, [list(ways[name]) for name in used])
        stroke["strokeDash"] = alt.StrokeDash("way:N", scale=dashes, legend=_ink_legend(legends.ways))
    elif not marked:
        stroke["strokeDash"] = alt.StrokeDash("series:N", scale=_cycle(DASHES, names), legend=legend)
    data = alt.Chart(alt.InlineData(values=rows))
    layers = []
    if any(row["low"] is not None for row in rows):
        bands = data.transform_filter("datum.low !== null").mark_area()
        low = alt.Y("low:Q", title=y.title)
        layers.append(bands.encode(x=place, y=low, y2="high:Q", color=colour, opacity=_faded(pick, alt.value(0.13))))
    strokes = data.mark_line(strokeJoin="round").encode(x=place, y=value, detail="line:N", color=colour, **stroke)
    layers.append(strokes.add_params(pick))
    if marked:
        dots = data.transform_filter(alt.datum.marked).mark_point(size=48, filled=True)
        shape = alt.Shape("series:N", scale=_cycle(SHAPES, names), legend=legend)
        layers.append(dots.encode(x=place, y=value, color=colour, shape=shape, opacity=_faded(pick, alt.value(1))))
    # larger than what is seen, so that a pointer finds it
    tips = data.transform_filter(alt.datum.own).mark_circle(size=140, opacity=0)
    shown_tips = [alt.Tooltip("series:N", title=legends.series)]
    shown_tips += [alt.Tooltip("detail:N", title=" ")] if any(line.detail for line in lines) else []
    shown_tips += [alt.Tooltip("x:Q", title=x.title, format=x.form or ".3~f")]
    shown_tips += [alt.Tooltip("value:Q", title=y.title, format=".4~g")]
    layers.append(tips.encode(x=place, y=value, tooltip=shown_tips))
    return finish(alt.layer(*layers), description, height)


def _faded(pick: alt.Parameter, otherwise: Any) -> Any:
    return alt.condition(pick, otherwise, alt.value(FAINT))


def _scale(names: Sequence[str], values: Sequence[Any], **more: Any) -> alt.Scale:
    return alt.Scale(domain=list(names), range=list(values), **more)


def _cycle(values: Sequence[Any], names: Sequence[str]) -> alt.Scale:
    return _scale(names, [values[place % len(values)] for place in range(len(names))])


def _ink_legend(title: str) -> alt.Legend | None:
    """Of lines of any series, drawn in the page's ink, long enough to show dashes; none without a title."""
    return alt.Legend(title=title, symbolStrokeColor=INK, symbolOpacity=1, symbolSize=500) if title else None


@dataclass(frozen=True)
class Dot:
    """A figure with its interval, in the row of its name.

    Attributes:
        name: of the row; several dots of one name lie below one another.
        value: the figure.
        low: of its interval; None where it has none.
        high: likewise.
        style: key of the chart's styles.
        singles: the figures that it is the mean of, as small marks.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    style: str = ""
    singles: Sequence[float] = ()


@dataclass(frozen=True)
class DotStyle:
    """How a kind of dots looks."""

    colour: str = PALETTE[0]
    shape: str = "circle"
    width: float = 2.5


def interval_chart(
    dots: Sequence[Dot],
    axis: Axis,
    description: str,
    styles: Mapping[str, DotStyle] | None = None,
    floor: tuple[float, str] | None = None,
    legend: bool = True,
    row: int = 30,
) -> dict[str, Any]:
    """A dot and its interval in each row, the first at the top.

    Args:
        dots: in the order of the rows.
        axis: the horizontal one.
        description: for those who do not see it.
        styles: how dots look, by the name that the legend has for them.
        floor: where a line runs through all rows, and what it is.
        legend: whether the styles are explained.
        row: pixels of one.
    """
    styles = styles or {"": DotStyle()}
    used = [name for name in styles if any(dot.style == name for dot in dots)]
    names = list(dict.fromkeys(dot.name for dot in dots))
    values = [{key: value for key, value in vars(dot).items() if key != "singles"} for dot in dots]
    singles = [{"name": dot.name, "value": single} for dot in dots for single in dot.singles]
    shown = alt.Legend(title=None, orient="top", labelLimit=420, symbolOpacity=1, symbolSize=90) if legend else None
    looks = [styles[name] for name in used]
    colour = alt.Color("style:N", scale=_scale(used, [look.colour for look in looks]), legend=shown)
    shape = alt.Shape("style:N", scale=_scale(used, [look.shape for look in looks]), legend=shown)
    width = alt.StrokeWidth("style:N", scale=_scale(used, [look.width for look in looks]), legend=None)
    y = alt.Y("name:N", sort=names, title=None, axis=alt.Axis(labelLimit=260, ticks=False, domain=False))
    rows: dict[str, Any] = {"y": y}
    if len(names) < len(dots):
        rows["yOffset"] = alt.YOffset("style:N", scale=alt.Scale(domain=used))
    data = alt.Chart(alt.InlineData(values=values))
    layers: list[alt.Chart] = []
    if floor is not None:
        line = alt.Chart(alt.InlineData(values=[{"floor": floor[0], "words": floor[1]}]))
        x = alt.X("floor:Q", title=axis.title)
        layers.append(line.mark_rule(strokeDash=[5, 4], color=INK, opacity=0.7).encode(x=x))
        text = line.mark_text(align="left", baseline="bottom", dx=4, color=INK, y=-2)
        layers.append(text.encode(x=x, text="words:N"))
    if singles:
        ticks = alt.Chart(alt.InlineData(values=singles)).mark_tick(color=GREY, thickness=2, opacity=0.75, size=14)
        tips = [alt.Tooltip("name:N"), alt.Tooltip("value:Q", format=".4~g")]
        layers.append(ticks.encode(x=alt.X("value:Q", **axis.encode()), y=y, tooltip=tips))
    tips = [alt.Tooltip("name:N", title=" "), *([alt.Tooltip("style:N", title=" ")] if len(used) > 1 else [])]
    tips += [alt.Tooltip(f"{key}:Q", format=".4~g") for key in ("value", "low", "high")]
    spans = data.transform_filter("datum.low !== null").mark_rule(clip=True)
    low, value = alt.X("low:Q", **axis.encode()), alt.X("value:Q", **axis.encode())
    layers.append(spans.encode(x=low, x2="high:Q", **rows, color=colour, strokeWidth=width, tooltip=tips))
    marks = data.mark_point(filled=True, opacity=1, size=80)
    layers.append(marks.encode(x=value, **rows, color=colour, shape=shape, tooltip=tips))
    return finish(alt.layer(*layers), description, row * len(names) + 20)


def shares_chart(counts: Mapping[str, Mapping[float, int]], unit: str, description: str) -> dict[str, Any]:
    """Shares of ordered values, a bar a row.

    Args:
        counts: how often each value was given, by row, the first at the top.
        unit: what a value is.
        description: for those who do not see it.
    """
    rows = [
        {"name": name, "value": value, "count": number, "share": number / sum(given.values())}
        for name, given in counts.items()
        for value, number in sorted(given.items())
    ]
    axis = alt.Axis(labelLimit=260, domain=False, ticks=False)
    colour = alt.Scale(scheme="redyellowblue")
    tips = [alt.Tooltip("name:N", title=" "), alt.Tooltip("value:Q", title=unit)]
    tips += [alt.Tooltip("count:Q", title=f"{unit}s"), alt.Tooltip("share:Q", format=".0%")]
    share: dict[str, Any] = {"stack": "zero", "scale": alt.Scale(domain=[0, 1]), "axis": alt.Axis(format=".0%")}
    bars = alt.Chart(alt.InlineData(values=rows)).mark_bar(height=20)
    drawn = bars.encode(
        x=alt.X("share:Q", title=f"share of {unit}s", **share),
        y=alt.Y("name:N", sort=list(counts), title=None, axis=axis),
        color=alt.Color("value:O", scale=colour, legend=alt.Legend(title=unit, orient="top")),
        order=alt.Order("value:Q"),
        tooltip=tips,
    )
    return finish(drawn, description, 34 * len(counts))


def finish(drawn: alt.LayerChart | alt.FacetChart | alt.Chart, description: str, height: int) -> dict[str, Any]:
    """A chart as a page holds it: as wide as what holds it, in the page's ink."""
    text: dict[str, Any] = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}
    ink: dict[str, Any] = {"labelColor": INK, "titleColor": INK}
    lines: dict[str, Any] = {"gridColor": INK, "gridOpacity": 0.12, "domainColor": INK, "domainOpacity": 0.4}
    ticks: dict[str, Any] = {"tickColor": INK, "tickOpacity": 0.4}
    style = alt.Config(
        background="transparent",
        font="system-ui, 'DejaVu Sans', sans-serif",
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(**text, **ink, **lines, **ticks),
        axisY=alt.AxisConfig(minExtent=44),
        legend=alt.LegendConfig(**text, **ink, labelLimit=190, symbolStrokeWidth=2.5),
    )
    finished = drawn.properties(
        width="container",
        height=height,
        description=description,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        config=style,
    )
    spec: dict[str, Any] = finished.to_dict()
    return spec


def javascript() -> str:
    """One copy of Vega, Vega-Lite and vega-embed, to stand within a page."""
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    bundle = vl_convert.javascript_bundle(vl_version=version)  # type: ignore[call-arg]  # its stub demands a snippet
    # an HTML parser would end the script there, even within a string
    return str(bundle).replace("</script", r"<\/script")
