"""What a space of timbres sounds like: how bright and how loud one passage is at its points, and on ways between."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from descant.errors import SequenceError
from descant.results import Summary
from descant.scores.roll import KEYS
from descant.sequences import PackedSequence, Track

Array = npt.NDArray[np.float64]
# of a natural logarithm of a magnitude
DECIBELS = 20 / np.log(10)
NO_MORPH = "there is no way between instruments: one alone was learnt"
NO_AUDIO = "the ways cannot be heard: the row has no vocoder"


@dataclass(frozen=True)
class Sounding:
    """A point of the space, and how the passage sounds there.

    Attributes:
        x: where it stands on the map.
        y: likewise.
        centroid_hz: spectral centroid.
        energy_db: mean energy.
        name: of the instrument whose point it is, or empty.
    """

    x: float
    y: float
    centroid_hz: float
    energy_db: float
    name: str = ""


@dataclass(frozen=True)
class Morph:
    """The straight line from one instrument to another.

    Attributes:
        start: instrument.
        end: instrument.
        points: at equal distances, both ends among them.
        backward_hz: the largest step of the centroid against the way from the first point's to the last's; 0 where it
            rises or falls throughout.
    """

    start: str
    end: str
    points: list[Sounding]
    backward_hz: float


class TimbreSummary(Summary):
    """What was measured of a row.

    Attributes:
        track: of which the passage is, by its name.
        start: of the passage, seconds.
        seconds: its length.
        dimensions: of the space.
        shown: share of the instruments' variance that lies in the map's plane.
        x: ends of the map.
        y: likewise.
        instruments: by their points.
        morphs: ways between two; their sounds follow one another in the folder of audio.
    """

    track: str
    start: float
    seconds: float
    dimensions: int
    shown: float
    x: tuple[float, float]
    y: tuple[float, float]
    instruments: list[Sounding]
    morphs: list[Morph]


def spectral_centroid(log_mel: npt.NDArray[np.floating], edges: Array) -> Array:
    """Centroid of the mean magnitude spectrum: louder frames weigh more, and the level does not matter.

    A mel band of equal area holds a density of magnitudes, so a band counts by its width.

    Args:
        log_mel: natural logarithms of magnitudes ``(..., frames, bands)``.
        edges: of the bands, Hz ``(bands + 2,)``.

    Returns:
        Hz ``(...,)``.
    """
    spectrum = logsumexp(log_mel, axis=-2)
    weights = np.exp(spectrum - spectrum.max(axis=-1, keepdims=True)) * (edges[2:] - edges[:-2])
    return np.asarray((weights * edges[1:-1]).sum(-1) / weights.sum(-1))


def mean_energy(log_mel: npt.NDArray[np.floating]) -> Array:
    """Mean square of the magnitudes of all frames and bands, dB of a magnitude of 1.

    Args:
        log_mel: natural logarithms of magnitudes ``(..., frames, bands)``.
    """
    count = log_mel.shape[-1] * log_mel.shape[-2]
    return np.asarray((logsumexp(2 * log_mel, axis=(-2, -1)) - np.log(count)) / 2 * DECIBELS)


def backward_step(values: Sequence[float]) -> float:
    """The largest step against the way from the first value to the last; 0 where they rise or fall throughout."""
    way = 1 if values[-1] >= values[0] else -1
    return max(0.0, *(way * (before - after) for before, after in pairwise(values)))


@dataclass(frozen=True)
class Plane:
    """The plane of a map: a space of two dimensions itself, or the instruments' two principal directions.

    Attributes:
        origin: ``(dimensions,)``.
        axes: of unit length, ``(2, dimensions)``; of a line the second is 0.
        shown: share of the instruments' variance that lies in it.
    """

    origin: Array
    axes: Array
    shown: float

    @classmethod
    def of(cls, instruments: Array) -> "Plane":
        """The plane of the points ``(instruments, dimensions)``."""
        dimensions = instruments.shape[1]
        if dimensions <= 2:
            return cls(np.zeros(dimensions), np.eye(2, dimensions), 1.0)
        origin = instruments.mean(0)
        _, sizes, directions = np.linalg.svd(instruments - origin)
        variance = sizes**2
        return cls(origin, directions[:2], float(variance[:2].sum() / variance.sum()) if variance.any() else 1.0)

    def places(self, points: Array) -> Array:
        """Where points ``(..., dimensions)`` stand on it, ``(..., 2)``."""
        return (points - self.origin) @ self.axes.T

    def points(self, places: Array) -> Array:
        """The points ``(..., dimensions)`` of places ``(..., 2)``."""
        return self.origin + places @ self.axes


def grid(places: Array, margin: float, points: int) -> Array:
    """A square of places that holds all of some with a margin.

    Args:
        places: ``(instruments, 2)``.
        margin: beyond them, by the larger of their spans.
        points: to a side.

    Returns:
        ``(points, points, 2)``: rows by their second coordinate, columns by their first, both rising.
    """
    low, high = places.min(0), places.max(0)
    # one instrument has no span
    half = (0.5 + margin) * (float((high - low).max()) or 1.0)
    x, y = (np.linspace(middle - half, middle + half, points) for middle in (low + high) / 2)
    return np.stack(np.meshgrid(x, y), -1)


def choose_passage(rolls: PackedSequence, seconds: float) -> tuple[Track, int, npt.NDArray[np.float32]]:
    """The passage that is played at every point: of the first test track with a note, from its first note on.

    Returns:
        The track, the frame in it, and the roll ``(frames, 2 * keys)``, shorter where the track ends before.

    Raises:
        SequenceError: when no test track has a note.
    """
    for track in rolls.tracks("test"):
        begun = 0
        for block in rolls.blocks(track):
            struck = np.flatnonzero(block[:, :KEYS].any(axis=1))
            if len(struck):
                start = begun + int(struck[0])
                stop = start + max(1, round(seconds * rolls.rate))
                return track, start, np.asarray(rolls.steps(track)[start:stop], dtype=np.float32)
            begun += len(block)
    raise SequenceError("no test track has a note that a piano has a key for", "raise corpus.splits.test")
