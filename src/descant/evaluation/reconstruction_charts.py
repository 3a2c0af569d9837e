"""Charts of the reconstructions: distance by stack, and how the codes are used."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from descant.evaluation.charts import PALETTE, finish
from descant.evaluation.code_usage import Usage
from descant.statistics import Interval

# a line with more points shows no more on a screen (ours)
MOST_RANKS = 256
# beside the colour, for those who do not tell colours apart
DASHES = ([1, 0], [6, 3], [2, 2], [10, 3, 2, 3])


def distance_chart(excerpts: pd.DataFrame, means: Mapping[str, Interval], description: str) -> dict[str, Any]:
    """Every excerpt's log-spectral distance as a small mark; the mean with its interval over them.

    Args:
        excerpts: of :func:`descant.evaluation.reconstruction.measure_renderings`.
        means: of each rendering, in the order of the rows.
        description: for those who do not see it.
    """
    points = [
        {"rendering": row["rendering"], "excerpt": row["track"], "distance": float(row["lsd_db"])}
        for row in excerpts.to_dict("records")
    ]
    rows = [{"rendering": name, "mean": mean.value, "low": mean.low, "high": mean.high} for name, mean in means.items()]
    y = alt.Y("rendering:N", sort=list(means), title=None, axis=alt.Axis(labelLimit=260))
    unit = "log-spectral distance from the original (dB)"
    single = alt.Chart(alt.InlineData(values=points)).mark_tick(color=PALETTE[0], thickness=2, opacity=0.75, size=14)
    marks = single.encode(
        x=alt.X("distance:Q", title=unit, scale=alt.Scale(zero=True)),
        y=y,
        tooltip=[alt.Tooltip("rendering:N"), alt.Tooltip("distance:Q", format=".2f")],
    )
    over = alt.Chart(alt.InlineData(values=rows))
    spans = over.transform_filter("datum.low !== null").mark_rule(color=PALETTE[1], strokeWidth=2.5)
    dots = over.mark_point(color=PALETTE[1], filled=True, opacity=1, size=80, shape="diamond")
    tips = [alt.Tooltip(f"{name}:Q", format=".2f") for name in ("mean", "low", "high")]
    return finish(
        alt.layer(
            marks,
            spans.encode(x=alt.X("low:Q", title=unit), x2="high:Q", y=y),
            dots.encode(x=alt.X("mean:Q", title=unit), y=y, tooltip=[alt.Tooltip("rendering:N"), *tips]),
        ),
        description,
        40 * len(means) + 20,
    )


def usage_chart(usages: Mapping[str, Usage], description: str) -> dict[str, Any]:
    """Share of every code that occurs, the commonest first, a line a stack.

    Args:
        usages: by stack, in the order of the legend; each has at least one code.
        description: for those who do not see it.
    """
    rows = [
        {"stack": stack, "rank": rank + 1, "share": 100 * float(shares[rank])}
        for stack, shares in ((stack, usage.sorted_shares) for stack, usage in usages.items())
        for rank in _ranks(len(shares))
    ]
    names = list(usages)
    legend = alt.Legend(title="stack (click to single out)", symbolOpacity=1, symbolSize=70)
    pick = alt.selection_point(fields=["stack"], bind="legend", name="pick")
    colours = [PALETTE[place % len(PALETTE)] for place in range(len(names))]
    data = alt.Chart(alt.InlineData(values=rows))
    x = alt.X("rank:Q", title="codes that occur, commonest first", scale=alt.Scale(domainMin=1, nice=False))
    y = alt.Y("share:Q", title="share of all codes (%)", scale=alt.Scale(type="log"))
    dash = alt.Scale(domain=names, range=[DASHES[place % len(DASHES)] for place in range(len(names))])
    lines = (
        data.mark_line(strokeWidth=2.5)
        .encode(
            x=x,
            y=y,
            color=alt.Color("stack:N", scale=alt.Scale(domain=names, range=colours), legend=legend),
            strokeDash=alt.StrokeDash("stack:N", scale=dash, legend=legend),
            opacity=alt.condition(pick, alt.value(1), alt.value(0.08)),
        )
        .add_params(pick)
    )
    # larger than what is seen, so that a pointer finds it
    tips = data.mark_circle(size=120, opacity=0).encode(
        x=x,
        y=y,
        tooltip=[alt.Tooltip("stack:N"), alt.Tooltip("rank:Q"), alt.Tooltip("share:Q", format=".3~g", title="%")],
    )
    return finish(alt.layer(lines, tips), description, 260)


def _ranks(count: int) -> Sequence[int]:
    """All ranks of few codes; of many, ranks that lie closer together where the codes are common."""
    if count <= MOST_RANKS:
        return range(count)
    return sorted({round(count ** (step / (MOST_RANKS - 1))) - 1 for step in range(MOST_RANKS)})
