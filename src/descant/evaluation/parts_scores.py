"""What a model of music in parts says of test pieces, scored: sums by piece, then figures with their intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from descant.evaluation.parts_baselines import ALL, CLEAN, COMPOSE, FILL
from descant.evaluation.parts_coding import code
from descant.evaluation.parts_models import NOTHING, last_measure
from descant.scores.parts import HELD, VOICES, Grid, sounding
from descant.statistics import Bootstrap, Interval, ratio_interval

Floats = npt.NDArray[np.float64]
S = TypeVar("S")
NEXT = "next measure"
MATERIALS = (ALL, CLEAN)
# every set of voices that can be missing; the last one is all of them
SETS = tuple(voices for size in range(1, len(VOICES) + 1) for voices in combinations(range(len(VOICES)), size))
BASELINE = "baseline"


@dataclass(frozen=True)
class Said:
    """What a network says of one piece of ``steps`` steps.

    Attributes:
        nats: of each token, for each of :data:`SETS` that is missing, ``(sets, steps, voices)``; NaN where the voice is
            not missing, or nothing is predicted.
        following: the likeliest tokens of each measure given the true ones before, int64 ``(steps, voices)``; NOTHING
            where nothing is predicted.
        filled: each voice as it is written when the other voices are given, of the same shape.
        divergence: nats of each measure's latents, ``(measures,)``; empty without latents.
    """

    nats: Floats
    following: npt.NDArray[np.int64]
    filled: npt.NDArray[np.int64]
    divergence: Floats


@dataclass(frozen=True)
class Sums:
    """What one piece adds to a line: over its tokens that are scored, of all and of changed ones; None: not scored."""

    tokens: int
    changed: int
    nats: float | None = None
    nats_changed: float | None = None
    right: int | None = None
    right_changed: int | None = None


SHARES = {
    "nats_per_token": ("nats", "tokens"),
    "nats_per_changed_token": ("nats_changed", "changed"),
    "accuracy": ("right", "tokens"),
    "changed_accuracy": ("right_changed", "changed"),
}


@dataclass(frozen=True)
class PartsLine:
    """One model or baseline at one task, as in ``table.csv``; low and high as of a baseline's row.

    Attributes:
        task: ``next token``: all voices given what comes before; ``next measure``: likeliest tokens given the measures
            before; ``fill VOICE``: the other three given.
        model: the row's name in the configuration; empty for a baseline.
        title: what people call it.
        kind: of network, or ``baseline``.
        bound: whether the nats are an upper bound and no exact value.
        material: which test pieces.
        pieces: how many.
        tokens: scored.
        changed_tokens: those with which a note or a rest begins.
        nats_per_token: negative log-likelihood.
        nats_per_changed_token: the same of changed tokens alone.
        accuracy: share of the likeliest tokens that are right; of a filled voice, of sixteenths that sound right.
        changed_accuracy: the same of changed tokens alone; there the token itself must be right.
        note_f1: of polyphonic parts, whose tokens :mod:`descant.evaluation.polyphonic_scores` counts: F1 of the notes
            that begin.
        duration_error: of polyphonic parts: sixteenths that the durations of those that agree are off, mean.
    """

    task: str
    model: str
    title: str
    kind: str
    bound: bool
    material: str
    pieces: int
    tokens: int
    changed_tokens: int
    nats_per_token: float | None
    nats_per_token_low: float | None
    nats_per_token_high: float | None
    nats_per_changed_token: float | None
    nats_per_changed_token_low: float | None
    nats_per_changed_token_high: float | None
    accuracy: float | None
    accuracy_low: float | None
    accuracy_high: float | None
    changed_accuracy: float | None
    changed_accuracy_low: float | None
    changed_accuracy_high: float | None
    note_f1: float | None = None
    note_f1_low: float | None = None
    note_f1_high: float | None = None
    duration_error: float | None = None
    duration_error_low: float | None = None
    duration_error_high: float | None = None


@dataclass(frozen=True)
class Asked:
    """Who is scored, of which pieces, and how intervals are drawn.

    Attributes:
        model: the row's name in the configuration.
        title: what people call it.
        kind: of network.
        bound: whether its nats are an upper bound.
        test: grids, or rolls, by the ids of their tracks.
        clean: test tracks whose tune is in no training piece.
        bootstrap: how intervals are drawn.
    """

    model: str
    title: str
    kind: str
    bound: bool
    test: Mapping[str, Grid]
    clean: frozenset[str]
    bootstrap: Bootstrap


def sums_of_nats(grid: Grid, nats: Floats) -> Sums:
    """Sum nats of tokens ``(steps, voices)``, those that are not NaN."""
    scored = ~np.isnan(nats)
    changed = scored & (grid != HELD)
    return Sums(int(scored.sum()), int(changed.sum()), float(nats[scored].sum()), float(nats[changed].sum()))


def sums_of_tokens(grid: Grid, said: npt.NDArray[np.int64]) -> Sums:
    """Count tokens ``(steps, voices)`` that are said rightly, of those that are said."""
    scored, right = said != NOTHING, said == grid
    changed = scored & (grid != HELD)
    return _accuracy(scored, changed, right, right)


def sums_of_filled(grid: Grid, filled: npt.NDArray[np.int64], nats: Floats, voice: int) -> Sums:
    """Score a filled voice as a baseline is: sixteenths that sound right, and changed tokens that are right.

    Args:
        grid: of the piece.
        filled: ``(steps, voices)``; what is not predicted is taken to be held.
        nats: of the voice's true tokens given the others, ``(steps,)``.
        voice: which one.
    """
    true, said = grid[:, voice], filled[:, voice]
    scored, right = said != NOTHING, said == true
    heard = sounding(np.where(scored, said, HELD).astype(np.uint8)[:, None])[:, 0] == sounding(grid)[:, voice]
    changed = scored & (true != HELD)
    of_nats = sums_of_nats(true, nats)
    counted = _accuracy(scored, changed, heard, right)
    return replace(counted, nats=of_nats.nats, nats_changed=of_nats.nats_changed)


def _accuracy(
    scored: npt.NDArray[np.bool_],
    changed: npt.NDArray[np.bool_],
    right: npt.NDArray[np.bool_],
    right_token: npt.NDArray[np.bool_],
) -> Sums:
    counts = [int(one.sum()) for one in (scored, changed, scored & right, changed & right_token)]
    return Sums(counts[0], counts[1], right=counts[2], right_changed=counts[3])


def holding(said: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """To hold always, wherever something is said."""
    return np.where(said == NOTHING, NOTHING, HELD)


def copying(grid: Grid, said: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The measure before, wherever something is said: its first measure never is."""
    return np.where(said == NOTHING, NOTHING, last_measure(code("", grid, "events")))


