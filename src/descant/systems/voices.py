"""What a model of music in voices asks of the sequence that it learns."""

from descant.errors import SequenceError
from descant.modelfacts import Input


def voices_and_classes(parts: Input) -> tuple[int, int]:
    """How many voices a sequence has, and how many classes its tokens.

    Raises:
        SequenceError: when it has no voices, or no pitch beside what is held on and what rests.
    """
    if parts.channels < 1 or parts.classes < 3:
        raise SequenceError(
            f"sequence {parts.name} has {parts.channels} voices and {parts.classes} classes, no music in voices",
            "give the sequence `parts` of a corpus of scores",
        )
    return parts.channels, parts.classes
