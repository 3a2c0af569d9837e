"""The table of models of music in parts, beside what counting alone knows: ``table.json`` and ``table.csv``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from descant.evaluation.parts_baselines import PartsBaselines
from descant.evaluation.parts_scores import BASELINE, PartsLine
from descant.scores.voice_leading import Rates
from descant.statistics import Interval

# of a table's networks; the other one is of baselines alone
CODINGS = ("events", "polyphonic")
REAL, DRAWN, MASKED = "test pieces", "drawn", "drawn by the rules"


@dataclass(frozen=True)
class Drawing:
    """Pieces that were drawn, or real ones to compare with.

    Attributes:
        material: ``test pieces``, ``drawn``, or ``drawn by the rules``: each step again until it breaks none.
        pieces: how many.
        measures: of all of them.
        rates: how often they break rules of voice leading; None of polyphonic parts, which are not by these rules.
        distances: Wasserstein-1 distances of their histograms from training pieces', by feature, one a voice; of
            harmonic intervals one a pair of neighbours. None where one has nothing to count.
    """

    material: str
    pieces: int
    measures: int
    rates: Rates | None
    distances: Mapping[str, Sequence[float | None]]


@dataclass(frozen=True)
class PartsFigures:
    """What was measured of one row.

    Attributes:
        model: its name in the configuration.
        title: what people call it.
        kind: of network.
        bound: whether its nats are an upper bound.
        lines: of the table, and of what holds or copies the last measure where it predicts one.
        sets: nats a token of each set of voices given the rest, by their names; none of polyphonic parts.
        kl: divergence of the latents, nats a measure; None without latents.
        music: losses that know of music, of its likeliest next measures: ``scale``, ``rhythm`` and ``harmony``.
        bach: the same of the true ones.
        drawings: of test pieces first.
    """

    model: str
    title: str
    kind: str
    bound: bool
    lines: list[PartsLine]
    sets: dict[str, Interval]
    kl: Interval | None
    music: dict[str, Interval]
    bach: dict[str, Interval]
    drawings: list[Drawing]


@dataclass(frozen=True)
class PartsTable:
    """What ``table.json`` holds.

    Attributes:
        confidence: of the intervals.
        lines: as in ``table.csv``: of baselines, then of each row.
        rows: the rest of each row.
    """

    confidence: float
    lines: list[PartsLine]
    rows: list[PartsFigures]


def join(baselines: PartsBaselines, rows: Sequence[PartsFigures]) -> PartsTable:
    """Put rows beside the baselines; a baseline that several rows give is one line."""
    shared = {field.name for field in fields(PartsLine)} - {"model", "title", "kind", "bound"}
    counted = [
        PartsLine(
            model="", title=row.baseline, kind=BASELINE, bound=False, **{key: getattr(row, key) for key in shared}
        )
        for row in baselines.rows
        if row.coding in CODINGS
    ]
    lines = dict.fromkeys([*counted, *(line for row in rows for line in row.lines)])
    order = sorted(lines, key=lambda line: line.kind != BASELINE)
    return PartsTable(baselines.confidence, order, list(rows))
