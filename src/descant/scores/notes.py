"""Notes, whatever file they come from: what is played, when, on what."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

PIANO = 0
# General MIDI has programs 0 to 127; percussion, which has none, is one more, as in MT3 (Gardner et al. 2022)
PERCUSSION = 128


@dataclass(frozen=True, order=True, slots=True)
class Note:
    """One note as it sounds: a key pressed and let go, or let go by the pedal.

    Attributes:
        onset: seconds.
        pitch: MIDI number, 0 to 127.
        end: seconds.
        velocity: 1 to 127.
        program: General MIDI program, 0 to 127, or :data:`PERCUSSION`.
        voice: number of the part that it is written in, from 0.
        onset_quarters: the onset in score time, quarter notes from the beginning.
        end_quarters: the end in score time.
    """

    onset: float
    pitch: int
    end: float
    velocity: int
    program: int = PIANO
    voice: int = 0
    onset_quarters: float = 0.0
    end_quarters: float = 0.0


def resolve_unisons(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Let one key of one instrument do one thing at a time, as on a keyboard.

    Of notes on one key that begin together the longest stays, as loud as the loudest; a note still held when its
    key is struck again ends there.

    Args:
        notes: in any order.

    Returns:
        Notes in order of onset, none overlapping another of its program and pitch, none of length 0.
    """
    keys: dict[tuple[int, int], list[Note]] = {}
    for note in sorted(notes):
        key = keys.setdefault((note.program, note.pitch), [])
        if key and key[-1].onset == note.onset:
            # sorted by their ends, the later note is the longer one
            key[-1] = replace(note, velocity=max(key[-1].velocity, note.velocity))
        else:
            if key and key[-1].end > note.onset:
                key[-1] = replace(key[-1], end=note.onset, end_quarters=note.onset_quarters)
            key.append(note)
    return tuple(sorted(note for key in keys.values() for note in key if note.end > note.onset))


def on_one_program(notes: Iterable[Note], program: int) -> tuple[Note, ...]:
    """All pitched notes on one General MIDI program; percussion is left out, as it has no pitch to play there.

    Args:
        notes: in any order.
        program: 0 to 127.

    Returns:
        Notes as :func:`resolve_unisons` leaves them.
    """
    return resolve_unisons(replace(note, program=program) for note in notes if note.program != PERCUSSION)


def program_name(program: int) -> str:
    """What General MIDI calls a program; percussion has no program, and no name."""
    if program == PERCUSSION:
        return ""
    # slow to import, and only names are wanted
    from pretty_midi import program_to_instrument_name

    return str(program_to_instrument_name(program))


def piece_digest(notes: Iterable[Note]) -> str:
    """Name a piece by what is written in it, whatever plays it, however loud and how fast.

    Args:
        notes: in order of onset.

    Returns:
        16 hexadecimal digits of sha256 over the onsets in score time, to a thousandth of a quarter, and the pitches.
    """
    written = sorted({(round(note.onset_quarters * 1000), note.pitch) for note in notes if note.program != PERCUSSION})
    # a score for percussion alone has nothing else
    written = written or sorted({(round(note.onset_quarters * 1000), note.pitch) for note in notes})
    return hashlib.sha256(repr(written).encode()).hexdigest()[:16]
