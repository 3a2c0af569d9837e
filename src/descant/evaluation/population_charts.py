"""Charts of a population: a figure of every member along its lineage, with joins where it took over another's state."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt

from descant.evaluation.charts import PALETTE, SHAPES, finish, thin
from descant.evaluation.population import Population, State

CHOSEN, OTHER = "leads to the chosen", "any other"
OWN, TAKEN = "its own state", "another's, taken over"
DECADE = 10.0
# of an axis that is marked where the figures stand (ours)
MOST_TICKS = 24
# a legend with more rows is taller than its chart (ours)
LEGEND_ROWS = 8


@dataclass(frozen=True)
class Place:
    """A figure of a state: where it stands on the horizontal axis, and its value."""

    x: int
    value: float


Trace = Callable[[State], Sequence[Place]]


@dataclass(frozen=True)
class Measure:
    """What a chart shows of every state.

    Attributes:
        heading: above the chart.
        words: what it tells, also for those who do not see it.
        trace: the figures of a state, such as :func:`bits_along`.
        horizontal: title of the horizontal axis.
        vertical: title of the vertical axis.
        height: pixels.
        explained: whether a legend tells what heavy and dashed lines are; a low chart has no room for it.
    """

    heading: str
    words: str
    trace: Trace
    horizontal: str
    vertical: str
    height: int
    explained: bool = False


@dataclass(frozen=True)
class Mark:
    """A place on the chart as Vega-Lite reads it.

    Attributes:
        line: which line it belongs to; no two lines share one.
        member: whose colour it has.
        generation: of the member.
        x: on the horizontal axis.
        value: on the vertical one.
        lineage: whether the line leads to the chosen state.
        way: whether the line goes on with the member's own state, or joins it to one that it took over.
        own: whether the figure is this state's, and not its parent's, from which the line begins.
    """

    line: str
    member: str
    generation: int
    x: int
    value: float
    lineage: str
    way: str
    own: bool


def bits_along(state: State) -> list[Place]:
    """Validation bits over steps."""
    return [Place(point.step, point.value) for point in thin(state.curve)]


def setting_of(key: str) -> Trace:
    """A tuned hyper-parameter over generations."""

    def trace(state: State) -> list[Place]:
        return [Place(state.decision.generation, state.decision.after[key])]

    return trace


def fitness_of(state: State) -> list[Place]:
    """Fitness over generations; nothing for a training that failed."""
    fitness = state.score.fitness
    return [] if fitness is None else [Place(state.decision.generation, fitness)]


def perplexity_of(state: State) -> list[Place]:
    """Perplexity over generations; nothing for a training that failed."""
    perplexity = state.score.perplexity
    return [] if perplexity is None else [Place(state.decision.generation, perplexity)]


def draw_marks(population: Population, trace: Trace) -> list[Mark]:
    """Every state's line, begun at its parent's end: dashed where the state was taken over; the chosen lineage last."""
    lineage = population.lineage
    drawn: list[Mark] = []
    for state in sorted(population.states, key=lambda state: state in lineage):
        parent = population.parent(state)
        start, places = list(trace(parent))[-1:] if parent else [], list(trace(state))
        if not places:
            continue
        if state.decision.action == "exploited" and start:
            drawn += _marks(state, TAKEN, state in lineage, [], [*start, places[0]])
            start = []
        drawn += _marks(state, OWN, state in lineage, places, [*start, *places])
    return drawn


def _marks(state: State, way: str, chosen: bool, own: Sequence[Place], line: Sequence[Place]) -> list[Mark]:
    generation, member = state.decision.generation, state.decision.member
    name = f"{generation}.{member} {way}"
    lineage = CHOSEN if chosen else OTHER
    return [Mark(name, str(member), generation, at.x, at.value, lineage, way, at in own) for at in line]


def is_logarithmic(marks: Sequence[Mark]) -> bool:
    """Whether the values span a decade, so that a linear axis would hide the small ones."""
    values = [mark.value for mark in marks]
    return min(values) > 0 and max(values) / min(values) >= DECADE


def lineage_chart(population: Population, measure: Measure) -> dict[str, Any] | None:
    """A line a member and generation, coloured by member, the chosen lineage drawn heavier.

    Returns:
        The specification, data included; None when there is no figure.
    """
    marks = draw_marks(population, measure.trace)
    if not marks:
        return None
    members = sorted({mark.member for mark in marks}, key=int)
    pick = alt.selection_point(fields=["member"], bind="legend", name="pick")
    places = sorted({mark.x for mark in marks})
    ticks: list[float] | alt.UndefinedType = list(places) if len(places) <= MOST_TICKS else alt.Undefined
    x = alt.X(
        "x:Q",
        title=measure.horizontal,
        scale=alt.Scale(nice=False, zero=False, padding=12),
        axis=alt.Axis(values=ticks, tickCount=8, labelOverlap="greedy", format=",d"),
    )
    scale = alt.Scale(type="log", nice=False, padding=12) if is_logarithmic(marks) else alt.Scale(zero=False)
    y = alt.Y("value:Q", title=measure.vertical, scale=scale, axis=alt.Axis(minExtent=44))
    columns = -(-len(members) // LEGEND_ROWS)
    # a shape beside the colour, for those who do not tell colours apart
    legend = alt.Legend(title="member (click to single out)", symbolOpacity=1, symbolSize=70, columns=columns)
    palette = [PALETTE[int(member) % len(PALETTE)] for member in members]
    shapes = [SHAPES[int(member) % len(SHAPES)] for member in members]
    colour = alt.Color("member:N", scale=alt.Scale(domain=members, range=palette), legend=legend)
    shape = alt.Shape("member:N", scale=alt.Scale(domain=members, range=shapes), legend=legend)
    ways = [way for way in (OWN, TAKEN) if any(mark.way == way for mark in marks)]
    kinds = [kind for kind in (CHOSEN, OTHER) if any(mark.lineage == kind for mark in marks)]
    dashes, widths = {OWN: [1, 0], TAKEN: [6, 4]}, {CHOSEN: 4.0, OTHER: 1.5}
    dash = alt.Scale(domain=ways, range=[dashes[way] for way in ways])
    width = alt.Scale(type="ordinal", domain=kinds, range=[widths[kind] for kind in kinds])
    strength = alt.Scale(type="ordinal", domain=kinds, range=[{CHOSEN: 1.0, OTHER: 0.6}[kind] for kind in kinds])
    ways_legend = _ink_legend("goes on with") if measure.explained else None
    kinds_legend = _ink_legend("lineage") if measure.explained else None
    data = alt.Chart(alt.InlineData(values=[asdict(mark) for mark in marks]))
    lines = (
        data.mark_line(strokeJoin="round")
        .encode(
            x=x,
            y=y,
            detail="line:N",
            color=colour,
            strokeWidth=alt.StrokeWidth("lineage:O", scale=width, legend=kinds_legend),
            strokeDash=alt.StrokeDash("way:N", scale=dash, legend=ways_legend),
            opacity=alt.condition(pick, alt.Opacity("lineage:O", scale=strength, legend=None), alt.value(0.06)),
        )
        .add_params(pick)
    )
    own = data.transform_filter(alt.datum.own)
    dots = own.mark_point(size=48, filled=True).encode(
        x=x, y=y, color=colour, shape=shape, opacity=alt.condition(pick, alt.value(1), alt.value(0.06))
    )
    # larger than what is seen, so that a pointer finds it
    tips = own.mark_circle(size=140, opacity=0).encode(
        x=x,
        y=y,
        tooltip=[
            alt.Tooltip("member:N"),
            alt.Tooltip("generation:Q"),
            alt.Tooltip("x:Q", title=measure.horizontal, format=",d"),
            alt.Tooltip("value:Q", title=measure.vertical, format=".4~g"),
            alt.Tooltip("lineage:N"),
        ],
    )
    return finish(alt.layer(lines, dots, tips), measure.words, measure.height)


def _ink_legend(title: str) -> alt.Legend:
    """Of lines that stand for no member, and are drawn in the page's ink, long enough to show dashes."""
    return alt.Legend(title=title, symbolStrokeColor="currentColor", symbolOpacity=1, symbolSize=500)
