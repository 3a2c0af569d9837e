"""Population-based training's decisions (Jaderberg et al. 2017): founding, exploiting, exploring, choosing.

Pure functions of the configuration, the scores and (seed, generation, member): nothing here trains or reads a file.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from descant.config.population import Bounds, Population
from descant.errors import TrainingError
from descant.seeds import counter_uniforms, derive_seed

Action = Literal["founded", "kept", "exploited"]


@dataclass(frozen=True)
class Decision:
    """What one member of a generation is trained from.

    Attributes:
        generation: from 0.
        member: from 0.
        parent: the member of the generation before whose state is gone on with; None in generation 0.
        action: ``founded``, ``kept`` (its own state) or ``exploited`` (another's state and settings, then perturbed).
        before: tuned settings that this member number had a generation before, by dotted name; empty in generation 0.
        after: those it has now.
    """

    generation: int
    member: int
    parent: int | None
    action: Action
    before: Mapping[str, float]
    after: Mapping[str, float]


@dataclass(frozen=True)
class Score:
    """What a member was worth at the end of its generation.

    Attributes:
        generation: from 0.
        member: from 0.
        step: optimizer steps done along its lineage.
        bits: per step of the sequence, on the validation windows; None where training failed.
        perplexity: of the codes there; None where training failed or there are no codes.
        fitness: higher is better; None where training failed.
    """

    generation: int
    member: int
    step: int
    bits: float | None
    perplexity: float | None
    fitness: float | None


def fitness(bits: float, perplexity: float | None, classes: int, least_perplexity: float) -> float | None:
    """How good a member is: higher is better (the paper's fitness is not known to us; this one is ours).

    Minus the validation bits, given the true codes, minus ``log2(least_perplexity · classes / perplexity)`` where that
    is above 0. A collapsed codebook loses a bit each time that the codes in use fall to half of what they should be at
    least: its decoder may still predict well from the past alone, but it leaves nothing for the level above.

    Args:
        bits: per step of the sequence, on the fixed validation windows.
        perplexity: of the codes there, at least 1; None where there are none.
        classes: size of the codebook.
        least_perplexity: share of it under which a codebook counts as collapsing.

    Returns:
        The fitness, or None when it is no finite number.
    """
    lost = 0.0
    if perplexity is not None and least_perplexity > 0:
        if not perplexity > 0:
            return None
        lost = max(0.0, math.log2(least_perplexity * classes / perplexity))
    value = -bits - lost
    return value if math.isfinite(value) else None


def found(population: Population, written: Mapping[str, float], seed: int) -> list[Decision]:
    """The first generation: member 0 has the settings as written, the others lie evenly over the bounds' logarithm.

    Args:
        population: its section.
        written: the tuned settings as written, by dotted name.
        seed: of this population.

    Returns:
        A decision for each member, in order.
    """
    return [
        Decision(
            generation=0,
            member=member,
            parent=None,
            action="founded",
            before={},
            after={
                name: _between(bounds, _uniform(seed, 0, member, name)) if member else written[name]
                for name, bounds in sorted(population.tuned.items())
            },
        )
        for member in range(population.members)
    ]


def ranked(scores: Sequence[Score]) -> list[Score]:
    """Scores, the fittest first; of equals the lower member comes first, and what failed comes last."""
    return sorted(scores, key=lambda score: (-_worth(score), score.member))


def decide(population: Population, before: Sequence[Decision], scores: Sequence[Score], seed: int) -> list[Decision]:
    """The next generation, by truncation selection and perturbation (Jaderberg et al. 2017, appendix A).

    The bottom share of the ranking, and every member that failed, takes over state and settings of a member of the top
    share, chosen by chance, and multiplies each setting by one of the factors, chosen by chance. A factor that the
    bounds would undo is chosen only where both are such. The others go on as they are.

    Args:
        population: its section.
        before: decisions of the generation that was trained.
        scores: of its members, in any order.
        seed: of this population.

    Returns:
        A decision for each member, in order.

    Raises:
        TrainingError: when every member failed.
    """
    generation = before[0].generation + 1
    order = ranked(scores)
    succeeded = [score.member for score in order if score.fitness is not None]
    if not succeeded:
        raise TrainingError(
            f"all {len(order)} members of generation {generation - 1} diverged",
            "lower the upper bounds in population.tuned, training.learning_rate above all",
        )
    share = max(1, int(population.exploit * len(order)))
    top = succeeded[:share]
    replaced = {score.member for score in order[-share:]} | {score.member for score in order} - set(succeeded)
    settings = {decision.member: decision.after for decision in before}

    def next_of(member: int) -> Decision:
        # what was in the bottom share may be all that did not fail
        if member not in replaced or member in top:
            return Decision(generation, member, member, "kept", settings[member], settings[member])
        parent = top[int(_uniform(seed, generation, member, "parent") * len(top))]
        after = {
            name: _perturbed(value, population, name, _uniform(seed, generation, member, name))
            for name, value in settings[parent].items()
        }
        return Decision(generation, member, parent, "exploited", settings[member], after)

    return [next_of(member) for member in sorted(settings)]


def choose(scores: Sequence[Score]) -> Score:
    """The fittest of a generation.

    Raises:
        TrainingError: when every member failed.
    """
    best = ranked(scores)[0]
    if best.fitness is None:
        raise TrainingError(
            f"all {len(scores)} members of generation {best.generation} diverged",
            "lower the upper bounds in population.tuned, training.learning_rate above all",
        )
    return best


def lineage(decisions: Sequence[Sequence[Decision]], member: int) -> list[int]:
    """The members whose training led to one of the last generation.

    Args:
        decisions: of every generation, the first first.
        member: of the last generation.

    Returns:
        A member for every generation, the first first; the last is ``member``.

    Raises:
        TrainingError: when a generation names no parent of one.
    """
    line = [member]
    for generation in reversed(decisions[1:]):
        parent = next((decision.parent for decision in generation if decision.member == line[-1]), None)
        if parent is None:
            raise TrainingError(
                f"no decision of generation {len(decisions) - len(line)} names a parent of member {line[-1]}",
                "delete the population's folder and run snakemake again",
            )
        line.append(parent)
    return line[::-1]


def _worth(score: Score) -> float:
    return -math.inf if score.fitness is None else score.fitness


def _uniform(seed: int, generation: int, member: int, what: str) -> float:
    return float(counter_uniforms(derive_seed(seed, generation, what), member, 0, 1)[0])


def _between(bounds: Bounds, uniform: float) -> float:
    return _within(bounds, bounds.least * (bounds.most / bounds.least) ** uniform)


def _within(bounds: Bounds, value: float) -> float:
    return min(bounds.most, max(bounds.least, value))


def _perturbed(value: float, population: Population, name: str, uniform: float) -> float:
    moved = [_within(population.tuned[name], value * factor) for factor in population.factors]
    # at a bound one of them would make a twin of the parent
    moved = [other for other in moved if other != value] or [value]
    return moved[int(uniform * len(moved))]
