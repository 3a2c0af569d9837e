"""What basic-pitch finds in an excerpt, as means over time; which means is ours."""

import numpy as np
import numpy.typing as npt
import soxr

from descant.evaluation.basic_pitch import RATE, NoteNetwork


class Posteriors:
    """Means over time of the probabilities that each of 88 notes sounds, and that it begins.

    Raises:
        ModelFileError: when the network is not installed.
    """

    def __init__(self, threads: int) -> None:
        self._network = NoteNetwork(threads)
        self.version = f"1 {self._network.digest}"

    def embed(self, audio: npt.NDArray[np.float32], sample_rate: int) -> npt.NDArray[np.float32]:
        """Map audio ``(samples,)`` to ``(176,)``: the 88 notes, then their onsets, lowest first."""
        found = self._network.activations(np.asarray(soxr.resample(audio, sample_rate, RATE), dtype=np.float32))
        return np.concatenate([found.notes.mean(axis=0), found.onsets.mean(axis=0)]).astype(np.float32)
