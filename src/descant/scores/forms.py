"""The two forms of music in parts, monophonic and polyphonic: what is done alike with the pieces of either."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from descant.config.parts import Form
from descant.scores import parts, polyphony
from descant.scores.parts import PITCHES, Grid, Range

# a grid, or a roll
Piece = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class PartsForm:
    """A form.

    Attributes:
        classes: values of a number of the packed sequence.
        numbers: of these, those of a voice at each step.
        lines: a piece as a grid ``(steps, lines)`` of single notes.
        transposed: a piece, moved by semitones.
        framed: a piece between two measures of silence.
        from_first_note: a piece without the rests that it begins with.
        ranges: of each voice of pieces that have so many.
    """

    classes: int
    numbers: int
    lines: Callable[[Piece], Grid]
    transposed: Callable[[Piece, int], Piece]
    framed: Callable[[Piece], Piece]
    from_first_note: Callable[[Piece], Piece]
    ranges: Callable[[Iterable[Piece], int], tuple[Range, ...]]

    def channels(self, voices: int) -> int:
        """Numbers of a step of the packed sequence."""
        return voices * self.numbers

    def unpacked(self, steps: Piece) -> Piece:
        """A piece as it was, of steps ``(steps, channels)`` of the packed sequence."""
        return steps if self.numbers == 1 else steps.reshape(len(steps), -1, self.numbers)


FORMS: Mapping[Form, PartsForm] = {
    "monophonic": PartsForm(
        parts.CLASSES,
        1,
        lambda grid: grid,
        parts.transposed,
        parts.framed,
        parts.from_first_note,
        parts.ranges,
    ),
    "polyphonic": PartsForm(
        polyphony.DURATIONS,
        PITCHES,
        polyphony.lines,
        polyphony.transposed,
        polyphony.framed,
        polyphony.from_first_note,
        polyphony.ranges,
    ),
}


def of_piece(piece: Piece) -> PartsForm:
    """The form of a piece."""
    return FORMS["polyphonic" if piece.ndim == 3 else "monophonic"]


def form_of(classes: int) -> Form:
    """The form of a packed sequence of so many classes."""
    return "polyphonic" if classes == polyphony.DURATIONS else "monophonic"
