"""A plan in words."""

from descant.scores.parts import HELD, REST, VOICES, Grid

NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def note_name(pitch: int) -> str:
    """A MIDI pitch as a name; 60 is C4."""
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


def plan_text(measure: int, plan: Grid, voice: int) -> str:
    """What the band plays in a measure, counted from 1: of each voice but the person's what begins, - for a rest."""
    parts = []
    for number, (name, column) in enumerate(zip(VOICES, plan.T.tolist(), strict=True)):
        if number != voice:
            begun = ["-" if token == REST else note_name(token) for token in column if token != HELD]
            parts.append(f"{name} {' '.join(begun) or 'holds'}")
    return f"measure {measure + 1}: {', '.join(parts)}"
