"""Pulse: how clear it is, its tempo folded into one octave, and beats to cut time by."""

import math
from dataclasses import dataclass

import librosa
import numpy as np
import numpy.typing as npt

import descant.compiled  # noqa: F401 - librosa's loops are kept by their types
from descant.evaluation.structure.features import FRAME_SECONDS

SLOWEST_BPM, FASTEST_BPM = 40.0, 240.0
LOW_BPM, HIGH_BPM = 70.0, 140.0
# white noise stays below 0.5 / √seconds in 99 of 100 excerpts of 2 to 24 s (measured; tests/evaluation/structure)
NOISE_CLARITY = 0.5
LEAST_CLARITY = 0.2  # ours
# an autocorrelation over fewer periods describes these and not a pulse (ours)
FEWEST_PERIODS = 2
AS_GOOD = 0.9  # ours
WINDOW_SECONDS = 4.0


@dataclass(frozen=True)
class Pulse:
    """The pulse of an excerpt.

    Attributes:
        clarity: highest autocorrelation of onset strength at a lag of a beat, in [-1, 1]; None where it cannot be
            measured: too short, or no onsets.
        bpm: beats a minute in [70, 140); None where there is no pulse.
    """

    clarity: float | None
    bpm: float | None


def fold(bpm: float) -> float:
    """The tempo of the same pulse, counted at another level, in [70, 140) beats a minute."""
    folded = LOW_BPM * 2 ** (math.log2(bpm / LOW_BPM) % 1)
    # rounding may land on the upper end, which is the lower one
    return folded if folded < HIGH_BPM else LOW_BPM


def find_pulse(onset: npt.NDArray[np.float64]) -> Pulse:
    """Find the pulse in onset strength.

    Clarity is the largest local maximum of its autocorrelation between 40 and 240 beats a minute (the first model of
    Lartillot et al. 2008), as Pearson's correlation at each lag, so that the length does not bias it. It abstains
    from a tempo where white noise of that length would be as clear.

    Args:
        onset: onset strength by frames of 10 ms ``(frames,)``.
    """
    shortest = round(60 / FASTEST_BPM / FRAME_SECONDS)
    longest = min(round(60 / SLOWEST_BPM / FRAME_SECONDS), len(onset) // (FEWEST_PERIODS + 1))
    if longest < shortest + 2:
        return Pulse(None, None)
    lags = np.arange(shortest - 1, longest + 2)
    correlations = np.array([_correlation(onset[:-lag], onset[lag:]) for lag in lags])
    if np.isnan(correlations).any():
        return Pulse(None, None)
    inner = correlations[1:-1]
    peaks = np.flatnonzero((inner >= correlations[:-2]) & (inner > correlations[2:]))
    if not len(peaks):
        return Pulse(0.0, None)
    clarity = max(0.0, float(inner[peaks].max()))
    if clarity < abstention(len(onset)):
        return Pulse(clarity, None)
    # multiples of a period are as good as it is: the shortest of them is the pulse
    best = int(peaks[inner[peaks] >= AS_GOOD * clarity][0])
    return Pulse(clarity, fold(60 / ((lags[best + 1] + _offset(correlations[best : best + 3])) * FRAME_SECONDS)))


def _correlation(left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]) -> float:
    left, right = left - left.mean(), right - right.mean()
    energy = math.sqrt(float((left**2).sum()) * float((right**2).sum()))
    return float((left * right).sum()) / energy if energy > 1e-12 else math.nan


def _offset(three: npt.NDArray[np.float64]) -> float:
    """Where between frames the parabola through a peak and its neighbours is highest."""
    curvature = float(three[0] - 2 * three[1] + three[2])
    return 0.5 * float(three[0] - three[2]) / curvature if curvature else 0.0


def abstention(frames: int) -> float:
    """Clarity below which an excerpt of so many frames has no pulse.

    The autocorrelation of noise spreads by one over the root of its length.
    """
    return max(LEAST_CLARITY, NOISE_CLARITY / math.sqrt(frames * FRAME_SECONDS))


def tempo_variation(onset: npt.NDArray[np.float64], bpm: float) -> float | None:
    """Spread of the tempo over windows of 2 to 4 s, as a share of the tempo; octaves are the same tempo.

    Args:
        onset: onset strength by frames of 10 ms ``(frames,)``.
        bpm: tempo of the whole.

    Returns:
        Root mean square of the relative deviation; None where fewer than two windows have a pulse.
    """
    window = min(round(WINDOW_SECONDS / FRAME_SECONDS), len(onset) // 2)
    starts = range(0, len(onset) - window + 1, max(1, window // 2))
    found = [find_pulse(onset[start : start + window]).bpm for start in starts]
    octaves = np.array([math.log2(tempo / bpm) for tempo in found if tempo is not None])
    if len(octaves) < 2:
        return None
    nearest = (octaves + 0.5) % 1 - 0.5
    return float(np.sqrt(np.mean((2**nearest - 1) ** 2)))


def beat_grid(onset: npt.NDArray[np.float64], bpm: float, seconds: float) -> npt.NDArray[np.float64]:
    """Edges of half beats, in seconds, by librosa's beat tracker (Ellis 2007) at a known tempo.

    Args:
        onset: onset strength by frames of 10 ms ``(frames,)``.
        bpm: tempo.
        seconds: where the excerpt ends.

    Returns:
        float64 ``(cells + 1,)``; empty where no beats were found.
    """
    rate = 1 / FRAME_SECONDS
    _, beats = librosa.beat.beat_track(
        onset_envelope=onset, sr=rate, hop_length=1, bpm=bpm, trim=False, units="time", start_bpm=bpm
    )
    if len(beats) < 2:
        return np.empty(0)
    halves = np.concatenate([beats, (beats[:-1] + beats[1:]) / 2])
    half = 30 / bpm
    before = np.arange(beats[0] - half, -half / 2, -half)
    after = np.arange(beats[-1] + half, seconds + half / 2, half)
    edges = np.sort(np.concatenate([halves, before, after]))
    return np.unique(np.clip(edges, 0, seconds))
