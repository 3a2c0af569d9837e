"""A plan is printed as a person reads it."""

import numpy as np
import pytest

from descant.band.wording import note_name, plan_text
from descant.scores.parts import HELD, MEASURE, REST


@pytest.mark.parametrize(("pitch", "name"), [(60, "C4"), (69, "A4"), (0, "C-1"), (127, "G9"), (61, "C#4")])
def test_pitches_have_their_names(pitch: int, name: str) -> None:
    assert note_name(pitch) == name


def test_a_plan_says_what_begins_in_each_voice_but_the_persons() -> None:
    plan = np.full((MEASURE, 4), HELD, np.uint8)
    plan[0] = 72, 67, HELD, REST
    plan[8, 3] = 48
    assert plan_text(4, plan, 0) == "measure 5: alto G4, tenor holds, bass - C3"
