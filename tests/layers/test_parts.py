"""Tokens of voices: what sounds, and the head of a softmax and a sigmoid."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from descant.layers.parts import likeliest, note_figures, softmax_and_continue, sounding

CLASSES, HELD, REST = 6, 4, 5


@given(st.lists(st.integers(0, CLASSES - 1), min_size=1, max_size=12))
def test_what_sounds_is_the_last_that_began(tokens: list[int]) -> None:
    expected, last = [], CLASSES
    for token in tokens:
        last = last if token == HELD else token
        expected.append(last)
    found = sounding(torch.tensor(tokens)[None, :, None].expand(2, -1, 3), CLASSES)
    assert found.shape == (2, len(tokens), 3) and found[1, :, 2].tolist() == expected


@given(st.lists(st.floats(-20, 20), min_size=CLASSES, max_size=CLASSES))
def test_the_head_is_a_distribution_whose_two_parts_are_the_losses_of_the_thesis(values: list[float]) -> None:
    outputs = torch.tensor(values, dtype=torch.float64)
    said = softmax_and_continue(outputs)
    assert float(said.exp().sum()) == pytest.approx(1)
    held = torch.sigmoid(outputs[HELD])
    notes = torch.softmax(outputs[[0, 1, 2, 3, REST]], -1)
    assert float(said[HELD].exp()) == pytest.approx(float(held))
    # binary cross-entropy of no continuation, and categorical cross-entropy of the note or the rest
    for place, token in enumerate([0, 1, 2, 3, REST]):
        expected = float(torch.log1p(-held) + notes[place].log())
        assert float(said[token]) == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_a_note_is_held_from_a_half_on_and_else_the_likeliest_begins() -> None:
    half = torch.tensor([[0.3, 0.1, 0.05, 0.05, 0.5, 0.0], [0.2, 0.1, 0.1, 0.1, 0.45, 0.05], [0, 0, 0, 0.1, 0.3, 0.6]])
    assert likeliest(half.log()).tolist() == [HELD, 0, REST]


def test_figures_of_notes_count_what_begins_apart() -> None:
    tokens, said = torch.tensor([[0, HELD, HELD, REST]]), torch.tensor([[0, HELD, 2, HELD]])
    figures = {name: float(value) for name, value in note_figures(tokens, said, CLASSES).items()}
    assert figures == {"accuracy_changed": 0.5, "accuracy": 0.5, "accuracy_holding": 0.5}
    always = note_figures(tokens, torch.full_like(tokens, HELD), CLASSES)
    assert float(always["accuracy_changed"]) == 0 and always["accuracy"] == always["accuracy_holding"]
