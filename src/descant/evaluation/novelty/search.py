"""Search of the training music for what windows of audio are copied from, by fingerprint and by their notes.

Both searches stream the training tracks and keep, for each window, the best place only: time is linear in the training
music times the windows, and memory does not grow with the corpus.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

import descant.compiled  # noqa: F401 - loops are then kept by their types
from descant.audio.fingerprint import HOP, LAG, RATE, WINDOW, fingerprint
from descant.evaluation.novelty.features import TrackFeatures
from descant.evaluation.novelty.pitch import GRID_SECONDS, TRANSPOSITIONS, Pitches, cell_samples, pitch_grid, transposed

# a window is fingerprinted again half a step later: no copy then lies more than a quarter of a step beside the words
PHASES = 2
# windows with a smaller share of words other than 0 are silent or static and match anything alike
LEAST_INFORMATIVE = 0.75
# a correlation of spectra from which cells agree, and what a step costs that is not one cell in both
AGREEMENT = 0.7
SLIP = 0.3
CELLS_AT_ONCE = 4096

compiled = njit(nogil=True, error_model="numpy", cache=True)


@dataclass(frozen=True)
class Found:
    """The best place of a window in the training music.

    Attributes:
        score: higher is nearer to a copy; share of bits that agree, or aligned seconds.
        track: id of the training track; empty where nothing was found.
        start: of the copied part, seconds into the window.
        seconds: of the copied part.
        track_start: seconds into the track.
        transposition: semitones from the track to the window.
    """

    score: float
    track: str = ""
    start: float = 0.0
    seconds: float = 0.0
    track_start: float = 0.0
    transposition: int = 0


NOTHING = Found(0.0)


def window_words(samples: int, rate: int) -> int:
    """Words of a fingerprint that a window of so many samples surely has, at every phase."""
    frames = (samples * RATE // rate - WINDOW - HOP) // HOP + 1
    return max(0, frames - LAG)


def search_fingerprints(
    windows: Sequence[npt.NDArray[np.floating]], rate: int, training: Iterable[TrackFeatures]
) -> list[Found | None]:
    """Find where each window's fingerprint agrees best with a training track's (Haitsma & Kalker 2002).

    Args:
        windows: audio ``(samples,)``, all of one length.
        rate: Hz.
        training: the tracks, streamed once.

    Returns:
        For each window the best place, whose score is the share of bits that agree; None where the window is
        silent or static.
    """
    if not windows:
        return []
    seconds, length = len(windows[0]) / rate, window_words(len(windows[0]), rate)
    queries = np.zeros((len(windows), PHASES, length), dtype=np.uint32)
    for number, window in enumerate(windows):
        for phase in range(PHASES):
            part = window[round(phase / PHASES * HOP / RATE * rate) :]
            words = fingerprint([np.asarray(part, dtype=np.float32)[:, None]], rate)[:length]
            queries[number, phase, : len(words)] = words
    usable = np.count_nonzero(queries, axis=2).max(axis=1, initial=0) >= max(1, LEAST_INFORMATIVE * length)
    rates, places = np.full(len(windows), 2.0), np.zeros(len(windows), dtype=np.int64)
    found = [NOTHING if is_usable else None for is_usable in usable]
    for track in training:
        before = rates.copy()
        _nearest_words(queries, usable, track.words, round(LEAST_INFORMATIVE * length), rates, places)
        for number in np.flatnonzero(rates < before).tolist():
            start = float(places[number] * HOP / RATE)
            found[number] = Found(1 - float(rates[number]), track.track, 0.0, seconds, start)
    return found


@compiled
def _bits(word: Any) -> Any:
    word = word - ((word >> np.uint32(1)) & np.uint32(0x55555555))
    word = (word & np.uint32(0x33333333)) + ((word >> np.uint32(2)) & np.uint32(0x33333333))
    word = (word + (word >> np.uint32(4))) & np.uint32(0x0F0F0F0F)
    return (word + (word >> np.uint32(8)) + (word >> np.uint32(16)) + (word >> np.uint32(24))) & np.uint32(0x3F)


@compiled
def _nearest_words(queries: Any, usable: Any, track: Any, least: Any, rates: Any, places: Any) -> None:
    """Lower ``rates`` to the bit error rate of the best offset in this track, where it is lower."""
    windows, phases, length = queries.shape
    for number in range(windows):
        if not usable[number]:
            continue
        for phase in range(phases):
            query = queries[number, phase]
            for offset in range(len(track) - length + 1):
                worst = rates[number] * 32 * length
                wrong, both = np.int64(0), 0
                for place in range(length):
                    mine, other = query[place], track[offset + place]
                    if mine != 0 and other != 0:
                        both += 1
                        wrong += np.int64(_bits(mine ^ other))
                    if wrong >= worst:
                        break
                else:
                    if both >= least and wrong < rates[number] * 32 * both:
                        rates[number] = wrong / (32 * both)
                        places[number] = offset


def search_notes(
    windows: Sequence[npt.NDArray[np.floating]], rate: int, training: Iterable[TrackFeatures]
) -> list[Found | None]:
    """Find the longest run of notes that each window shares with a training track, in any of twelve keys.

    A local alignment (Smith & Waterman 1981) of cells of a quarter of a second. Cells that agree wholly count in full,
    those that agree by ``AGREEMENT`` nothing, others against it, so that the score is in seconds and at most the
    window's length. One cell may lie against two, at a cost: a speed that is a few per cent off is followed.

    Args:
        windows: audio ``(samples,)``, all of one length.
        rate: Hz.
        training: the tracks, streamed once.

    Returns:
        For each window the best place, whose score is aligned seconds; None where it is silent.
    """
    if not windows:
        return []
    cell = cell_samples(rate)
    # twice, half a cell apart; the second has one cell less
    grids = [pitch_grid([window[phase:]], rate) for window in windows for phase in (0, cell // 2)]
    cells = min(map(len, grids))
    queries = np.stack([transposed(grid[:cells], 0) for grid in grids])
    best = [NOTHING if query.any() else None for query in queries]
    for track in training:
        step = CELLS_AT_ONCE - 2 * cells
        for first in range(0, max(1, len(track.pitches) - 2 * cells), step):
            _align_part(queries, track, first, best)
    whole = zip(best[::2], best[1::2], strict=True)
    return [_better(one, _later(other, cell / 2 / rate)) for one, other in whole]


def _align_part(queries: Pitches, track: TrackFeatures, first: int, best: list[Found | None]) -> None:
    """Raise ``best`` by what this part of a track, from a cell on, has to offer."""
    part = track.pitches[first : first + CELLS_AT_ONCE]
    for semitones in TRANSPOSITIONS:
        against = transposed(part, semitones)
        if not len(against):
            return
        for number, query in enumerate(queries):
            held = best[number]
            if held is None:
                continue
            score, start, end, track_start = _align(query @ against.T)
            if score * GRID_SECONDS > held.score:
                best[number] = Found(
                    float(score * GRID_SECONDS),
                    track.track,
                    float(start * GRID_SECONDS),
                    float((end - start + 1) * GRID_SECONDS),
                    float((first + track_start) * GRID_SECONDS),
                    -semitones,
                )


def _better(one: Found | None, other: Found | None) -> Found | None:
    return one if other is None or (one is not None and one.score >= other.score) else other


def _later(found: Found | None, seconds: float) -> Found | None:
    return found and replace(found, start=found.start + seconds)


@compiled
def _align(agreement: Any) -> Any:
    """The best local alignment: score in cells, first and last row, first column."""
    rows, columns = agreement.shape
    scores = np.zeros((rows + 2, columns + 2), dtype=np.float32)
    starts = np.zeros((rows + 2, columns + 2), dtype=np.int32)
    firsts = np.zeros((rows + 2, columns + 2), dtype=np.int32)
    best, best_start, best_end, best_first = np.float32(0.0), np.int32(0), 0, np.int32(0)
    for row in range(rows):
        for column in range(columns):
            gain = (agreement[row, column] - np.float32(AGREEMENT)) / np.float32(1 - AGREEMENT)
            above, left = row + 1, column + 1
            before = scores[above, left]
            if scores[above, left - 1] - np.float32(SLIP) > before:
                left -= 1
                before = scores[above, left] - np.float32(SLIP)
            if scores[row, column + 1] - np.float32(SLIP) > before:
                above, left = row, column + 1
                before = scores[above, left] - np.float32(SLIP)
            total = before + gain
            if total <= 0:
                continue
            scores[row + 2, column + 2] = total
            if before > 0:
                starts[row + 2, column + 2] = starts[above, left]
                firsts[row + 2, column + 2] = firsts[above, left]
            else:
                starts[row + 2, column + 2] = row
                firsts[row + 2, column + 2] = column
            if total > best:
                best, best_start, best_end, best_first = (
                    total,
                    starts[row + 2, column + 2],
                    row,
                    firsts[row + 2, column + 2],
                )
    return best, best_start, best_end, best_first
