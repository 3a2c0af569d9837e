"""The losses that know of music against numbers worked by hand."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from descant.layers.music_losses import begun, interval_loss, pitch_classes, rhythm_loss, scale_loss

PITCHES = 128


def notes(*begins: tuple[int, int, int, float], steps: int = 4, voices: int = 2) -> Tensor:
    """Probabilities of step, voice and pitch ``(1, steps, voices, 128)``."""
    said = torch.zeros(1, steps, voices, PITCHES)
    for step, voice, pitch, probability in begins:
        said[0, step, voice, pitch] = probability
    return said


def test_octaves_are_folded() -> None:
    # the thesis's evaluation folds along the wrong axis
    assert pitch_classes(notes((0, 0, 0, 1), (0, 0, 12, 2), (0, 0, 127, 5))[0, 0, 0]).tolist() == [
        3.0,
        *[0] * 6,
        5,
        *[0] * 4,
    ]


def test_held_notes_and_rests_begin_no_pitch() -> None:
    assert begun(torch.tensor([3, 128, 129]), 130).argmax(-1).tolist() == [3, 0, 0]
    assert begun(torch.tensor([3, 128, 129]), 130).sum(-1).tolist() == [1, 0, 0]


def test_the_scale_loss_rewards_classes_that_are_there_and_costs_for_others() -> None:
    true = notes((0, 0, 60, 1), (1, 1, 72, 1), (2, 0, 67, 1))
    # C and G are there, C# is not, whatever the octave and the place: -0.5 - 0.25 + 0.125, of 8 tokens
    said = notes((3, 1, 48, 0.5), (0, 0, 7, 0.25), (1, 0, 61, 0.125))
    assert float(scale_loss(said, true)) == pytest.approx((-0.5 - 0.25 + 0.125) / 8)


def test_the_rhythm_loss_rewards_places_where_something_begins_in_any_voice() -> None:
    true = notes((0, 0, 60, 1), (0, 1, 64, 1), (2, 1, 67, 1))
    said = notes((0, 1, 1, 0.5), (2, 0, 2, 0.25), (3, 0, 60, 0.125))
    assert float(rhythm_loss(said, true)) == pytest.approx((-0.5 - 0.25 + 0.125) / 8)


@pytest.mark.parametrize(("other", "interval"), [(61, 1), (59, 1), (73, 1), (62, 2), (46, 2), (66, 6), (54, 6)])
def test_the_harmony_loss_finds_intervals_across_voices_and_octaves(other: int, interval: int) -> None:
    said = notes((0, 0, 60, 0.5), (0, 1, other, 0.5))
    for semitones in (1, 2, 6):
        # a tritone is found from both of its notes
        expected = (0.25 if semitones != 6 else 0.5) / 4 if semitones == interval else 0
        assert float(interval_loss(said, semitones)) == pytest.approx(expected)


def test_the_harmony_loss_lets_pass_what_never_begins_together() -> None:
    # the thesis's code sums over the measure first, and finds a semitone here
    assert float(interval_loss(notes((0, 0, 60, 1), (1, 1, 61, 1)), 1)) == 0


@given(st.integers(0, 115), st.integers(0, 11))
def test_harmony_is_the_same_in_every_key(pitch: int, interval: int) -> None:
    both = (interval_loss(notes((0, 0, at, 1), (0, 1, at + interval, 1)), 1) for at in (pitch, 0))
    assert float(next(both)) == float(next(both))