def all_lines(asked: Asked, said: Mapping[str, Said]) -> list[PartsLine]:
    """The lines of a network, and of what holds always or copies the last measure where it predicts one.

    Args:
        asked: who, and of which pieces.
        said: what it says of each.
    """
    pairs = {name: (asked.test[name], one) for name, one in said.items()}

    def lines(task: str, sums: Mapping[str, Sums], baseline: str = "") -> list[PartsLine]:
        return [
            line_of(task, asked, material, chosen, baseline)
            for material, chosen in of_materials(sums, asked.clean).items()
        ]

    found = lines(COMPOSE, {name: sums_of_nats(grid, one.nats[-1]) for name, (grid, one) in pairs.items()})
    found += lines(NEXT, {name: sums_of_tokens(grid, one.following) for name, (grid, one) in pairs.items()})
    held = {name: sums_of_tokens(grid, holding(one.following)) for name, (grid, one) in pairs.items()}
    copied = {name: sums_of_tokens(grid, copying(grid, one.following)) for name, (grid, one) in pairs.items()}
    found += [*lines(NEXT, held, "hold"), *lines(NEXT, copied, "last measure")]
    for voice, name in enumerate(VOICES):
        alone = SETS.index((voice,))
        sums = {
            track: sums_of_filled(grid, one.filled, one.nats[alone, :, voice], voice)
            for track, (grid, one) in pairs.items()
        }
        found += lines(FILL.format(name), sums)
    return found


def of_materials(sums: Mapping[str, S], clean: frozenset[str]) -> dict[str, list[S]]:
    """Those of all test pieces, and where some share their tune with training, those of the ones that do not."""
    apart = [one for piece, one in sums.items() if piece in clean]
    found = {ALL: list(sums.values())}
    return found | ({CLEAN: apart} if 0 < len(apart) < len(sums) else {})


def line_of(task: str, asked: Asked, material: str, sums: Sequence[Sums], baseline: str = "") -> PartsLine:
    """A line of the table from the sums of its pieces; a baseline's own where one is named."""
    figures: dict[str, float | None] = {}
    for key, (part, whole) in SHARES.items():
        found = share_of([getattr(one, part) for one in sums], [getattr(one, whole) for one in sums], asked.bootstrap)
        bounds = (found.value, found.low, found.high) if found else (None, None, None)
        figures |= dict(zip((key, f"{key}_low", f"{key}_high"), bounds, strict=True))
    return PartsLine(
        task=task,
        model="" if baseline else asked.model,
        title=baseline or asked.title,
        kind=BASELINE if baseline else asked.kind,
        bound=asked.bound and not baseline,
        material=material,
        pieces=len(sums),
        tokens=sum(one.tokens for one in sums),
        changed_tokens=sum(one.changed for one in sums),
        **figures,
    )


def share_of(parts: Sequence[float | None], wholes: Sequence[float], bootstrap: Bootstrap) -> Interval | None:
    """Sum over sum with its interval over pieces; None where there is nothing to divide, or by which."""
    pairs = [(part, whole) for part, whole in zip(parts, wholes, strict=True) if part is not None and whole]
    if not pairs:
        return None
    values, weights = np.array(pairs, np.float64).T
    return ratio_interval(values, weights, bootstrap)


def nats_of_sets(asked: Asked, said: Mapping[str, Said]) -> dict[str, Interval]:
    """Nats a token of every set of voices given the rest, by their names; a set of which none is said is left out."""
    found: dict[str, Interval] = {}
    for number, voices in enumerate(SETS):
        sums = [sums_of_nats(asked.test[name], one.nats[number]) for name, one in said.items()]
        share = share_of([one.nats for one in sums], [one.tokens for one in sums], asked.bootstrap)
        found |= {", ".join(VOICES[voice] for voice in voices): share} if share else {}
    return found
