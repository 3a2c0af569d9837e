"""What a model of music in voices asks of the sequence that it learns."""

from descant.errors import SequenceError
from descant.modelfacts import Input
from descant.scores.parts import PITCHES
from descant.scores.polyphony import DURATIONS


def voices_and_classes(parts: Input) -> tuple[int, int]:
    """How many voices a sequence has, and how many classes its tokens.

    Raises:
        SequenceError: when it has no voices, no pitch beside what is held on and what rests, or is polyphonic.
    """
    if parts.channels < 1 or parts.classes < 3:
        raise SequenceError(
            f"sequence {parts.name} has {parts.channels} voices and {parts.classes} classes, no music in voices",
            "give the sequence `parts` of a corpus of scores",
        )
    if parts.classes == DURATIONS:
        raise SequenceError(
            f"sequence {parts.name} is polyphonic, but this network learns voices of one note at a time",
            "set parts.form to monophonic, or train a network of the kind rmvae",
        )
    return parts.channels, parts.classes


def polyphonic_voices(parts: Input) -> int:
    """How many voices a polyphonic sequence has.

    Raises:
        SequenceError: when it has none, or a voice lacks some of MIDI's pitches.
    """
    if parts.channels < PITCHES or parts.channels % PITCHES:
        raise SequenceError(
            f"sequence {parts.name} has {parts.channels} channels, which are no voices of {PITCHES} pitches",
            "give the sequence `parts` of a corpus of scores",
        )
    return parts.channels // PITCHES
