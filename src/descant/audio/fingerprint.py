"""A recording's acoustic fingerprint: words that another encoding of the same recording shares almost all bits of.

After Haitsma and Kalker, "A Highly Robust Audio Fingerprinting System" (ISMIR 2002): each bit is the sign of an energy
difference between neighbouring bands, and its change over time. Theirs are the 33 bands from 300 to 2000 Hz, the
window of 0.37 s and the 32-bit words. Ours: a word every 47 ms instead of every 12, and a difference over four words,
which lets a word survive an offset of half a step; linear bands' edges rounded to bins; quiet frames left out.
"""

from collections.abc import Iterable
from functools import cache

import numpy as np
import numpy.typing as npt
import soxr

from descant.audio.files import Block, to_mono

RATE = 5500
WINDOW = 2048
HOP = 256
WORDS_PER_SECOND = RATE / HOP
BANDS = 33
LOWEST, HIGHEST = 300.0, 2000.0
LAG = 4
# A recording of a lower rate lacks some of the bands
MIN_RATE = 2 * HIGHEST
# A difference below this share of the frame's energy is rounding, as in a steady tone, and carries no information
ROUNDING = 1e-5
# A frame this far below the loudest, in energy, is as good as silent
QUIET = 1e-6
FRAMES_AT_ONCE = 512
Words = npt.NDArray[np.uint32]


@cache
def _edges() -> npt.NDArray[np.int64]:
    return np.rint(np.geomspace(LOWEST, HIGHEST, BANDS + 1) * WINDOW / RATE).astype(np.int64)


@cache
def _window() -> npt.NDArray[np.float32]:
    return np.hanning(WINDOW).astype(np.float32)


class Fingerprinter:
    """Takes a recording's blocks as they stream by; what it holds does not grow but for the words.

    Args:
        rate: of the recording, Hz; below 4000 Hz there is no fingerprint.
    """

    def __init__(self, rate: int) -> None:
        self._stream = soxr.ResampleStream(rate, RATE, 1, dtype="float32", quality="LQ") if rate >= MIN_RATE else None
        self._samples = np.zeros(0, dtype=np.float32)
        self._differences = np.zeros((0, BANDS - 1), dtype=np.float32)
        self._words: list[Words] = []
        self._energies: list[npt.NDArray[np.float32]] = []

    def add(self, block: Block) -> None:
        """Take the next block ``(frames, channels)``."""
        if self._stream is not None:
            self._take(self._stream.resample_chunk(to_mono(block)))

    def words(self) -> Words:
        """End the recording.

        Returns:
            uint32 ``(words,)``, 21.5 a second; 0 where nothing can be said; none for a recording under 0.6 s.
        """
        if self._stream is not None:
            self._take(self._stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True), is_last=True)
        if not self._words:
            return np.zeros(0, dtype=np.uint32)
        words, energies = np.concatenate(self._words), np.concatenate(self._energies)
        words[energies < QUIET * energies.max(initial=0)] = 0
        return words

    def _take(self, samples: Block, is_last: bool = False) -> None:
        self._samples = np.concatenate([self._samples, samples])
        while True:
            frames = min((len(self._samples) - WINDOW) // HOP + 1, FRAMES_AT_ONCE)
            if frames < 1 or (frames < FRAMES_AT_ONCE and not is_last):
                return
            self._analyse(np.lib.stride_tricks.sliding_window_view(self._samples, WINDOW)[: frames * HOP : HOP])
            self._samples = self._samples[frames * HOP :]

    def _analyse(self, frames: npt.NDArray[np.float32]) -> None:
        spectra = np.fft.rfft(frames * _window())
        powers = np.square(spectra.real) + np.square(spectra.imag)
        edges = _edges()
        energies = np.add.reduceat(powers, edges, axis=1)[:, :BANDS].astype(np.float32)
        differences = np.concatenate([self._differences, energies[:, :-1] - energies[:, 1:]])
        changes = differences[LAG:] - differences[:-LAG]
        totals = energies.sum(axis=1)[-len(changes) :] if len(changes) else energies[:0, 0]
        packed = np.packbits(changes > ROUNDING * totals[:, None], axis=1, bitorder="little")
        self._words.append(packed.view("<u4")[:, 0].astype(np.uint32))
        self._energies.append(totals)
        self._differences = differences[-LAG:]


def fingerprint(blocks: Iterable[Block], rate: int) -> Words:
    """The fingerprint of a recording.

    Args:
        blocks: of floats ``(frames, channels)``, in order.
        rate: Hz.

    Returns:
        uint32 ``(words,)``, see :meth:`Fingerprinter.words`.
    """
    maker = Fingerprinter(rate)
    for block in blocks:
        maker.add(block)
    return maker.words()


def bit_error_rate(first: Words, second: Words) -> float:
    """Share of bits that differ between as many words ``(words,)`` of two fingerprints."""
    return float(np.bitwise_count(first ^ second).mean()) / 32
