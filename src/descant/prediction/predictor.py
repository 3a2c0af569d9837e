"""Linear prediction of mu-law audio, as a stream beside it, or step after step."""

import copy
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from descant.audio import mulaw
from descant.compiled import DoubleArray, FloatArray
from descant.config.networks import LinearPrediction
from descant.prediction import kernels
from descant.prediction.constants import LEAST_SCALE
from descant.prediction.kernels import Analysis, Memory

if TYPE_CHECKING:
    from torch import Tensor

# share of the analysis window over which it falls, at the newest samples (ours)
FALL = 0.04
# of a track at a time: memory does not grow with its length
BLOCK = 1 << 16


def analysis_window(length: int) -> DoubleArray:
    """The window ``(length,)`` that the past is shaped with: it rises slowly, and falls fast at the newest samples."""
    at, rise = (np.arange(length) + 0.5) / length, 1 - FALL
    shape: DoubleArray = np.where(
        at < rise, np.sin(np.pi / 2 * np.minimum(at / rise, 1)), np.cos(np.pi / 2 * np.maximum(at - rise, 0) / FALL)
    )
    return shape


class Predictor:
    """Predicts sequences side by side, each step from those before it; before the first there was silence.

    The coefficients follow from the last samples by the autocorrelation method, which keeps what is drawn with them
    stable. The scale is a running mean of the errors' size. Stable are they alone: what a network adds to them can
    make what is drawn ever louder, unless they are damped where it is loud.

    Args:
        settings: order, window and so on.
        batch: sequences.
        loudest: root mean square of the newest ``LEVEL_STEPS`` samples beyond which the coefficients are damped; None:
            they never are.
    """

    def __init__(self, settings: LinearPrediction, batch: int, loudest: float | None = None) -> None:
        self.settings = settings
        self.analysis = Analysis(analysis_window(settings.window), math.inf if loudest is None else loudest)
        self.step = 0
        self.memory = Memory(
            past=np.zeros((batch, settings.window + settings.every), np.float32),
            coefficients=np.zeros((batch, settings.order), np.float32),
            scales=np.full(batch, LEAST_SCALE),
            last=np.zeros(batch, np.float32),
        )
        # of the step that comes next, once it is asked for
        self.predicted = np.zeros((batch, 1, 2), np.float32)

    def follow(self, classes: npt.NDArray[Any]) -> FloatArray:
        """Predict the next steps, which are given.

        Args:
            classes: mu-law ``(batch, count)``.

        Returns:
            float32 ``(batch, count, 2)``: the sample that is predicted, and the scale.
        """
        predicted = np.zeros((*classes.shape, 2), np.float32)
        kernels.follow(self.memory, self.analysis, self.step, mulaw.SAMPLES[classes], predicted)
        self.step += classes.shape[1]
        return predicted

    def next(self) -> FloatArray:
        """What is predicted of the next step, ``(batch, 2)``; :meth:`learn` then goes past it."""
        none = np.zeros((len(self.predicted), 0), np.float32)
        kernels.follow(self.memory, self.analysis, self.step, none, self.predicted)
        return self.predicted[:, 0]

    def learn(self, classes: npt.NDArray[Any]) -> None:
        """Go past a step that was predicted: its classes are ``(batch,)``."""
        samples = mulaw.SAMPLES[classes]
        kernels.learn_step(self.memory, self.settings.every, self.step, samples, self.predicted[:, 0])
        self.step += 1

    def begin_block(self) -> None:
        """Compute the coefficients of the block that begins with the next step, for an engine that does the rest."""
        kernels.begin_block(self.memory, self.analysis)

    def part(self, first: int, stop: int) -> Self:
        """The predictor of sequences ``first … stop - 1`` alone; it shares its memory with this one."""
        part = copy.copy(self)
        part.memory = self.memory.part(slice(first, stop))
        return part

    def tensors(self) -> "dict[str, Tensor]":
        """What it remembers, by name; they share its memory."""
        # a stream is written without torch, which takes a second to import
        import torch

        return {name: torch.from_numpy(array) for name, array in self.memory._asdict().items()}

    def state(self) -> "dict[str, Tensor]":
        """What the next steps depend on, but for their number; enough to go on exactly."""
        return {f"prediction.{name}": tensor.clone() for name, tensor in self.tensors().items()}

    def load_state(self, state: "Mapping[str, Tensor]", step: int) -> None:
        """Stand where :meth:`state` was taken, before a step."""
        self.step = step
        for name, tensor in self.tensors().items():
            tensor.copy_(state[f"prediction.{name}"])


def predict_track(classes: npt.NDArray[Any], settings: LinearPrediction) -> Iterator[FloatArray]:
    """Predict a track from its beginning, block by block.

    Args:
        classes: mu-law ``(length,)``, mapped or in memory.
        settings: of the predictor.

    Yields:
        float32 ``(steps, 2)``, together as long as the track; see :meth:`Predictor.follow`.
    """
    predictor = Predictor(settings, 1)
    for start in range(0, len(classes), BLOCK):
        yield predictor.follow(np.asarray(classes[start : start + BLOCK])[None])[0]
