"""Measures of notes, as muspy defines them (Dong et al. 2020), on times in seconds.

Two of muspy's definitions count one bar, or beat, too many when the last note ends on its line: identical bars then
have a groove consistency below 1. Here what is counted are the bars and beats that there are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from descant.seeds import derive_seed

PITCHES = 128
MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
ROLL_SECONDS = 0.01
BEATS_PER_BAR = 4
SIXTEENTHS = 16
BASELINE_DRAWS = 500


@dataclass(frozen=True)
class Note:
    """A note.

    Attributes:
        start: seconds.
        end: seconds, after the start.
        pitch: MIDI number.
        strength: of the transcriber's activation, in [0, 1].
    """

    start: float
    end: float
    pitch: int
    strength: float


@dataclass(frozen=True)
class PitchMeasures:
    """Of pitch classes: entropy in bits, and the largest share of them that lies in one major or minor scale."""

    entropy: float
    scale_consistency: float


def pitch_classes(notes: Sequence[Note]) -> npt.NDArray[np.int64]:
    """How many notes each pitch class has, int64 ``(12,)`` from C."""
    return np.bincount([note.pitch % 12 for note in notes], minlength=12)


def pitch_measures(counts: npt.NDArray[np.integer]) -> PitchMeasures | None:
    """Entropy and scale consistency of pitch classes; None without a note.

    Args:
        counts: of notes by pitch class ``(12,)``.
    """
    if not counts.sum():
        return None
    entropies, shares = _pitch_measures(counts[None])
    return PitchMeasures(float(entropies[0]), float(shares[0]))


def _pitch_measures(
    counts: npt.NDArray[np.integer],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    shares = counts / counts.sum(1, keepdims=True)
    entropies = -(shares * np.log2(np.where(shares > 0, shares, 1))).sum(1)
    # a natural minor scale has the pitch classes of its relative major
    scales = np.zeros((12, 12))
    for tonic in range(12):
        scales[tonic, (np.array(MAJOR_SCALE) + tonic) % 12] = 1
    return np.abs(entropies), np.minimum(1.0, (shares @ scales.T).max(1))


def random_baseline(notes: int, seed: int) -> PitchMeasures | None:
    """What as many uniformly random pitch classes have on average: few notes are in a scale whatever they are."""
    if not notes:
        return None
    random = np.random.Generator(np.random.Philox(derive_seed(seed, "pitches", notes)))
    entropies, shares = _pitch_measures(random.multinomial(notes, np.full(12, 1 / 12), size=BASELINE_DRAWS))
    return PitchMeasures(float(entropies.mean()), float(shares.mean()))


def piano_roll(notes: Sequence[Note], seconds: float, step: float = ROLL_SECONDS) -> npt.NDArray[np.bool_]:
    """Which pitches sound when.

    Args:
        notes: notes.
        seconds: length of the roll.
        step: seconds of a column.

    Returns:
        bool ``(128, steps)``.
    """
    roll = np.zeros((PITCHES, math.ceil(seconds / step - 1e-9)), dtype=bool)
    for note in notes:
        start = round(note.start / step)
        roll[note.pitch, start : max(start + 1, round(note.end / step))] = True
    return roll


def polyphony(roll: npt.NDArray[np.bool_]) -> float | None:
    """Mean number of pitches that sound at once, where any does; None in silence."""
    sounding = np.count_nonzero(roll.any(0))
    return float(roll.sum() / sounding) if sounding else None


def empty_rate(roll: npt.NDArray[np.bool_], columns: int) -> float:
    """Share of equal stretches of time in which no note sounds.

    Args:
        roll: ``(128, steps)``.
        columns: steps of a stretch; 1 for the share of the time. The last stretch may be shorter.
    """
    starts = np.arange(0, roll.shape[1], columns)
    return float(1 - np.mean(np.logical_or.reduceat(roll.any(0), starts))) if len(starts) else 1.0


def groove_consistency(onsets: npt.NDArray[np.integer], bar: int, steps: int) -> float | None:
    """1 minus the mean share of positions whose onset differs between neighbouring bars (Wu & Yang 2020).

    Args:
        onsets: steps at which notes start ``(notes,)``, below ``steps``.
        bar: steps of a bar.
        steps: length; there are ``ceil(steps / bar)`` bars.

    Returns:
        None with fewer than two bars, or no note.
    """
    bars = -(-steps // bar)
    if bars < 2 or not len(onsets):
        return None
    grid = np.zeros(bars * bar, dtype=bool)
    grid[onsets] = True
    patterns = grid.reshape(bars, bar)
    return float(1 - np.mean(patterns[:-1] != patterns[1:]))


def measure_notes(notes: Sequence[Note], seconds: float, bpm: float | None, seed: int) -> dict[str, float | None]:
    """All measures of an excerpt's notes; None where one is not defined.

    Args:
        notes: notes.
        seconds: length of the excerpt.
        bpm: its tempo, by which beats and bars of four beats are counted; None where it has no pulse.
        seed: of the random baselines, which have as many notes.
    """
    roll = piano_roll(notes, seconds)
    pitches, random = pitch_measures(pitch_classes(notes)), random_baseline(len(notes), seed)
    heights = [note.pitch for note in notes]
    return {
        "notes_per_second": len(notes) / seconds,
        "pitch_range": float(max(heights) - min(heights)) if heights else None,
        "pitch_class_entropy": pitches.entropy if pitches else None,
        "pitch_class_entropy_random": random.entropy if random else None,
        "scale_consistency": pitches.scale_consistency if pitches else None,
        "scale_consistency_random": random.scale_consistency if random else None,
        "polyphony": polyphony(roll),
        "empty_time_rate": empty_rate(roll, 1),
        "empty_beat_rate": None if bpm is None else empty_rate(roll, max(1, round(60 / bpm / ROLL_SECONDS))),
        "groove_consistency": None if bpm is None else _groove(notes, seconds, bpm),
    }


def _groove(notes: Sequence[Note], seconds: float, bpm: float) -> float | None:
    """Groove of the whole bars, in sixteenths."""
    sixteenth = 60 / bpm * BEATS_PER_BAR / SIXTEENTHS
    steps = int(seconds / (SIXTEENTHS * sixteenth) + 1e-9) * SIXTEENTHS
    onsets = np.array([round(note.start / sixteenth) for note in notes], dtype=np.int64)
    return groove_consistency(onsets[onsets < steps], SIXTEENTHS, steps)
