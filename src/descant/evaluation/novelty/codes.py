"""The longest runs of codes that drawn sequences share with training sequences, exact and with substitutions.

Seed and extend, after BLAST (Altschul et al. 1990): places that agree in ``SEED`` codes are extended along their
diagonal. A run with substitutions goes as far as its score does not fall below 0, where a code that agrees counts 1 and
one that does not counts ``-4``: so at most a fifth of it differs. Time is linear in the training codes; of these one
part of a track is held at a time. The length of a seed and what follows it are ours.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from tqdm import tqdm

import descant.compiled  # noqa: F401 - loops are then kept by their types
from descant.sequences import PackedSequence

# codes that must agree for a run to be looked at, and how many of them must be distinct: a held code is no run
SEED, LEAST_DISTINCT = 8, 3
# seeds that are more frequent among the sequences that are looked for identify nothing
MOST_FREQUENT = 64
MISMATCH = -4
# an extension ends where the score fell so far below its best
DROP = 20
CODES_AT_ONCE = 1 << 21
BUCKET_BITS = 20
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
SHIFT = np.uint64(64 - BUCKET_BITS)
# no run is as long
UNREACHED = 2**62

compiled = njit(nogil=True, error_model="numpy", cache=True)


@dataclass(frozen=True)
class Run:
    """A run of codes that a sequence shares with a training track.

    Attributes:
        length: codes; 0 where nothing was found.
        start: first code in the sequence.
        track: id of the training track.
        track_start: first code in the track.
    """

    length: int = 0
    start: int = 0
    track: str = ""
    track_start: int = 0


@dataclass(frozen=True)
class SharedRuns:
    """What a sequence shares with the training codes.

    Attributes:
        exact: the longest run without a difference.
        tolerant: the longest run of which at most a fifth differs.
        matched: codes in runs that reach the thresholds.
    """

    exact: Run
    tolerant: Run
    matched: int


def shared_runs(
    sequences: npt.NDArray[Any],
    training: PackedSequence,
    least_exact: int = UNREACHED,
    least_tolerant: int = UNREACHED,
) -> list[SharedRuns]:
    """Look for the longest runs that sequences share with the training tracks.

    Args:
        sequences: codes ``(batch, steps)``.
        training: packed codes of the same stack; its training split is read.
        least_exact: length from which runs without a difference count as matched.
        least_tolerant: the same of runs with substitutions.

    Returns:
        One for each sequence.
    """
    batch, steps = sequences.shape
    codes = np.ascontiguousarray(sequences.reshape(-1), dtype=np.int64)
    bounds, positions, hashes = _build_index(codes, steps)
    # columns: length, start in the sequence, track, start in the track
    exact, tolerant = np.zeros((batch, 4), dtype=np.int64), np.zeros((batch, 4), dtype=np.int64)
    matched = np.zeros(len(codes), dtype=np.bool_)
    tracks = training.tracks("train")
    for number, track in enumerate(tqdm(tracks, disable=None, unit="track")):
        known = np.concatenate([codes[:0], *training.blocks(track)])
        # parts overlap, so that a run as long as a sequence lies in one of them
        for first in range(0, max(1, len(known) - steps), CODES_AT_ONCE):
            part = np.asarray(known[first : first + CODES_AT_ONCE + steps], dtype=np.int64)
            reached = np.zeros(len(codes) + len(part), dtype=np.int64)
            _scan(
                codes, steps, bounds, positions, hashes, part, number, first,
                least_exact, least_tolerant, reached, exact, tolerant, matched,
            )  # fmt: skip

    def run(row: npt.NDArray[np.int64]) -> Run:
        length, start, number, place = (int(value) for value in row)
        return Run(length, start, tracks[number].track, place) if length else Run()

    totals = matched.reshape(batch, steps).sum(axis=1)
    return [SharedRuns(run(exact[n]), run(tolerant[n]), int(totals[n])) for n in range(batch)]


def _build_index(
    codes: npt.NDArray[np.int64], steps: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    """Seeds by bucket, ``bounds, positions, hashes``: those of ``bounds[b]:bounds[b + 1]`` fall into bucket b."""
    size = 1 << BUCKET_BITS
    places = np.arange(max(0, len(codes) - SEED + 1))
    # a seed lies within one sequence
    places = places[places % steps <= steps - SEED] if steps >= SEED else places[:0]
    seeds = codes[places[:, None] + np.arange(SEED)] if len(places) else np.zeros((0, SEED), dtype=np.int64)
    distinct = 1 + np.count_nonzero(np.diff(np.sort(seeds, axis=1), axis=1), axis=1)
    hashes = _hash_all(codes)[places] if len(places) else np.zeros(0, dtype=np.uint64)
    _, which, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    kept = (distinct >= LEAST_DISTINCT) & (counts[which] <= MOST_FREQUENT)
    places, hashes = places[kept], hashes[kept]
    buckets = (hashes >> SHIFT).astype(np.int64)
    order = np.argsort(buckets, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(np.bincount(buckets, minlength=size))]).astype(np.int64)
    return bounds, places[order], hashes[order]


@compiled
def _hash_all(codes: Any) -> Any:
    """A hash of the ``SEED`` codes from each place on."""
    count = max(0, len(codes) - SEED + 1)
    hashes = np.zeros(count, dtype=np.uint64)
    for place in range(count):
        value = np.uint64(1)
        for step in range(SEED):
            value = (value ^ np.uint64(codes[place + step])) * MULTIPLIER
            value ^= value >> np.uint64(29)
        hashes[place] = value * MULTIPLIER
    return hashes


@compiled
def _extend(codes: Any, at: Any, part: Any, place: Any, step: Any, lower: Any, upper: Any, score: Any) -> Any:
    """From a place and a score on, in steps of 1 or -1: how far exactly, how far in all, and the score there."""
    exact, reach, best, held, distance = 0, 0, score, score, 0
    is_exact = True
    while lower <= at < upper and 0 <= place < len(part):
        distance += 1
        if codes[at] == part[place]:
            score += 1
            if is_exact:
                exact = distance
            best = max(best, score)
            if score >= 0:
                reach, held = distance, score
        else:
            is_exact = False
            score += MISMATCH
            if score < best - DROP:
                break
        at += step
        place += step
    return exact, reach, held


@compiled
def _keep(runs: Any, sequence: Any, length: Any, start: Any, number: Any, place: Any) -> None:
    if length > runs[sequence, 0]:
        runs[sequence, 0] = length
        runs[sequence, 1] = start
        runs[sequence, 2] = number
        runs[sequence, 3] = place


@compiled
def _scan(
    codes: Any, steps: Any, bounds: Any, positions: Any, hashes: Any, part: Any, number: Any, first: Any,
    least_exact: Any, least_tolerant: Any, reached: Any, exact: Any, tolerant: Any, matched: Any,
) -> None:  # fmt: skip
    """Extend every seed of one part of a track; ``reached`` holds how far each diagonal is done."""
    known = _hash_all(part)
    for place in range(len(known)):
        bucket = np.int64(known[place] >> SHIFT)
        for entry in range(bounds[bucket], bounds[bucket + 1]):
            if hashes[entry] != known[place]:
                continue
            at = positions[entry]
            diagonal = place - at + len(codes)
            if reached[diagonal] > place:
                continue
            sequence = at // steps
            lower, upper = sequence * steps, (sequence + 1) * steps
            after, reach_after, score = _extend(codes, at, part, place, 1, lower, upper, 0)
            before, reach_before, _ = _extend(codes, at - 1, part, place - 1, -1, lower, upper, score)
            # a seed further on may belong to another exact run of the same tolerant one
            reached[diagonal] = place + after
            _keep(exact, sequence, before + after, at - before - lower, number, first + place - before)
            length = reach_before + reach_after
            _keep(tolerant, sequence, length, at - reach_before - lower, number, first + place - reach_before)
            if before + after >= least_exact:
                matched[at - before : at + after] = True
            if length >= least_tolerant:
                matched[at - reach_before : at + reach_after] = True
