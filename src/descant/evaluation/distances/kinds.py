"""The embeddings that distances are measured on: what each hears, and what it needs."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt


class Embedding(Protocol):
    """A fixed map of an excerpt to a vector.

    Attributes:
        version: of the code and the weights; another version is never taken from a cache.
    """

    version: str

    def embed(self, audio: npt.NDArray[np.float32], sample_rate: int) -> npt.NDArray[np.float32]:
        """Map audio ``(samples,)`` in [-1, 1] to ``(dimensions,)``.

        Args:
            audio: at least as long as the embedding needs.
            sample_rate: Hz.
        """
        ...


@dataclass(frozen=True)
class Kind:
    """What is known of an embedding without opening it.

    Attributes:
        name: in files.
        title: for people.
        dimensions: of its vectors.
        shortest: seconds that an excerpt must have.
        hears: what it distinguishes and what it cannot, in words.
    """

    name: str
    title: str
    dimensions: int
    shortest: float
    hears: str


LOGMEL = Kind(
    "logmel",
    "log-mel statistics",
    60,
    0.1,
    "Mean, spread and change from frame to frame of the level in 20 mel bands: loudness, timbre and how lively the "
    "sound is. Nothing in it is learnt. It hears no melody, and next to nothing of the order in which things come.",
)
POSTERIORS = Kind(
    "posteriors",
    "basic-pitch posteriors",
    176,
    # the network's window of 43,844 samples at 22,050 Hz
    1.99,
    "How likely basic-pitch (Bittner et al. 2022), a transcriber of notes, finds each of 88 notes to sound and to "
    "begin, as means over time: which notes, how many at once, how clearly struck. It hears little of timbre and "
    "nothing of the order of the notes; sets of few pieces differ by their keys.",
)
MUSICNN = Kind(
    "musicnn",
    "musicnn",
    200,
    # 187 frames of 256 samples at 16 kHz are 2.976 s; at another rate that may come out a sample short
    2.98,
    "The layer before the last of musicnn (Pons & Serra 2019), a network that was trained to tag songs: instruments, "
    "texture, rhythm within 3 s. It is blind to 8-bit quantisation, and takes another piano for another instrument.",
)
KINDS = (LOGMEL, POSTERIORS, MUSICNN)


def why_absent(kind: Kind, seconds: float) -> str:
    """Why an embedding cannot be had of excerpts of so many seconds; empty where it can."""
    if seconds >= kind.shortest:
        return ""
    return f"{kind.title}: not reported: it needs excerpts of {kind.shortest:g} s, these are of {seconds:.3g} s"


def open_embedding(kind: Kind, threads: int) -> Embedding:
    """Open an embedding; threads are of a network that does not take torch's.

    Raises:
        ModelFileError: when its weights are not installed or cannot be read.
    """
    # each is slow to import, and short excerpts need but one
    if kind == MUSICNN:
        from descant.evaluation.distances.musicnn import Musicnn

        return Musicnn()
    if kind == POSTERIORS:
        from descant.evaluation.distances.posteriors import Posteriors

        return Posteriors(threads)
    from descant.evaluation.distances.logmel import LogMel

    return LogMel()
