"""The page of distances: for each embedding what it hears, a chart of all sets, and the figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from descant.evaluation.charts import PALETTE, finish, javascript
from descant.evaluation.distances.kinds import KINDS, Kind
from descant.evaluation.distances.measure import FLOOR, FRECHET, MMD2, MODEL, TRAIN, Outlier, Row
from descant.evaluation.distances.results import Summary
from descant.evaluation.figure_lines import Line, Shown, shown
from descant.evaluation.pages import render
from descant.formatting import count, decimal
from descant.statistics import Interval

CLASSES = ("model", "real music", "spoilt on purpose")
AXIS = "MMD² from the test tracks"


@dataclass(frozen=True)
class Part:
    """All that the page tells of one embedding.

    Attributes:
        heading: its title.
        hears: what it tells apart.
        basis: what the figures stand on; empty where there are none.
        spec: of the chart; None where there are no figures.
        label: of the chart, for those who do not see it.
        lines: of the table.
        frechet: the Fréchet distances in words, or why there are none.
        reasons: why something was not measured.
    """

    heading: str
    hears: str
    basis: str
    spec: dict[str, Any] | None
    label: str
    lines: Sequence[Line]
    frechet: str
    reasons: Sequence[str]


def build_parts(rows: Sequence[Row], outliers: Sequence[Outlier], summary: Summary) -> list[Part]:
    """Lay out every embedding."""
    return [
        _part(
            kind,
            [row for row in rows if row.embedding == kind.name],
            [outlier for outlier in outliers if outlier.embedding == kind.name],
            summary,
        )
        for kind in KINDS
    ]


def _part(kind: Kind, rows: Sequence[Row], outliers: Sequence[Outlier], summary: Summary) -> Part:
    found = [row for row in rows if row.measure == MMD2]
    shown = [row for row in found if row.role != FLOOR]
    floor = next((row.value for row in found if row.role == FLOOR), None)
    measured = [row for row in shown if row.value is not None]
    reference = next(reference for reference in summary.embeddings if reference.name == kind.name)
    basis = ""
    if reference.bandwidth is not None:
        basis = (
            f"Against {count(reference.excerpts, 'excerpt')} of {count(reference.tracks, 'test track')}, "
            f"{summary.seconds:.3g} s each. Bandwidth of the kernel: {decimal(reference.bandwidth, 3)}, the median "
            "distance."
        )
    reasons: dict[str, None] = {}
    for row in found:
        if row.reason:
            reasons[row.reason if reference.bandwidth is None else f"{row.title}: {row.reason}"] = None
    label = f"MMD², {kind.title}: distance of each set from real music"
    return Part(
        heading=kind.title,
        hears=kind.hears,
        basis=basis,
        spec=_chart(measured, floor, label) if measured else None,
        label=label,
        lines=[_line(row, floor, outliers) for row in measured],
        frechet=_frechet([row for row in rows if row.measure == FRECHET]),
        reasons=list(reasons),
    )


def _line(row: Row, floor: float | None, outliers: Sequence[Outlier]) -> Line:
    value = row.value or 0.0
    own = [outlier for outlier in outliers if row.role == MODEL and outlier.model == row.name and outlier.rank == 1]
    times = "" if floor is None else "under it" if value <= floor else _times(value, floor)
    return Line(
        row.title,
        f"{count(row.excerpts, 'excerpt')} of {count(row.groups, 'sequence' if row.role == MODEL else 'track')}",
        [
            shown(Interval(value, row.low, row.high), 3),
            Shown(times),
            Shown(f"{own[0].sequence}, at {own[0].start:.1f} s" if own else ""),
        ],
    )


def _times(value: float, floor: float) -> str:
    return f"{value / floor:.1f}" if floor > 0 else ""


def _frechet(rows: Sequence[Row]) -> str:
    told = [f"{row.title} {row.value:.3g} [{row.low:.3g}, {row.high:.3g}]" for row in rows if row.low is not None]
    told += [f"two halves of the test tracks {row.value:.3g}" for row in rows if row.role == FLOOR and row.value]
    if told:
        return f"{'; '.join(told)}."
    reasons = [row.reason for row in rows if row.role != FLOOR]
    return f"{reasons[0]}." if reasons else ""


def _class_of(row: Row) -> str:
    return CLASSES[0] if row.role == MODEL else CLASSES[1] if row.role == TRAIN else CLASSES[2]


def _chart(rows: Sequence[Row], floor: float | None, description: str) -> dict[str, Any]:
    """A row a set: the point, and the interval behind it; the floor is a line through all."""
    values = [
        {"set": row.title, "kind": _class_of(row), "mmd2": row.value, "low": row.low, "high": row.high} for row in rows
    ]
    kinds = [kind for kind in CLASSES if any(value["kind"] == kind for value in values)]
    legend = alt.Legend(title=None, symbolOpacity=1, symbolSize=90, orient="top")
    places = [CLASSES.index(kind) for kind in kinds]
    colour = alt.Color(
        "kind:N", scale=alt.Scale(domain=kinds, range=[PALETTE[place] for place in places]), legend=legend
    )
    shapes = ("circle", "square", "triangle-up")
    shape = alt.Shape("kind:N", scale=alt.Scale(domain=kinds, range=[shapes[place] for place in places]), legend=legend)
    y = alt.Y("set:N", sort=[row.title for row in rows], title=None, axis=alt.Axis(labelLimit=260))
    data = alt.Chart(alt.InlineData(values=values))
    layers: list[alt.Chart] = []
    if floor is not None:
        line = alt.Chart(alt.InlineData(values=[{"floor": floor, "told": "floor: real against real"}]))
        x = alt.X("floor:Q", title=AXIS)
        layers.append(line.mark_rule(strokeDash=[5, 4], color="currentColor", opacity=0.7).encode(x=x))
        text = line.mark_text(align="left", baseline="bottom", dx=4, color="currentColor", y=-2)
        layers.append(text.encode(x=x, text="told:N"))
    tips = [alt.Tooltip("set:N"), *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("mmd2", "low", "high"))]
    layers.append(
        data.transform_filter("datum.low !== null")
        .mark_rule(strokeWidth=2.5)
        .encode(x=alt.X("low:Q", title=AXIS), x2="high:Q", y=y, color=colour)
    )
    points = data.mark_point(filled=True, opacity=1, size=90)
    layers.append(points.encode(x=alt.X("mmd2:Q", title=AXIS), y=y, color=colour, shape=shape, tooltip=tips))
    return finish(alt.layer(*layers), description, 30 * len(rows) + 20)


def distances_html(title: str, rows: Sequence[Row], outliers: Sequence[Outlier], summary: Summary) -> str:
    """The page as HTML."""
    parts = build_parts(rows, outliers, summary)
    values = {
        "title": title,
        "parts": parts,
        "seconds": f"{summary.seconds:.3g}",
        "asked": f"{summary.asked_seconds:.3g}" if summary.asked_seconds > summary.seconds else "",
        "confidence": f"{100 * summary.confidence:g} %",
        "javascript": javascript() if any(part.spec for part in parts) else "",
    }
    return render("distances.html", values)
