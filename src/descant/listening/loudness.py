"""Loudness and true peak (ITU-R BS.1770-4), and the clips of an item brought to one loudness under a ceiling."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyloudnorm
import soxr

from descant.errors import ListeningError

Audio = npt.NDArray[np.float64]

BLOCK_SECONDS = 0.4
GATE_LUFS = -70.0
OVERSAMPLING = 4
LOWEST_RATE = 8000
# room for what rounding to 16 bits adds to a true peak, dB
MARGIN = 0.02
# LU; within it a clip has its loudness
TOLERANCE = 0.01
ROUNDS = 20


@dataclass(frozen=True)
class Loudness:
    """How loud a clip is.

    Attributes:
        lufs: ITU-R BS.1770-4; None for silence.
        measured: ``integrated`` with gating; ``block`` for a clip shorter than a gating block of 0.4 s, as one block of
            its own length; ``silent`` where no block is above -70 LUFS, and nothing can be matched.
    """

    lufs: float | None
    measured: Literal["integrated", "block", "silent"]


def measure(audio: Audio, sample_rate: int) -> Loudness:
    """Measure a clip's loudness.

    Args:
        audio: ``(time,)``; full scale is 1.
        sample_rate: Hz.

    Raises:
        ListeningError: when the rate is too low for BS.1770's filters.
    """
    if sample_rate < LOWEST_RATE:
        raise ListeningError(
            f"loudness is not defined at {sample_rate} Hz", f"set audio.sample_rate to {LOWEST_RATE} or more"
        )
    short = len(audio) < BLOCK_SECONDS * sample_rate
    meter = pyloudnorm.Meter(sample_rate, block_size=len(audio) / sample_rate if short else BLOCK_SECONDS)
    lufs = float(meter.integrated_loudness(np.asarray(audio, dtype=np.float64)))
    if lufs < GATE_LUFS:
        return Loudness(None, "silent")
    return Loudness(lufs, "block" if short else "integrated")


def true_peak(audio: Audio) -> float | None:
    """Largest magnitude of a clip at four times its rate, dB re full scale (BS.1770-4, annex 2); None where all is 0.

    Args:
        audio: ``(time,)``; full scale is 1.
    """
    # soxr's rates are a ratio here: the true rate does not matter
    between = soxr.resample(np.asarray(audio, dtype=np.float64), 1, OVERSAMPLING, quality="VHQ")
    peak = max(float(np.abs(audio).max(initial=0.0)), float(np.abs(between).max(initial=0.0)))
    return 20 * float(np.log10(peak)) if peak else None


def match(clips: Sequence[Audio], sample_rate: int, lufs: float, ceiling_dbtp: float) -> list[Audio]:
    """Bring the clips of one item to one loudness.

    It is the wanted one, or as much less as the ceiling asks of the clip with the highest peaks: all are lowered by the
    same gain, so that none can be recognised by its level. A silent clip keeps its own, under the ceiling.

    Args:
        clips: each ``(time,)``; full scale is 1.
        sample_rate: Hz.
        lufs: wanted loudness.
        ceiling_dbtp: true peak that none may pass, dB re full scale.

    Returns:
        The clips in their order.
    """
    ceiling = ceiling_dbtp - MARGIN
    audible = [clip for clip in clips if measure(clip, sample_rate).lufs is not None]
    wanted = lufs
    # gating is not linear in the gain, so that a lower loudness is set anew and not only scaled
    for _ in range(ROUNDS):
        matched = [_at_loudness(clip, sample_rate, wanted) for clip in audible]
        excess = max(((true_peak(clip) or 0.0) - ceiling for clip in matched), default=0.0)
        if excess <= 0:
            break
        wanted -= excess
    else:
        matched = [clip * 10 ** (-excess / 20) for clip in matched]
    found = iter(matched)
    return [_under(clip, ceiling) if measure(clip, sample_rate).lufs is None else next(found) for clip in clips]


def _at_loudness(audio: Audio, sample_rate: int, lufs: float) -> Audio:
    gain = 1.0
    for _ in range(ROUNDS):
        now = measure(audio * gain, sample_rate).lufs
        if now is None or abs(now - lufs) < TOLERANCE:
            break
        gain *= 10 ** ((lufs - now) / 20)
    return audio * gain


def _under(audio: Audio, ceiling_dbtp: float) -> Audio:
    peak = true_peak(audio)
    return audio if peak is None or peak <= ceiling_dbtp else audio * 10 ** ((ceiling_dbtp - peak) / 20)
