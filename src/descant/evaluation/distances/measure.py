"""Measures every set against held-out real tracks: value, interval, floor and ceilings, and what was not measured."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from descant.evaluation.distances.embed import EmbeddedSet
from descant.evaluation.distances.frechet import enough_groups, frechet_distance, moments
from descant.evaluation.distances.kinds import Kind
from descant.evaluation.distances.mmd import Kernels, mean_kernels, median_distance, mmd2, squared_distances
from descant.formatting import count
from descant.statistics import FEWEST_TRACKS, Bootstrap, draw_groups, expanded_quantiles, halve_groups

MMD2, FRECHET = "mmd2", "frechet"
MODEL, TRAIN, FLOOR, SHUFFLED, NOISE = "model", "train", "floor", "shuffled", "noise"
# made of the test tracks themselves
PAIRED = (SHUFFLED, NOISE)
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """A set that is compared.

    Attributes:
        role: ``model``, ``train``, ``shuffled`` or ``noise``.
        name: of the model; else the role.
        title: for people.
        excerpts: its vectors.
    """

    role: str
    name: str
    title: str
    excerpts: EmbeddedSet


@dataclass(frozen=True)
class Row:
    """A figure, or why there is none.

    Attributes:
        embedding: name of its kind.
        measure: ``mmd2`` or ``frechet``.
        role: ``model``, ``train``, ``floor``, ``shuffled`` or ``noise``.
        name: of the model; else the role.
        title: for people.
        value: the distance from the test tracks; None where it was not measured.
        low: of its interval; None where there are too few groups for one.
        high: likewise.
        groups: tracks or drawn sequences in it.
        excerpts: in all of them.
        reason: why there is no value, or no interval; empty where there are both.
    """

    embedding: str
    measure: str
    role: str
    name: str
    title: str
    value: float | None
    low: float | None
    high: float | None
    groups: int
    excerpts: int
    reason: str


@dataclass(frozen=True)
class Measured:
    """All figures on one embedding.

    Attributes:
        kind: the embedding.
        bandwidth: of the kernel, from the test tracks; None where nothing was measured.
        tracks: test tracks that excerpts were taken of.
        excerpts: of them.
        rows: the figures.
    """

    kind: Kind
    bandwidth: float | None
    tracks: int
    excerpts: int
    rows: Sequence[Row]


@dataclass(frozen=True)
class Outlier:
    """A drawn excerpt and how far it lies from the test tracks.

    Attributes:
        embedding: name of its kind.
        model: its name.
        sequence: number of the drawn sequence.
        start: seconds into it.
        squared_distance: from the mean of the test tracks in the kernel's feature space; MMD² is made of such.
        rank: 1 is the farthest of its model.
    """

    embedding: str
    model: str
    sequence: str
    start: float
    squared_distance: float
    rank: int


def measure_kind(
    kind: Kind, absent: str, reference: EmbeddedSet, candidates: Sequence[Candidate], bootstrap: Bootstrap
) -> Measured:
    """Measure all sets on one embedding.

    Args:
        kind: the embedding.
        absent: why it cannot be had of these excerpts; empty where it can.
        reference: excerpts of the test tracks.
        candidates: what is compared with them.
        bootstrap: how intervals are drawn.
    """
    tracks, bandwidth = len(reference.names), median_distance(reference)
    if not absent and tracks < 2:
        absent = f"{kind.title}: not reported: {count(tracks, 'test track')} long enough, needs 2"
    elif not absent and bandwidth == 0:
        absent = f"{kind.title}: not reported: half of the real excerpts or more are the same"
    every = [*candidates, Candidate(FLOOR, FLOOR, "two halves of the test tracks", reference)]
    blank = [_blank(kind, one, absent) for one in every]
    if absent:
        return Measured(kind, None, tracks, len(reference.values), blank)
    own = mean_kernels(reference, reference, bandwidth)
    pairs = list(zip(blank, every, strict=True))
    rows = [_mmd(row, one, reference, own, bandwidth, bootstrap) for row, one in pairs]
    rows += [_frechet(replace(row, measure=FRECHET), one, kind, reference, bootstrap) for row, one in pairs]
    return Measured(kind, bandwidth, tracks, len(reference.values), rows)


def find_outliers(measured: Measured, reference: EmbeddedSet, candidates: Sequence[Candidate]) -> list[Outlier]:
    """How far each drawn excerpt lies from the test tracks, the farthest of each model first; none if not measured."""
    outliers = []
    for candidate in candidates:
        if candidate.role != MODEL or measured.bandwidth is None:
            continue
        excerpts = candidate.excerpts
        found = squared_distances(excerpts, reference, measured.bandwidth)
        for rank, place in enumerate(np.argsort(-found, kind="stable"), start=1):
            where = candidate.name, excerpts.groups[place], excerpts.starts[place]
            outliers.append(Outlier(measured.kind.name, *where, float(found[place]), rank))
    return outliers


def _blank(kind: Kind, one: Candidate, reason: str) -> Row:
    groups, number = len(one.excerpts.names), len(one.excerpts.values)
    return Row(kind.name, MMD2, one.role, one.name, one.title, None, None, None, groups, number, reason)


def _mmd(
    row: Row, candidate: Candidate, reference: EmbeddedSet, own: Array, bandwidth: float, bootstrap: Bootstrap
) -> Row:
    if row.role == FLOOR:
        return _mmd_floor(row, own, bootstrap)
    excerpts, paired = candidate.excerpts, candidate.role in PAIRED
    if row.groups < 2:
        return replace(row, reason=f"not reported: {_of(row.role, row.groups)}, needs 2")
    if row.role == SHUFFLED and np.array_equal(excerpts.values, reference.values):
        return replace(row, reason="not reported: an excerpt is one block, which shuffling leaves as it is")
    kernels = Kernels(
        mean_kernels(excerpts, excerpts, bandwidth), own, mean_kernels(excerpts, reference, bandwidth), paired
    )
    value = float(mmd2(kernels, np.ones(row.groups), np.ones(len(own))))
    fewest = min(row.groups, len(own))
    if fewest < FEWEST_TRACKS:
        few = f"no interval: {count(fewest, 'group')} in the smaller set, needs {FEWEST_TRACKS}"
        return replace(row, value=value, reason=few)
    first, second = _draws(row, len(own), paired, bootstrap)
    low, high = expanded_quantiles(mmd2(kernels, first, second), fewest, bootstrap.confidence)
    return replace(row, value=value, low=low, high=high, reason="")


def _draws(row: Row, reference: int, paired: bool, bootstrap: Bootstrap) -> tuple[Array, Array]:
    second = draw_groups(reference, bootstrap.draws, bootstrap.seed, "reference")
    if paired:
        return second, second
    return draw_groups(row.groups, bootstrap.draws, bootstrap.seed, f"{row.role} {row.name}"), second


def _mmd_floor(row: Row, own: Array, bootstrap: Bootstrap) -> Row:
    """What two halves of the test tracks are apart, at the level of confidence over random halvings.

    Their mean says nothing: over all halvings it is 0, whatever the tracks.
    """
    if row.groups < 4:
        return replace(row, reason=f"no floor: {_of(row.role, row.groups)}, needs 4")
    halves = halve_groups(row.groups, bootstrap.draws, bootstrap.seed)
    found = mmd2(Kernels(own, own, own, False), halves, 1 - halves)
    return replace(row, value=float(np.quantile(found, bootstrap.confidence)))


def _frechet(row: Row, candidate: Candidate, kind: Kind, reference: EmbeddedSet, bootstrap: Bootstrap) -> Row:
    needed, groups = enough_groups(kind.dimensions), len(reference.names)
    if row.role == FLOOR:
        if groups < 2 * needed:
            return replace(row, reason=f"not reported: {count(groups, 'test track')}, needs {2 * needed:,}")
        halves = halve_groups(groups, bootstrap.draws, bootstrap.seed)
        found = [frechet_distance(moments(reference, half), moments(reference, 1 - half)) for half in halves]
        return replace(row, value=float(np.quantile(found, bootstrap.confidence)), reason="")
    fewest = min(groups, row.groups)
    if fewest < needed:
        return replace(row, reason=f"not reported: {count(fewest, 'group')} in the smaller set, needs {needed:,}")
    excerpts = candidate.excerpts
    value = frechet_distance(moments(excerpts, np.ones(row.groups)), moments(reference, np.ones(groups)))
    draws = [
        frechet_distance(moments(excerpts, first), moments(reference, second))
        for first, second in zip(*_draws(row, groups, row.role in PAIRED, bootstrap), strict=True)
    ]
    tail = (1 - bootstrap.confidence) / 2
    above, below = np.quantile(draws, [tail, 1 - tail])
    # the basic interval: a draw adds the plug-in's bias a second time, which this takes off again
    low, high = max(0.0, 2 * value - float(below)), max(0.0, 2 * value - float(above))
    return replace(row, value=value, low=low, high=high, reason="")


def _of(role: str, groups: int) -> str:
    return count(groups, "drawn sequence" if role == MODEL else "track")


def missing(measured: Sequence[Measured]) -> list[str]:
    """Every reason why something was not measured, once, in words that stand alone; Fréchet distances come last."""
    reasons = [
        row.reason if found.bandwidth is None else f"MMD², {found.kind.title}, {row.title}: {row.reason}"
        for found in measured
        for row in found.rows
        if row.reason and row.measure == MMD2
    ]
    # the floor's reason says no more: twice the number
    reasons += [
        f"Fréchet distance, {found.kind.title}: {row.reason}"
        for found in measured
        for row in found.rows
        if row.reason and row.measure == FRECHET and row.role != FLOOR
    ]
    return list(dict.fromkeys(reasons))
