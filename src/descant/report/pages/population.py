"""The page of population-based training: who trained with what, who took over whose state, and what was chosen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import Field

from descant.errors import PopulationError
from descant.formatting import count, decimal, significant
from descant.report.blocks import Block, Cell, Line, Page, Section, Table, Text, chart_section, figures
from descant.report.charts import WHOLE, Axis, Legends, Point, Weight, line_chart, thin
from descant.report.charts import Line as Stroke
from descant.report.lineage import Population, State, read_population
from descant.report.registry import Builder
from descant.results import Given
from descant.training.population import Decision

ARROW = "\N{RIGHTWARDS ARROW}"
CHOSEN, OTHER = "leads to the chosen", "any other"
OWN, TAKEN = "its own state", "another's, taken over"
WEIGHTS = {CHOSEN: Weight(4.0, 1.0), OTHER: Weight(1.5, 0.6)}
WAYS = {OWN: (1, 0), TAKEN: (6, 4)}
DECADE = 10.0
# of an axis that is marked where the figures stand (ours)
MOST_TICKS = 24
PADDING = 12
LEAD = (
    "A VQ-VAE on codes is harder to train than one on audio: part of its codebook may fall out of use. Members are "
    "trained side by side; after each generation the worst take over the states of the best, with perturbed "
    "hyper-parameters."
)
SOURCE = (
    "The method is Jaderberg et al.'s (2017), and the paper trained its second level by it. How many members it had, "
    "which hyper-parameters they tuned and by what fitness is not published where we could read it: population, keys "
    "and fitness are ours."
)
READING = (
    "Thick lines lead to the chosen state. Members and generations are counted from 0. The pointer shows the figures "
    "of a point; a click in a legend singles a member out."
)
BITS = (
    "Validation bits of every member, generation by generation; lower is better. A dashed line joins a member to the "
    "end of the state that it took over."
)
TUNED = "What each member trained with; a dashed line joins a copied and perturbed value to the one copied."
FITNESS = (
    "What members are ranked by at the end of each generation: minus the validation bits, and less than that where few "
    "codes are in use; higher is better."
)
USED = "How many codes would be in use, were all used equally often; higher carries more."
CAPTION = (
    f"What each member began its generation with (before {ARROW} after, where it changed), and what it reached at its "
    "end"
)


class PopulationGiven(Given):
    """What the page is made from: the folder of every population by its stack, and the files in them."""

    populations: dict[str, Path]
    files: list[Path] = Field(default_factory=list)


@dataclass(frozen=True)
class Trace:
    """What a chart shows of every state: its heading and words, its axis, and the figures of a state.

    One over ``steps`` is high, and has legends of heavy and dashed lines; others are over generations, and have no room
    for these.
    """

    heading: str
    words: str
    vertical: str
    figures: Callable[[State], Sequence[Point]]
    steps: bool = False


def bits_along(state: State) -> list[Point]:
    """Validation bits over steps."""
    return thin(state.curve)


def setting_of(key: str) -> Callable[[State], Sequence[Point]]:
    """A tuned hyper-parameter over generations."""
    return lambda state: [Point(state.decision.generation, state.decision.after[key])]


def fitness_of(state: State) -> list[Point]:
    """Fitness over generations; nothing for a training that failed."""
    return _at(state, state.score.fitness)


def perplexity_of(state: State) -> list[Point]:
    """Perplexity over generations; nothing for a training that failed."""
    return _at(state, state.score.perplexity)


def _at(state: State, value: float | None) -> list[Point]:
    return [] if value is None else [Point(state.decision.generation, value)]


def draw_lines(population: Population, figures_of: Callable[[State], Sequence[Point]]) -> list[Stroke]:
    """Every state's line, begun at its parent's end: dashed where the state was taken over; the chosen lineage last."""
    lineage, drawn = population.lineage, []
    for state in sorted(population.states, key=lambda state: state in lineage):
        parent, points = population.parent(state), list(figures_of(state))
        start = list(figures_of(parent))[-1] if parent and figures_of(parent) else None
        if not points:
            continue
        member, weight = f"{state.decision.member}", CHOSEN if state in lineage else OTHER
        detail = f"generation {state.decision.generation}, {weight}"
        if state.decision.action == "exploited" and start:
            drawn.append(Stroke(member, points[:1], weight, TAKEN, False, start, detail))
            start = None
        drawn.append(Stroke(member, points, weight, OWN, True, start, detail))
    return drawn


def lineage_chart(population: Population, trace: Trace) -> dict[str, Any] | None:
    """A line a member and generation; None when there is no figure."""
    lines = draw_lines(population, trace.figures)
    if not lines:
        return None
    values = [point.value for line in lines for point in line.points]
    # on a linear axis the small values of a wide range cannot be seen
    wide = min(values) > 0 and max(values) / min(values) >= DECADE
    places = sorted({point.x for line in lines for point in line.points})
    along = "training steps along the lineage" if trace.steps else "generation"
    x = Axis(along, form=WHOLE, ticks=places if len(places) <= MOST_TICKS else (), padding=PADDING)
    y = Axis(trace.vertical, wide, padding=PADDING)
    members = sorted({line.series for line in lines}, key=int)
    legends = Legends("member", "lineage", "goes on with") if trace.steps else Legends("member")
    return line_chart(lines, x, y, trace.words, 320 if trace.steps else 210, legends, WEIGHTS, WAYS, members)


def traces(population: Population) -> list[Trace]:
    """What is drawn of a population, in the order of the page."""
    tuned = {key: key.rpartition(".")[2].replace("_", " ") for key in population.keys}
    return [
        Trace("Lineage", BITS, "bits per step", bits_along, steps=True),
        *(Trace(key, TUNED, words, setting_of(key)) for key, words in tuned.items()),
        Trace("Fitness", FITNESS, "fitness", fitness_of),
        Trace("Codes in use", USED, "perplexity (codes)", perplexity_of),
    ]


def verdict(population: Population) -> str:
    """What was chosen, and its lineage: which members, one after the other, each with its generations."""
    chosen = population.chosen
    words = f"Chosen: member {chosen.decision.member} of generation {chosen.decision.generation}"
    if chosen.score.bits is not None:
        words += f", at {decimal(chosen.score.bits, 3)} bits per step"
    if chosen.score.perplexity is not None:
        words += f", perplexity {decimal(chosen.score.perplexity, 1)}"
    settings = [f"{key} {significant(value)}" for key, value in chosen.decision.after.items()]
    words += f"; its last settings: {', '.join(settings)}." if settings else "."
    runs = [list(run) for _, run in groupby(population.lineage, lambda state: state.decision.member)]
    return f"{words} Its lineage: {', then '.join(_run(run[0].decision, run[-1].decision) for run in runs)}."


def _run(first: Decision, last: Decision) -> str:
    when = f"generation {first.generation}"
    if last.generation > first.generation:
        when = f"generations {first.generation} to {last.generation}"
    return f"member {first.member} in {when}"


def cost(population: Population) -> str:
    """How many steps were trained, against those of one lineage; empty where none was."""
    steps = population.chosen.score.step
    members = max(len(generation) for generation in population.generations)
    if not steps:
        return ""
    most = "at most " if any(state.failed for state in population.states) else ""
    trained = f"{count(members, 'member')} of {count(steps, 'step')} each, {most}{members * steps:,} steps of training"
    return f"Cost: {trained}, against {steps:,} of one lineage, which is what training without a population takes."


def failures(population: Population) -> str:
    """Which trainings failed; empty where none did."""
    failed = [state.decision for state in population.states if state.failed]
    if not failed:
        return ""
    named = ", ".join(f"member {decision.member} in generation {decision.generation}" for decision in failed)
    return f"Training failed: {named}. These have no score, and no line beyond the step at which they ended."


def decisions(population: Population) -> Table:
    """Every decision and what came of it; the chosen lineage stands out."""
    lineage, lines = population.lineage, []
    for state in population.states:
        decision, score, chosen = state.decision, state.score, state in lineage
        texts = ["" if decision.parent is None else f"member {decision.parent}", decision.action]
        for key, after in decision.after.items():
            before = decision.before.get(key)
            changed = "" if before in (None, after) else f"{significant(before)} {ARROW} "
            texts.append(f"{changed}{significant(after)}")
        texts += [decimal(score.bits, 3), decimal(score.perplexity, 1)]
        texts += ["failed" if state.failed else decimal(score.fitness, 3)]
        name = f"Generation {decision.generation}, member {decision.member}"
        detail = "chosen lineage" if chosen else ""
        lines.append(Line(name, [Cell(text) for text in texts], detail, marked=chosen))
    headings = ["Generation and member", "Goes on from", "Action", *population.keys]
    headings += ["Bits per step", "Perplexity", "Fitness"]
    return figures(CAPTION, headings, lines)


def part(population: Population) -> Section:
    """All that the page shows of a population."""
    drawn = [
        chart_section(trace.heading, trace.words, spec, population.name)
        for trace in traces(population)
        if (spec := lineage_chart(population, trace)) is not None
    ]
    words = [Text(verdict(population)), Text(cost(population)), Text(failures(population), "note")]
    shown = [text for text in words if text.words]
    every = Section("Every decision", [decisions(population)])
    return Section(population.name, [*shown, Text(READING, "quiet small"), *drawn, every])


def build(given: PopulationGiven) -> Page:
    """The page: every population's lineage, hyper-parameters, scores and decisions.

    Raises:
        PopulationError: when there is no population, or what one left cannot be read.
    """
    if not given.populations:
        raise PopulationError("no population is given", "give the folder of at least one")
    read = [read_population(name, folder) for name, folder in given.populations.items()]
    blocks: list[Block] = [Text(LEAD, "lead"), Text(SOURCE, "quiet"), *(part(population) for population in read)]
    return Page("Population-based training", blocks, "broad")


PAGE = Builder(PopulationGiven, build)
