"""What a stack's codes are on held-out tracks: how many are in use, and what they are worth to the network below."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from descant.errors import ModelFileError
from descant.seeds import derive_seed
from descant.sequences import PackedSequence, Track
from descant.statistics import FEWEST_TRACKS, Bootstrap, Interval, ratio_interval


@dataclass(frozen=True)
class Usage:
    """How often each code stands in the test split.

    Attributes:
        counts: of each class; of residual quantisers of each one's classes, one quantiser after another.
        low: of the perplexity's interval; None where there are too few tracks for one.
        high: of the perplexity's interval.
    """

    counts: Sequence[int]
    low: float | None = None
    high: float | None = None

    @property
    def total(self) -> int:
        """Codes that were counted."""
        return sum(self.counts)

    @property
    def used_share(self) -> float | None:
        """Share of the classes that occur at all; None without any code."""
        return float(np.count_nonzero(self.counts) / len(self.counts)) if self.total else None

    @property
    def perplexity(self) -> float | None:
        """Two to the entropy of the codes in bits: how many there would be, were all used equally often."""
        return float(2 ** entropy(self.counts)) if self.total else None

    @property
    def sorted_shares(self) -> npt.NDArray[np.float64]:
        """Share of each code that occurs, the commonest first."""
        found = np.sort([count for count in self.counts if count])[::-1]
        return np.asarray(found / max(1, self.total))


@dataclass(frozen=True)
class Worth:
    """Bits a step of the sequence below: with the true codes, with shuffled ones, and their difference.

    Attributes:
        true: with the true codes.
        shuffled: with each track's codes in random order.
        gap: shuffled minus true; near 0 the network below ignores its codes.
        tracks: that were scored.
    """

    true: float
    shuffled: float
    gap: Interval
    tracks: int


def entropy(counts: npt.ArrayLike) -> float:
    """Entropy in bits of what was counted ``(classes,)``; 0 for nothing."""
    found = np.asarray(counts)
    found = found[found > 0]
    shares = found / max(1, found.sum())
    return float(-(shares * np.log2(shares)).sum())


def count_codes(codes: PackedSequence, confidence: float, split: str = "test") -> Usage:
    """Count the codes of a split; the cost is linear in them, and memory does not grow.

    The perplexity's interval is a jackknife over tracks of the entropy (Zahl 1977): resampling tracks with
    replacement would find fewer codes than there are.
    """
    tracks = [track for track in codes.tracks(split) if track.length]
    counts = np.zeros(codes.classes * max(1, codes.channels), np.int64)
    for track in tracks:
        counts += _count(codes, track)
    if len(tracks) < FEWEST_TRACKS:
        return Usage(counts.tolist())
    without = np.array([entropy(counts - _count(codes, track)) for track in tracks])
    deviation = np.sqrt((len(tracks) - 1) * without.var())
    # Student's t without scipy.stats, which takes a second to import
    reach = float(special.stdtrit(len(tracks) - 1, (1 + confidence) / 2) * deviation)
    middle = entropy(counts)
    return Usage(counts.tolist(), max(1.0, 2 ** (middle - reach)), min(float(len(counts)), 2 ** (middle + reach)))


def _count(codes: PackedSequence, track: Track) -> npt.NDArray[np.int64]:
    classes = codes.classes * max(1, codes.channels)
    first = codes.classes * np.arange(codes.channels) if codes.channels else 0
    counts = np.zeros(classes, np.int64)
    for block in codes.blocks(track):
        counts += np.bincount((block + first).ravel(), minlength=classes)
    return counts


def shuffled_codes(codes: npt.NDArray[np.unsignedinteger], track: str, seed: int) -> npt.NDArray[np.unsignedinteger]:
    """A track's codes in random order: the same codes, at the wrong times.

    Args:
        codes: ``(codes,)``.
        track: its id, from which with the seed the order is derived.
        seed: root seed.
    """
    order = np.random.Generator(np.random.Philox(derive_seed(seed, "shuffled codes", track))).permutation(len(codes))
    return codes[order]


def measure_worth(true: pd.DataFrame, shuffled: pd.DataFrame, bootstrap: Bootstrap) -> Worth | None:
    """What the codes are worth, with a bootstrap over tracks.

    Args:
        true: bits with the true codes, a row a track: track, steps, samples, bits.
        shuffled: the same with shuffled ones.
        bootstrap: how the interval is drawn.

    Returns:
        None when no step was scored.

    Raises:
        ModelFileError: when the two did not score the same steps of the same tracks.
    """
    both = true.merge(shuffled, on=["track", "steps"], suffixes=("_true", "_shuffled"), validate="one_to_one")
    if not len(both) == len(true) == len(shuffled):
        raise ModelFileError(
            "true and shuffled codes were scored on different tracks", "delete results/likelihood and run again"
        )
    steps = both["steps"].to_numpy(np.int64)
    if not steps.sum():
        return None
    gap = (both["bits_shuffled"] - both["bits_true"]).to_numpy(np.float64)
    return Worth(
        float(both["bits_true"].sum() / steps.sum()),
        float(both["bits_shuffled"].sum() / steps.sum()),
        ratio_interval(gap, steps, bootstrap),
        len(both),
    )
