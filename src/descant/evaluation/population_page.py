"""The page of population-based training: who trained with what, who took over whose state, and what was chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from descant.errors import PopulationError
from descant.evaluation.charts import Figure, javascript
from descant.evaluation.pages import render
from descant.evaluation.population import Population, State
from descant.evaluation.population_charts import (
    Measure,
    bits_along,
    fitness_of,
    lineage_chart,
    perplexity_of,
    setting_of,
)
from descant.formatting import count, decimal
from descant.training.population import Decision

ARROW = "\N{RIGHTWARDS ARROW}"
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Row:
    """A decision and what came of it, in words; empty where there is no figure."""

    name: str
    chosen: bool
    parent: str
    action: str
    settings: Sequence[str]
    bits: str
    perplexity: str
    fitness: str
    failed: bool


@dataclass(frozen=True)
class Part:
    """A population on the page."""

    name: str
    verdict: str
    lineage: str
    cost: str
    failures: str
    figures: Sequence[Figure]
    keys: Sequence[str]
    rows: Sequence[Row]


def build_part(population: Population) -> Part:
    """All that the page tells of a population."""
    lineage = population.lineage
    return Part(
        name=population.name,
        verdict=_verdict(population.chosen),
        lineage=_lineage(population),
        cost=_cost(population),
        failures=_failures(population),
        figures=_figures(population),
        keys=population.keys,
        rows=[_row(state, state in lineage) for state in population.states],
    )


def _verdict(chosen: State) -> str:
    told = f"Chosen: member {chosen.decision.member} of generation {chosen.decision.generation}"
    if chosen.score.bits is not None:
        told += f", at {decimal(chosen.score.bits, 3)} bits per step"
    if chosen.score.perplexity is not None:
        told += f", perplexity {decimal(chosen.score.perplexity, 1)}"
    settings = [f"{key} {_number(value)}" for key, value in chosen.decision.after.items()]
    return f"{told}; its last settings: {', '.join(settings)}." if settings else f"{told}."


def _lineage(population: Population) -> str:
    """Which members, one after the other, each with its generations."""
    runs = [list(run) for _, run in groupby(population.lineage, lambda state: state.decision.member)]
    told = ", then ".join(_run(run[0].decision, run[-1].decision) for run in runs)
    return f"Its lineage: {told}."


def _run(first: Decision, last: Decision) -> str:
    when = f"generation {first.generation}"
    if last.generation > first.generation:
        when = f"generations {first.generation} to {last.generation}"
    return f"member {first.member} in {when}"


def _cost(population: Population) -> str:
    steps = population.chosen.score.step
    members = max(len(generation) for generation in population.generations)
    if not steps:
        return ""
    most = "at most " if any(state.failed for state in population.states) else ""
    trained = f"{count(members, 'member')} of {count(steps, 'step')} each, {most}{members * steps:,} steps of training"
    return f"Cost: {trained}, against {steps:,} of one lineage, which is what training without a population takes."


def _failures(population: Population) -> str:
    failed = [state.decision for state in population.states if state.failed]
    if not failed:
        return ""
    named = ", ".join(f"member {decision.member} in generation {decision.generation}" for decision in failed)
    return f"Training failed: {named}. These have no score, and no line beyond the step at which they ended."


def measures(population: Population) -> list[Measure]:
    """What is drawn of a population, in the order of the page."""
    bits = (
        "Validation bits of every member, generation by generation; lower is better. "
        "A dashed line joins a member to the end of the state that it took over."
    )
    tuned = "What each member trained with; a dashed line joins a copied and perturbed value to the one copied."
    fitness = (
        "What members are ranked by at the end of each generation: minus the validation bits, and less than that where "
        "few codes are in use; higher is better."
    )
    used = "How many codes would be in use, were all used equally often; higher carries more."
    steps, generation = "training steps along the lineage", "generation"
    return [
        Measure("Lineage", bits, bits_along, steps, "bits per step", 320, explained=True),
        *(Measure(key, tuned, setting_of(key), generation, _last_part(key), 210) for key in population.keys),
        Measure("Fitness", fitness, fitness_of, generation, "fitness", 210),
        Measure("Codes in use", used, perplexity_of, generation, "perplexity (codes)", 210),
    ]


def _last_part(key: str) -> str:
    return key.rpartition(".")[2].replace("_", " ")


def _figures(population: Population) -> list[Figure]:
    """The charts for which there are figures."""
    drawn = ((measure, lineage_chart(population, measure)) for measure in measures(population))
    return [Figure(measure.heading, measure.words, spec) for measure, spec in drawn if spec is not None]


def _row(state: State, chosen: bool) -> Row:
    decision, score = state.decision, state.score
    return Row(
        name=f"Generation {decision.generation}, member {decision.member}",
        chosen=chosen,
        parent="" if decision.parent is None else f"member {decision.parent}",
        action=decision.action,
        settings=[_change(decision.before.get(key), value) for key, value in decision.after.items()],
        bits=decimal(score.bits, 3),
        perplexity=decimal(score.perplexity, 1),
        fitness=decimal(score.fitness, 3),
        failed=state.failed,
    )


def _change(before: float | None, after: float) -> str:
    if before is None or before == after:
        return _number(after)
    return f"{_number(before)} {ARROW} {_number(after)}"


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", MINUS)


def population_html(title: str, populations: Sequence[Population]) -> str:
    """The page as HTML.

    Raises:
        PopulationError: when there is no population, or two share a name.
    """
    names = [population.name for population in populations]
    if not names or len(set(names)) < len(names):
        problem = "--population is missing or names a stack twice"
        raise PopulationError(problem, "give --population STACK=results/population/STACK for each")
    parts = [build_part(population) for population in populations]
    return render("population.html", {"title": title, "parts": parts, "javascript": javascript()})
