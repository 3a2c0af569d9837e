"""How near to a copy a window must come to be called one, estimated from held-out music that was never trained on.

Every search keeps the best of very many places, so that its scores on music that is no copy follow an extreme-value
law (Gumbel 1935; Karlin & Altschul 1990 for alignments). It is fitted by the quartiles, which a few windows that really
repeat the training music do not move, and a threshold is its quantile at the allowed rate of false positives. It is
raised where more held-out windows lie beyond it than that rate makes likely.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import special

# fewer say too little about a tail of one in a thousand (ours)
LEAST_WINDOWS, LEAST_TRACKS = 20, 2
# a search that misses more of the planted copies cannot show that there are none (ours)
LEAST_FOUND = 0.5
# how sure it must be that windows beyond a threshold are too many (ours)
LIKELY = 0.95
SMALLEST = 1e-6
GUMBEL_MEDIAN, GUMBEL_LOW, GUMBEL_HIGH = (-np.log(-np.log(share)) for share in (0.5, 0.25, 0.75))


@dataclass(frozen=True)
class Scored:
    """The score of a window of held-out music, and of which track it is."""

    track: str
    start: float
    score: float


@dataclass(frozen=True)
class Calibration:
    """What a search can find on this corpus.

    Attributes:
        threshold: a window that scores as much is a match; None where the search cannot be used.
        usual: the median score of held-out music; None where there is none.
        windows: of held-out music that it rests on.
        tracks: of these windows.
        false_positives: of these windows that match by the threshold of all other tracks.
        planted: copies that were searched for, and
        found: of them that match.
        failure: why the search is not used, or empty.
    """

    threshold: float | None
    usual: float | None
    windows: int
    tracks: int
    false_positives: int
    planted: int = 0
    found: int = 0
    failure: str = ""

    @classmethod
    def unused(cls, failure: str, windows: int = 0, tracks: int = 0) -> Self:
        """Of a search that cannot be used, and why."""
        return cls(None, None, windows, tracks, 0, failure=failure)

    def judge(self, score: float) -> tuple[float, float, bool]:
        """A score, its nearness (0 at the median of held-out music, 1 at the threshold), and whether it is a match."""
        if self.threshold is None or self.usual is None:
            return score, 0.0, False
        between = self.threshold - self.usual
        return score, (score - self.usual) / between if between > SMALLEST else 0.0, score >= self.threshold


def find_threshold(scores: npt.NDArray[np.float64], rate: float, least: float) -> float:
    """The lowest score that is called a match.

    Args:
        scores: of held-out windows ``(windows,)``.
        rate: share of them that may match.
        least: a threshold is never lower.
    """
    low, median, high = np.quantile(scores, [0.25, 0.5, 0.75])
    scale = (high - low) / (GUMBEL_HIGH - GUMBEL_LOW)
    tail = median + scale * (-np.log(-np.log1p(-rate)) - GUMBEL_MEDIAN)
    # so few windows may lie beyond it without showing that the rate is higher: the binomial's quantile, without
    # scipy.stats, which takes a second to import
    allowed = next(count for count in range(len(scores) + 1) if special.bdtr(count, len(scores), rate) >= LIKELY)
    beyond = np.nextafter(np.sort(scores)[-1 - allowed], np.inf)
    return float(max(tail, beyond, least))


def calibrate(scored: Sequence[Scored], rate: float, least: float, most: float) -> Calibration:
    """Set a threshold, and count the false positives by leaving out one track after another.

    Args:
        scored: windows of held-out music.
        rate: share of them that may match.
        least: lowest threshold.
        most: a copy scores no more.
    """
    names = np.array([window.track for window in scored])
    scores = np.array([window.score for window in scored], dtype=np.float64)
    tracks = len(set(names.tolist()))
    if len(scores) < LEAST_WINDOWS or tracks < LEAST_TRACKS:
        failure = (
            f"held-out music gives {len(scores)} windows of {tracks} tracks, "
            f"and a threshold needs {LEAST_WINDOWS} windows of {LEAST_TRACKS}"
        )
        return Calibration.unused(failure, len(scores), tracks)
    threshold = find_threshold(scores, rate, least)
    usual, false_positives = float(np.median(scores)), len(matches_left_out(scored, rate, least))
    calibration = Calibration(threshold, usual, len(scores), tracks, false_positives)
    if threshold > most:
        failure = "held-out music comes as near to the training music as copies"
        return replace(calibration, threshold=None, failure=failure)
    return calibration


def matches_left_out(scored: Sequence[Scored], rate: float, least: float) -> list[Scored]:
    """The held-out windows that match by a threshold which all tracks but their own have set."""
    names = np.array([window.track for window in scored])
    scores = np.array([window.score for window in scored], dtype=np.float64)
    matched: list[Scored] = []
    for track in dict.fromkeys(names.tolist()):
        others = scores[names != track]
        if len(others):
            threshold = find_threshold(others, rate, least)
            matched += [window for window in scored if window.track == track and window.score >= threshold]
    return matched


def with_planted(calibration: Calibration, scores: Sequence[float]) -> Calibration:
    """Count the planted copies that are found, by their scores; with too few the search is not used."""
    if calibration.threshold is None:
        return calibration
    if not scores:
        return replace(calibration, threshold=None, failure="no training track is as long as a window")
    found = sum(score >= calibration.threshold for score in scores)
    counted = replace(calibration, planted=len(scores), found=found)
    if found < LEAST_FOUND * len(scores):
        failure = f"at a threshold that held-out music allows, {found} of {len(scores)} planted copies are found"
        return replace(counted, threshold=None, failure=failure)
    return counted
