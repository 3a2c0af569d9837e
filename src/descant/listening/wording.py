"""What the page asks, in our words; the ends of the scales mean what they mean in SaShiMi's test of the same kind."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """A question with its answers, lowest first.

    Attributes:
        name: as stored.
        title: its heading.
        question: what to attend to.
        answers: in words, for the values from 1 on.
    """

    name: str
    title: str
    question: str
    answers: tuple[str, ...]


FIDELITY = Scale(
    "fidelity",
    "Fidelity",
    "How clean is the sound? Think of a bad telephone line at one end and of a studio recording at the other. "
    "Whether you like the music does not matter here.",
    (
        "Bad: noise covers the music",
        "Poor: much noise or distortion",
        "Fair: clearly disturbed",
        "Good: slightly disturbed",
        "Excellent: clear sound",
    ),
)
MUSICALITY = Scale(
    "musicality",
    "Musicality",
    "How much does it behave like music? Does it hold together from one moment to the next, or does it wander and "
    "break off in odd ways? How clean it sounds does not matter here.",
    ("Not at all", "Slightly", "Moderately", "Very", "Extremely: like a composed piece"),
)
PREFERENCE = Scale(
    "preference",
    "Preference",
    "Which of the two is better, as a recording of music? Where they seem equal, go by your first impression.",
    ("The first clip", "The second clip"),
)
SCALES = {scale.name: scale for scale in (FIDELITY, MUSICALITY, PREFERENCE)}
