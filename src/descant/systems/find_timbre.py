"""The point of a Mel2Mel's space that fits a recording of a known score best; the network stays as it is.

Neither the level of a recording nor the velocities of its score are known, so a gain is fitted beside the point. It is
put to what the network plays and not to the recording: brought down to silence, any recording would fit anything.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from scipy.optimize import minimize, minimize_scalar
from torch import Tensor

from descant.systems.mel2mel import SCALES, Mel2MelSystem, squared_error

# of the places that fit best as they are, so many are gone on from; steps of each at most (ours)
DESCENTS, STEPS = 5, 60
# the gain is looked for this far to either side, natural logarithm: 40 dB (ours)
MOST_GAIN = math.log(100)
# parts that are played side by side
BATCH = 8
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """A point, and how well it fits.

    Attributes:
        point: ``(embedding,)``.
        gain: natural logarithm, of the recording: with it, it is as loud as the network plays it.
        loss: the system's own.
    """

    point: Array
    gain: float
    loss: float


@dataclass(frozen=True)
class Found:
    """What fits best.

    Attributes:
        best: the point that fits best.
        instruments: every instrument's own point, with the gain that suits it.
        lag: frames by which the recording begins after the score.
    """

    best: Fit
    instruments: list[Fit]
    lag: int


def cut_parts(
    blocks: Iterable[npt.NDArray[Any]], starts: Sequence[int], length: int, channels: int, beyond: float
) -> npt.NDArray[np.float32]:
    """Parts of frames that come in blocks, in memory that does not grow with what is not taken.

    Args:
        blocks: of all frames in order, each ``(frames, channels)``.
        starts: first frame of each part; it may lie before the first of all.
        length: of a part, frames.
        channels: of a frame.
        beyond: what stands where there are no frames.

    Returns:
        ``(parts, length, channels)``.
    """
    parts = np.full((len(starts), length, channels), beyond, dtype=np.float32)
    at = 0
    for block in blocks:
        for part, start in zip(parts, starts, strict=True):
            first, last = max(start, at), min(start + length, at + len(block))
            if first < last:
                part[first - start : last - start] = block[first - at : last - at]
        at += len(block)
    return parts


def mean_level(log_mel: Tensor) -> float:
    """Half the logarithm of the mean square of magnitudes, of which natural logarithms are given."""
    return float(torch.logsumexp(2 * log_mel.double().flatten(), 0) - math.log(log_mel.numel())) / 2


class Search:
    """Parts of a recording, and what a system plays of their score.

    Args:
        system: on its device; its weights are frozen.
        rolls: ``(parts, frames, 2 * keys)``.
        recorded: log-mel frames with no floor, ``(parts, frames + 2 * reach, bands)``: a part with what is before and
            after it.
        floor: natural logarithm that the system's frames do not go below.
    """

    def __init__(
        self, system: Mel2MelSystem, rolls: npt.NDArray[np.float32], recorded: npt.NDArray[np.float32], floor: float
    ) -> None:
        # cuDNN's LSTM has gradients in this mode alone; nothing else in a Mel2Mel differs by it
        self._system = system.train().requires_grad_(False)
        self._scale, self._floor = SCALES[system.headline], floor
        table = system.timbres.table.weight
        self._rolls = torch.from_numpy(rolls).to(table.device)
        self._frames, self._reach = rolls.shape[1], (recorded.shape[1] - rolls.shape[1]) // 2
        self._starts = torch.cat([table, table.mean(0, keepdim=True)])
        played = [self._play(point, 0, len(rolls)) for point in self._starts]
        raw = torch.from_numpy(recorded).to(table.device)
        levels = [mean_level(mel) for mel in played]
        # as loud as the instruments are on average, so that the loss weighs it as it weighed them
        self._raised = float(np.mean(levels[:-1])) - mean_level(raw)
        self._recorded = (raw + self._raised).clamp(min=floor)
        heard = mean_level(self._recorded)
        self._played = [(mel, heard - level) for mel, level in zip(played, levels, strict=True)]

    def _play(self, point: Tensor, start: int, stop: int) -> Tensor:
        rolls = self._rolls[start:stop]
        return self._system.play(rolls, point.expand(len(rolls), -1))

    def _true(self, lag: int) -> Tensor:
        first = self._reach + lag
        return self._recorded[:, first : first + self._frames]

    def _at_level(self, mel: Tensor, gain: float | Tensor) -> Tensor:
        return (mel + gain).clamp(min=self._floor)

    def lag(self) -> int:
        """The offset, in frames, at which what rises in the bands correlates best for one of the starts.

        The loss itself says little of it: what rings on fits nearly as well when it comes too late.
        """
        lags = sorted(range(-self._reach, self._reach + 1), key=lambda lag: (abs(lag), lag))
        heard, played = self._rises(self._recorded), [self._rises(self._at_level(*one)) for one in self._played]
        likeness = []
        for lag in lags:
            first = self._reach + lag
            true = heard[:, first : first + self._frames - 1].flatten()
            likeness.append(max(float(F.cosine_similarity(mel.flatten(), true, dim=0)) for mel in played))
        return lags[int(np.argmax(likeness))]

    def _rises(self, mel: Tensor) -> Tensor:
        return self._scale(mel).diff(dim=1).clamp(min=0)

    def as_it_is(self, number: int, lag: int) -> Fit:
        """One of the starts, with the gain that suits it."""
        mel, true = self._played[number][0], self._true(lag)
        fitted = minimize_scalar(
            lambda gain: float(squared_error(self._system.headline, self._at_level(mel, float(gain)), true)),
            bounds=(-MOST_GAIN, MOST_GAIN),
            method="bounded",
        )
        return self._fit(self._starts[number].double().cpu().numpy(), float(fitted.x), float(fitted.fun))

    def descend(self, start: Fit, lag: int) -> Fit:
        """The point and the gain that the loss leads to from a start: L-BFGS, which no step makes worse."""
        true = self._true(lag)

        def loss_and_slope(values: Array) -> tuple[float, Array]:
            free = torch.from_numpy(values).to(self._rolls).requires_grad_()
            total = 0.0
            for first in range(0, len(true), BATCH):
                part = true[first : first + BATCH]
                mel = self._at_level(self._play(free[:-1], first, first + BATCH), free[-1])
                loss = squared_error(self._system.headline, mel, part) * (len(part) / len(true))
                torch.autograd.backward(loss)
                total += float(loss.detach())
            assert free.grad is not None
            return total / scale, free.grad.double().cpu().numpy() / scale

        scale = max(start.loss, 1e-12)
        begun = np.append(start.point, self._raised - start.gain)
        bounds = [*[(None, None)] * len(start.point), (-MOST_GAIN, MOST_GAIN)]
        options = {"maxiter": STEPS, "ftol": 1e-7, "gtol": 1e-6}
        found = minimize(loss_and_slope, begun, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        reached = self._fit(found.x[:-1], float(found.x[-1]), float(found.fun) * scale)
        return min(start, reached, key=lambda fit: fit.loss)

    def _fit(self, point: Array, played_gain: float, loss: float) -> Fit:
        return Fit(point, self._raised - played_gain, loss)

    def run(self) -> Found:
        """Go on from the instruments, and from their middle, that fit best as they are."""
        lag = self.lag()
        fits = [self.as_it_is(number, lag) for number in range(len(self._starts))]
        begun = sorted(fits, key=lambda fit: fit.loss)[:DESCENTS]
        best = min((self.descend(fit, lag) for fit in begun), key=lambda fit: fit.loss)
        return Found(best, fits[:-1], lag)
