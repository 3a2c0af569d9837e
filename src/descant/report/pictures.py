"""Pictures of excerpts as PNG: self-similarity, notes as a piano roll, a score over mel spectrograms.

Nothing here touches matplotlib's global state; the same figures give the same bytes.
"""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt

from descant.evaluation.figures import FONT, GROUND, INK, QUIET_INK, dark_figure, draw_png
from descant.evaluation.structure.features import CELL_SECONDS
from descant.evaluation.transcription.notes import Note

COLOURS = 128
MATRIX_SIZE = (520, 270)
ROLL_SIZE = (520, 230)
SCORE_SIZE = (900, 420)
LOWEST, HIGHEST = 21, 108  # the piano's keys
# of log-mel spectrograms, natural logarithms of magnitudes: 78 dB
MEL_RANGE = 9.0


def similarity_png(matrices: npt.NDArray[np.floating]) -> bytes:
    """Self-similarity of chroma and of timbre beside one another; a cell that is not defined is left dark.

    Args:
        matrices: ``(2, cells, cells)`` in [-1, 1], cells of 0.25 s.
    """
    figure = dark_figure(*MATRIX_SIZE)
    seconds = matrices.shape[1] * CELL_SECONDS
    for place, (name, matrix) in enumerate(zip(("chroma", "timbre"), matrices, strict=True)):
        axes = figure.add_axes((0.085 + 0.49 * place, 0.15, 0.405, 0.72), facecolor=GROUND)
        axes.imshow(
            np.ma.masked_invalid(matrix),
            origin="lower",
            interpolation="nearest",
            cmap=mpl.colormaps["magma"],
            vmin=-0.5,
            vmax=1,
            extent=(0, seconds, 0, seconds),
        )
        axes.set_title(name, fontsize=9, family=FONT, color=INK, pad=4)
        axes.set_xlabel("seconds", fontsize=8, family=FONT, color=QUIET_INK, labelpad=1)
    return draw_png(figure, colors=COLOURS)


def roll_png(notes: Sequence[Note], seconds: float) -> bytes:
    """A piano roll of so many seconds; a stronger note is brighter."""
    figure = dark_figure(*ROLL_SIZE)
    axes = figure.add_axes((0.085, 0.17, 0.895, 0.79), facecolor=GROUND)
    colours = mpl.colormaps["magma"]
    axes.barh(
        [note.pitch for note in notes],
        [note.end - note.start for note in notes],
        left=[note.start for note in notes],
        height=0.9,
        color=[colours(0.35 + 0.6 * note.strength) for note in notes],
    )
    axes.set_xlim(0, seconds)
    axes.set_ylim(LOWEST - 1, HIGHEST + 1)
    octaves = range(24, HIGHEST, 12)
    axes.set_yticks(list(octaves), [f"C{pitch // 12 - 1}" for pitch in octaves])
    axes.grid(axis="y", color=QUIET_INK, alpha=0.2, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel("seconds", fontsize=8, family=FONT, color=QUIET_INK, labelpad=1)
    return draw_png(figure, colors=COLOURS)


def score_png(
    roll: npt.NDArray[np.floating], spectrograms: Mapping[str, npt.NDArray[np.floating]], seconds: float
) -> bytes:
    """A score's roll over mel spectrograms of the same frames.

    Args:
        roll: ``(frames, 176)``, keys that are struck before those that are held; see :mod:`descant.scores.roll`.
        spectrograms: log magnitudes ``(frames, bands)`` by what they are called.
        seconds: of the frames.
    """
    figure, names = dark_figure(*SCORE_SIZE), ["score", *spectrograms]
    keys = HIGHEST - LOWEST + 1
    held, struck = roll[:, keys:], roll[:, :keys]
    # what is held is seen at half of its velocity, so that onsets stand out
    panels = [np.maximum(0.5 * held, struck), *spectrograms.values()]
    height, loudest = 0.88 / len(panels), max(float(one.max()) for one in spectrograms.values())
    for place, (name, panel) in enumerate(zip(names, panels, strict=True)):
        bottom = 0.1 + height * (len(panels) - 1 - place)
        axes = figure.add_axes((0.075, bottom, 0.9, height - 0.03), facecolor=GROUND)
        low, high = (0.0, 1.0) if not place else (loudest - MEL_RANGE, loudest)
        axes.imshow(
            panel.T,
            origin="lower",
            aspect="auto",
            interpolation="nearest",
            cmap=mpl.colormaps["magma"],
            vmin=low,
            vmax=high,
            extent=(0, seconds, 0, panel.shape[1]),
        )
        axes.text(0.006, 0.94, name, transform=axes.transAxes, fontsize=8, family=FONT, color=INK, va="top")
        axes.set_yticks([])
        if place < len(panels) - 1:
            axes.set_xticks([])
    figure.axes[-1].set_xlabel("seconds", fontsize=8, family=FONT, color=QUIET_INK, labelpad=1)
    return draw_png(figure, colors=COLOURS)
