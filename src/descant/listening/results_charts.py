"""Charts of a listening test: means with both errors, and how often each value was given."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import altair as alt

from descant.evaluation.charts import PALETTE, style
from descant.listening.scores import LIMITS, Score

ROW = 34
MOST_VALUES = 10
POOLED = "± 1.96 standard errors over all ratings (too small)"
TWO_WAY = "two-way interval"


def score_chart(scores: Sequence[Score], titles: Mapping[str, str], description: str) -> dict[str, Any]:
    """Means of one scale, a row a system: the two-way interval thick, the classical error thin beside it.

    Args:
        scores: of one scale, in the order of rows.
        titles: of systems by name.
        description: for those who do not see it.

    Returns:
        A Vega-Lite specification, data included.
    """
    rows = []
    for score in scores:
        half = None if score.sem is None else 1.96 * score.sem
        common = {"system": titles.get(score.system, score.system), "mean": score.mean}
        rows.append({**common, "error": TWO_WAY, "low": score.low, "high": score.high})
        if half is not None:
            rows.append({**common, "error": POOLED, "low": score.mean - half, "high": score.mean + half})
    ends = LIMITS.get(scores[0].scale)
    scale = alt.Scale(domain=list(ends), nice=False) if ends else alt.Scale(zero=False)
    y = alt.Y(
        "system:N",
        sort=[titles.get(score.system, score.system) for score in scores],
        title=None,
        axis=alt.Axis(labelLimit=260, domain=False, ticks=False),
    )
    offset = alt.YOffset("error:N", scale=alt.Scale(domain=[TWO_WAY, POOLED]))
    colour = alt.Color(
        "error:N",
        scale=alt.Scale(domain=[TWO_WAY, POOLED], range=[PALETTE[0], PALETTE[8]]),
        legend=alt.Legend(title=None, orient="top", labelLimit=420),
    )
    width = alt.StrokeWidth("error:N", scale=alt.Scale(domain=[TWO_WAY, POOLED], range=[4, 1.5]), legend=None)
    tips = [
        alt.Tooltip("system:N"),
        alt.Tooltip("error:N"),
        alt.Tooltip("mean:Q", format=".2f"),
        alt.Tooltip("low:Q", format=".2f"),
        alt.Tooltip("high:Q", format=".2f"),
    ]
    data = alt.Chart(alt.InlineData(values=rows))
    place = alt.X("low:Q", title="mean rating", scale=scale, axis=alt.Axis(tickCount=8))
    lines = data.mark_rule(clip=True).encode(
        x=place, x2="high:Q", y=y, yOffset=offset, color=colour, strokeWidth=width, tooltip=tips
    )
    dots = data.mark_point(filled=True, size=60, opacity=1).encode(
        x=alt.X("mean:Q", scale=scale), y=y, yOffset=offset, color=colour, tooltip=tips
    )
    return _finish(alt.layer(lines, dots), ROW * len(scores), description)


def histogram_chart(scores: Sequence[Score], titles: Mapping[str, str], description: str) -> dict[str, Any]:
    """Share of each value of one scale, a bar a system.

    Args:
        scores: of one scale, in the order of rows.
        titles: of systems by name.
        description: for those who do not see it.

    Returns:
        A Vega-Lite specification, data included.
    """
    # a scale of a hundred points in tens
    width = 1 if len({value for score in scores for value in score.histogram}) <= MOST_VALUES else MOST_VALUES
    rows = [
        {"system": titles.get(score.system, score.system), "value": value, "ratings": ratings, "share": share}
        for score in scores
        for value, ratings, share in _binned(score, width)
    ]
    bars = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar(height=ROW * 0.6)
        .encode(
            x=alt.X(
                "share:Q",
                title="share of ratings",
                stack="zero",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format=".0%"),
            ),
            y=alt.Y(
                "system:N",
                sort=[titles.get(score.system, score.system) for score in scores],
                title=None,
                axis=alt.Axis(labelLimit=260, domain=False, ticks=False),
            ),
            color=alt.Color(
                "value:O", scale=alt.Scale(scheme="redyellowblue"), legend=alt.Legend(title="rating", orient="top")
            ),
            order=alt.Order("value:Q"),
            tooltip=[
                alt.Tooltip("system:N"),
                alt.Tooltip("value:Q", title="rating"),
                alt.Tooltip("ratings:Q"),
                alt.Tooltip("share:Q", format=".0%"),
            ],
        )
    )
    return _finish(bars, ROW * len(scores), description)


def _binned(score: Score, width: int) -> Iterator[tuple[float, int, float]]:
    """Lower end, number and share of the ratings in every bin of a width, lowest first."""
    bins: dict[float, int] = {}
    for value, count in score.histogram.items():
        start = float(value) // width * width
        bins[start] = bins.get(start, 0) + count
    for start in sorted(bins):
        yield start, bins[start], bins[start] / score.ratings


def _finish(drawn: alt.LayerChart | alt.FacetChart | alt.Chart, height: int, description: str) -> dict[str, Any]:
    finished = drawn.properties(
        width="container",
        height=height,
        description=description,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        config=style(),
    )
    spec: dict[str, Any] = finished.to_dict()
    return spec
