"""A heat map with places that have names, and ways between them, as a Vega-Lite specification that holds its data."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt

from descant.report.charts import finish

# cells to a side, at most: each is a shape on the page (ours)
CELLS = 64
HEIGHT = 340
# legible on every colour of the map
MARK, HALO = "#000000", "#ffffff"
Place = tuple[float, float]


def heat_map(
    values: npt.NDArray[np.floating],
    x: tuple[str, Place],
    y: tuple[str, Place],
    unit: str,
    places: Sequence[tuple[str, Place]],
    ways: Sequence[tuple[Place, Place]],
    description: str,
) -> dict[str, Any]:
    """Values over a plane; of a map of more than ``CELLS`` to a side, some rows and columns are left out evenly.

    Args:
        values: ``(rows, columns)``, by rising ``y`` and ``x``.
        x: what is across, and the middle of the first and of the last column.
        y: what is up, and those of the rows.
        unit: what a value is.
        places: that are marked, by their names.
        ways: straight lines between two places.
        description: for those who do not see it.
    """
    (rows, down), (columns, across) = (
        _thin(size, *ends) for size, ends in zip(values.shape, (y[1], x[1]), strict=True)
    )
    cells = [
        {"x": left, "x2": right, "y": bottom, "y2": top, "value": float(f"{values[row, column]:.5g}")}
        for row, (bottom, top) in zip(rows, down, strict=True)
        for column, (left, right) in zip(columns, across, strict=True)
    ]
    place = {
        "x": alt.X("x:Q", **_encode(x[0], across[0][0], across[-1][1])),
        "y": alt.Y("y:Q", **_encode(y[0], down[0][0], down[-1][1])),
    }
    colour = alt.Color("value:Q", scale=alt.Scale(scheme="viridis", zero=False), legend=alt.Legend(title=unit))
    # or the ground shines through between cells
    edge = alt.ExprRef("scale('color', datum.value)")
    tips = [alt.Tooltip(f"{key}:Q", title=title, format=".4~g")
            for key, title in (("x", x[0]), ("y", y[0]), ("value", unit))]  # fmt: skip
    tiles = alt.Chart(alt.InlineData(values=cells)).mark_rect(stroke=edge, strokeWidth=1).encode(
        **place, x2="x2:Q", y2="y2:Q", color=colour, tooltip=tips
    )  # fmt: skip
    lines = [{"x": point[0], "y": point[1], "way": number} for number, way in enumerate(ways) for point in way]
    layers = [tiles]
    for width, ink in ((4, HALO), (1.5, MARK)):
        stroke = alt.Chart(alt.InlineData(values=lines)).mark_line(strokeWidth=width, color=ink)
        layers.append(stroke.encode(**place, detail="way:N"))
    named = alt.Chart(alt.InlineData(values=[{"x": at[0], "y": at[1], "name": name} for name, at in places]))
    layers.append(
        named.mark_point(filled=True, size=70, color=MARK, stroke=HALO, strokeWidth=2, opacity=1).encode(**place)
    )
    for width, ink in ((3, HALO), (0, MARK)):
        words = named.mark_text(dy=-12, fontSize=12, color=MARK, stroke=ink, strokeWidth=width, strokeJoin="round")
        layers.append(words.encode(**place, text="name:N"))
    return finish(alt.layer(*layers), description, HEIGHT)


def _encode(title: str, first: float, last: float) -> dict[str, Any]:
    """What Altair takes of an axis of a title that ends where the cells do, without lines across them."""
    scale = alt.Scale(domain=[first, last], nice=False, zero=False)
    return {"title": title, "scale": scale, "axis": alt.Axis(grid=False)}


def _thin(size: int, first: float, last: float) -> tuple[list[int], list[Place]]:
    """Which of ``size`` rows are shown, and from where to where each reaches."""
    every = -(-size // CELLS)
    step = (last - first) / (size - 1)
    cells = list(pairwise([*range(0, size, every), size]))
    spans = [(first + step * (start - 0.5), first + step * (stop - 0.5)) for start, stop in cells]
    return [(start + stop - 1) // 2 for start, stop in cells], spans
