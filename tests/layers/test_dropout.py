"""Dropout draws from the generator that it is given, and keeps the mean."""

import pytest
import torch

from descant.layers.dropout import Dense, dropped
from descant.training.noise import torch_generator


def test_values_are_dropped_or_scaled_up() -> None:
    kept = dropped(torch.ones(10000), 0.25, torch_generator("n"))
    assert sorted(set(kept.tolist())) == pytest.approx([0, 4 / 3])
    assert float(kept.mean()) == pytest.approx(1, abs=0.03)


def test_the_same_generator_drops_the_same_and_none_drops_nothing() -> None:
    layers, read = Dense(3, (8, 4), 0.5), torch.randn(6, 3)
    torch.manual_seed(1)
    first = layers(read, torch_generator("n"))
    torch.manual_seed(2)
    assert torch.equal(layers(read, torch_generator("n")), first)
    assert not torch.equal(layers(read, torch_generator("other")), first)
    assert torch.equal(layers(read, None), layers(read, None)) and layers(read, None).shape == (6, 4)
