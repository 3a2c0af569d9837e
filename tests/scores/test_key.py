"""Key of pitch classes: a published profile is its own key."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.scores.key import MAJOR, MINOR, NAMES, find_key


@given(st.integers(0, 11), st.booleans(), st.floats(0.1, 10), st.floats(0, 5))
def test_a_profile_is_its_own_key_however_loud(tonic: int, minor: bool, gain: float, floor: float) -> None:
    key = find_key(gain * np.roll(MINOR if minor else MAJOR, tonic) + floor)
    assert key is not None and key.name == NAMES[tonic + 12 * minor]
    assert key.strength == pytest.approx(1)


def test_profiles_are_the_published_ones_in_order() -> None:
    # the tonic is rated highest, then the fifth; the tritone of a major key lowest but one
    assert max(MAJOR) == MAJOR[0] == 6.35 and sorted(MAJOR)[-2] == MAJOR[7] and min(MAJOR) == MAJOR[1]
    assert max(MINOR) == MINOR[0] == 6.33 and sorted(MINOR)[-2] == MINOR[3]
    assert sum(MAJOR) == pytest.approx(41.79) and sum(MINOR) == pytest.approx(44.51)
