"""Key of pitch classes: a published profile is its own key."""

import music21
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.scores.key import MAJOR, MINOR, NAMES, find_key, sharps_of, spelled


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


@pytest.mark.parametrize("name", NAMES)
def test_signatures_and_spellings_are_those_of_another_library(name: str) -> None:
    tonic, mode = name.split()
    oracle = music21.key.Key(tonic.replace("♯", "#").replace("♭", "-"), mode)
    sharps = sharps_of(name)
    # G sharp major, which has 8 sharps, is written as A flat
    assert (sharps - oracle.sharps) % 12 == 0 and -6 <= sharps <= 5
    written = {pitch.name for pitch in music21.key.KeySignature(sharps).getScale("major").pitches}
    assert written <= {spelled(60 + step, sharps)[0] for step in range(12)}


@given(st.integers(0, 127), st.integers(-6, 5))
def test_a_spelling_is_its_pitch(pitch: int, sharps: int) -> None:
    name, octave = spelled(pitch, sharps)
    assert music21.pitch.Pitch(name, octave=octave).ps == pitch
