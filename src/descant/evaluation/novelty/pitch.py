"""How loud each semitone is over time, on a grid of a quarter of a second: what an alignment of notes compares.

It is a chromagram whose octaves are kept apart (Fujishima 1999 folds them): a transposition is then a shift of the
bands, and two pieces that share their harmony but not their notes agree less. The grid, the range and the width of
the analysis window are ours.
"""

from collections.abc import Iterable
from functools import cache
from itertools import chain

import numpy as np
import numpy.typing as npt

Pitches = npt.NDArray[np.float32]

# transpositions that are compared: up to half an octave down, and five semitones up
TRANSPOSITIONS = tuple(range(-6, 6))
# MIDI numbers of the bands that are compared, F sharp 2 to F 6, and half an octave beside them to shift into
LOWEST, HIGHEST = 42, 90
MARGIN = 6
BANDS = HIGHEST - LOWEST + 2 * MARGIN
GRID_SECONDS = 0.25
FRAMES_A_CELL = 4
WINDOW_SECONDS = 0.25
CELLS_AT_ONCE = 64
# a cell whose semitones differ by less is silence and its rounding
QUIETEST = 1e-6


@cache
def _filters(rate: int, window: int) -> npt.NDArray[np.float32]:
    """Triangles of a semitone to either side, each of sum 1: ``(window // 2 + 1, BANDS)``."""
    frequencies = np.maximum(np.fft.rfftfreq(window, 1 / rate), 1.0)
    midi = 69 + 12 * np.log2(frequencies / 440)
    centres = np.arange(LOWEST - MARGIN, HIGHEST + MARGIN)
    weights = np.maximum(0, 1 - np.abs(midi[:, None] - centres))
    return np.asarray(weights / np.maximum(weights.sum(axis=0), 1e-9), dtype=np.float32)


def cell_samples(rate: int) -> int:
    """Samples of a cell of the grid at a sample rate, Hz."""
    return FRAMES_A_CELL * max(1, round(GRID_SECONDS * rate / FRAMES_A_CELL))


def pitch_grid(blocks: Iterable[npt.NDArray[np.floating]], rate: int) -> Pitches:
    """Amplitude of each semitone in each cell of the grid; a rest shorter than a cell is left out.

    Args:
        blocks: of a recording in order, each ``(samples,)``; only one is held at a time.
        rate: Hz.

    Returns:
        float32 ``(cells, BANDS)``, lowest first; see ``LOWEST`` and ``MARGIN``.
    """
    cell = cell_samples(rate)
    hop, window = cell // FRAMES_A_CELL, 2 ** round(np.log2(WINDOW_SECONDS * rate))
    cells: list[Pitches] = []
    # centred frames: the first lies half before the first sample
    beside = np.zeros(window // 2, dtype=np.float32)
    held = beside[:0]
    for block in chain([beside], blocks, [beside]):
        held = np.concatenate([held, np.asarray(block, dtype=np.float32)])
        while len(held) >= window - hop + cell:
            count = min((len(held) - window + hop) // cell, CELLS_AT_ONCE)
            frames = np.lib.stride_tricks.sliding_window_view(held, window)[: count * cell : hop]
            cells.append(_analyse(frames, rate, window))
            held = held[count * cell :]
    return np.concatenate(cells) if cells else np.zeros((0, BANDS), dtype=np.float32)


def _analyse(frames: npt.NDArray[np.float32], rate: int, window: int) -> Pitches:
    spectra = np.fft.rfft(frames * np.hanning(window).astype(np.float32))
    powers = (np.square(spectra.real) + np.square(spectra.imag)).astype(np.float32) @ _filters(rate, window)
    return np.asarray(np.sqrt(powers.reshape(-1, FRAMES_A_CELL, BANDS).mean(axis=1)) / window, dtype=np.float32)


def transposed(grid: npt.NDArray[np.floating], semitones: int) -> Pitches:
    """The bands that lie so many semitones above the compared ones, each cell freed of its mean and of length 1.

    The product of two such cells is the correlation of their spectra: the loudness and a flat spectrum, such as
    noise has, count for nothing.

    Args:
        grid: of :func:`pitch_grid`, ``(cells, BANDS)``.
        semitones: of ``TRANSPOSITIONS``.

    Returns:
        float32 ``(cells, HIGHEST - LOWEST)``; 0 where a cell is silent.
    """
    first = MARGIN + semitones
    bands = np.asarray(grid[:, first : first + HIGHEST - LOWEST], dtype=np.float32)
    centred = bands - bands.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(np.where(lengths > QUIETEST, centred / np.maximum(lengths, QUIETEST), 0), dtype=np.float32)
