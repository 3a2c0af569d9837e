"""Bits: what a model that knows nothing scores, and the meaning of the logarithm."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from descant.config.networks import WaveNetShape
from descant.layers.bits import LOG2, bits_per_step
from descant.systems.base import STEPS
from descant.systems.wavenet import WaveNetSystem


def test_a_uniform_model_scores_eight_bits() -> None:
    bits = bits_per_step(torch.zeros(3, 50, 256), torch.randint(256, (3, 50)))
    assert bits.shape == (3, 50)
    torch.testing.assert_close(bits, torch.full((3, 50), 8.0), rtol=0, atol=1e-6)


@given(classes=st.integers(2, 20), seed=st.integers(0, 2**31))
def test_two_to_the_minus_bits_sums_to_one_over_the_classes(classes: int, seed: int) -> None:
    logits = 3 * torch.randn(1, 1, classes, generator=torch.Generator().manual_seed(seed))
    bits = bits_per_step(logits.expand(1, classes, classes), torch.arange(classes)[None])
    assert float((-bits.double() * LOG2).exp().sum()) == pytest.approx(1, abs=1e-5)


def test_the_loss_is_the_bits_in_nats(tiny_shape: Callable[..., WaveNetShape]) -> None:
    torch.manual_seed(0)
    system = WaveNetSystem(tiny_shape(), 16)
    windows = torch.randint(16, (2, 20))
    result = system({STEPS: windows}, torch.Generator())
    logits = system.wavenet(windows).detach()
    log_probabilities = torch.log_softmax(logits.double(), -1).gather(-1, windows[..., None])
    assert result.loss.item() == pytest.approx(-float(log_probabilities.mean()), rel=1e-5)
    assert float(result.metrics["bits"]) == pytest.approx(result.loss.item() / LOG2, rel=1e-6)
    assert not result.metrics["bits"].requires_grad
