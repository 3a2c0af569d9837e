"""What is measured of a track's stems while they stream by, and when a stem must not be trained on.

The limits are ours. Real spleeter misses the sum by about -100 dB below its bandwidth, by float rounding.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import scipy.fft

from descant.audio.files import Block
from descant.separation.separator import CHANNELS, RATE, VOCALS, Separated

FFT, HOP = 4096, 2048
# below this peak, as in the corpus' own checks, mu-law hears nothing
SILENCE = 1e-4
# what the sum of the stems misses of the mix
SUM_LIMIT_DB = -40.0
# a 16-bit copy differs from a quiet mix by about -75 dB
COPY_LIMIT_DB = -60.0
# spleeter's accompaniment of a bass alone differs from its mix by -86 dB: only a copy is nearer than this
IDENTICAL_LIMIT_DB = -120.0
# a part of the mix leaves less than the mix when it is taken away
STRANGE_LIMIT_DB = 0.0
# bins down to so far below the mean power of all are counted as present
PRESENT_DB = -70.0
FLOOR = 1e-30
MIX = "mix"
Spectra: TypeAlias = npt.NDArray[np.complex64]


@dataclass(frozen=True)
class Measures:
    """What was measured of a track.

    Attributes:
        frames: at 44.1 kHz.
        peak: largest absolute sample of the wanted stem.
        removed_db: energy of the mix minus the wanted stem below the bandwidth, over the mix's whole energy.
        residual_db: the same of the mix minus all stems; None when there is one only.
        vocal_level_db: the same of the vocals; None when there is no such stem.
        bandwidth_hz: up to where the wanted stem has energy.
        is_finite: whether no sample of a stem is NaN or infinite.
    """

    frames: int
    peak: float
    removed_db: float
    residual_db: float | None
    vocal_level_db: float | None
    bandwidth_hz: float
    is_finite: bool


class Meter:
    """Adds up power spectra of a track's mix and stems.

    Args:
        wanted: name of the stem that is kept.
        bandwidth: Hz; energies are compared below it.
    """

    def __init__(self, wanted: str, bandwidth: float) -> None:
        self._wanted = wanted
        # the two bins beside the edge get part of what lies beyond it
        self._bins = int(bandwidth / RATE * FFT) - 2
        self._window = np.hanning(FFT + 1)[:FFT].astype(np.float32)
        self._power: dict[str, npt.NDArray[np.float64]] = {}
        self._held: dict[str, Block] = {}
        self._frames = 0
        self._peak = 0.0
        self._is_finite = True

    def add(self, separated: Separated) -> None:
        """Look at the next stretch of the track."""
        stems = separated.stems
        stem = stems[self._wanted]
        self._frames += len(stem)
        self._is_finite = self._is_finite and all(bool(np.isfinite(samples).all()) for samples in stems.values())
        self._peak = max(self._peak, float(np.abs(stem).max(initial=0.0)))
        self._analyse({MIX: separated.mix, **stems})

    def _analyse(self, signals: Mapping[str, Block]) -> None:
        spectra = {
            name: spectrum for name, samples in signals.items() if (spectrum := self._spectra(name, samples)).size
        }
        if not spectra:
            return
        mix, wanted = spectra.pop(MIX), spectra[self._wanted]
        self._add("mix", mix)
        self._add("wanted", wanted)
        self._add("removed", mix - wanted)
        if len(spectra) > 1:
            self._add("residual", mix - sum(spectra.values()))
        if VOCALS in spectra:
            self._add("vocals", spectra[VOCALS])

    def _spectra(self, name: str, samples: Block) -> Spectra:
        """Spectra ``(windows, 2, bins)`` of all windows that a signal's next samples fill."""
        # windows overlap by half, so that every sample is seen
        held = self._held.get(name, np.zeros((HOP, CHANNELS), dtype=np.float32))
        joined = np.concatenate([held, samples])
        whole = max(0, len(joined) - HOP) // HOP * HOP
        self._held[name] = joined[whole:]
        if not whole:
            return np.zeros((0, CHANNELS, FFT // 2 + 1), dtype=np.complex64)
        windows = np.lib.stride_tricks.sliding_window_view(joined[: whole + HOP], FFT, axis=0)[::HOP]
        spectra: Spectra = scipy.fft.rfft(windows * self._window, axis=-1, overwrite_x=True)
        return spectra

    def _add(self, name: str, spectra: Spectra) -> None:
        power = (np.square(spectra.real) + np.square(spectra.imag)).sum(axis=(0, 1), dtype=np.float64)
        self._power[name] = self._power.get(name, np.zeros_like(power)) + power

    def measures(self) -> Measures:
        """What was measured up to the end of the track."""
        self._analyse({name: np.zeros((FFT, CHANNELS), dtype=np.float32) for name in self._held})
        return Measures(
            frames=self._frames,
            peak=self._peak,
            removed_db=self._level("removed") or 0.0,
            residual_db=self._level("residual"),
            vocal_level_db=self._level("vocals"),
            bandwidth_hz=bandwidth(self._power.get("wanted", np.zeros(1))),
            is_finite=self._is_finite,
        )

    def _level(self, name: str) -> float | None:
        if name not in self._power:
            return None
        energy, mix = float(self._power[name][: self._bins].sum()), float(self._power["mix"].sum())
        return float(10 * np.log10((energy + FLOOR) / (mix + FLOOR)))


def bandwidth(power: npt.NDArray[np.float64]) -> float:
    """Frequency up to which a power spectrum has energy, Hz; 0 for silence.

    Args:
        power: ``(bins,)`` from 0 Hz to half the sample rate.
    """
    if not float(power.max()) > 0:
        return 0.0
    present = np.flatnonzero(power > power.mean() * 10 ** (PRESENT_DB / 10))
    return float(present[-1] / FFT * RATE)


def verdict(measures: Measures, frames: int, has_all_stems: bool) -> tuple[str, str]:
    """Decide whether a stem may be trained on.

    Args:
        measures: of the track.
        frames: of the mix at 44.1 kHz.
        has_all_stems: whether the stems must add up to the mix.

    Returns:
        Why it must not, or empty; and what people should know of one that may, or empty.
    """
    if not measures.is_finite:
        return "separation gave NaN or infinite samples", ""
    if measures.frames != frames:
        return f"separation gave {measures.frames} frames of {frames}", ""
    if measures.peak < SILENCE:
        return "the separated stem is silent", ""
    if has_all_stems and (measures.residual_db is None or measures.residual_db > SUM_LIMIT_DB):
        missing = "" if measures.residual_db is None else f": what is missing is at {measures.residual_db:.0f} dB"
        return f"the stems do not add up to the mix{missing}", ""
    if measures.removed_db < (IDENTICAL_LIMIT_DB if has_all_stems else COPY_LIMIT_DB):
        return f"the stem is the mix: what was taken away is at {measures.removed_db:.0f} dB", ""
    if measures.removed_db < COPY_LIMIT_DB:
        return "", f"nothing to take away: the stem is as good as the mix ({measures.removed_db:.0f} dB)"
    if measures.removed_db > STRANGE_LIMIT_DB and not has_all_stems:
        return "", "the stem resembles the mix little: check that it is of this recording and in time with it"
    return "", ""
