"""Upsampling: straight lines between inputs at first, exactly the reach it reports, and no input before its place."""

import numpy as np
import pytest
import torch

from descant.layers.upsampling import Upsampling, interpolating


def test_fresh_weights_are_straight_lines_between_mixtures() -> None:
    torch.manual_seed(1)
    upsampling, frames = Upsampling(5, 3, (8,)).double(), torch.randn(1, 7, 5, dtype=torch.float64)
    (convolution,) = upsampling.convolutions
    with torch.no_grad():
        given = upsampling(frames)[0].numpy()
        # an input's own place is a stride after the beginning of its window
        mixed = torch.einsum("tc,co->to", frames[0], convolution.weight[..., 8]).numpy()
    places = np.arange(7 * 8) / 8
    for channel in range(3):
        # after the last input come zeros
        line = np.interp(places, np.arange(8), [*mixed[:, channel], 0.0])
        np.testing.assert_allclose(given[:, channel], line, atol=1e-6)


def test_fresh_mixtures_keep_the_variance() -> None:
    torch.manual_seed(2)
    with torch.no_grad():
        mixed = torch.randn(2000, 64) @ interpolating(64, 48, 4).weight[..., 4]
    assert float(mixed.std()) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("strides", [(2,), (16,), (8, 16), (16, 8), (2, 2), (2, 3, 4)])
def test_reach_is_exact(strides: tuple[int, ...]) -> None:
    torch.manual_seed(len(strides))
    upsampling = Upsampling(2, 3, strides).double()
    with torch.no_grad():
        for parameter in upsampling.parameters():
            # positive everywhere: no two paths cancel
            parameter.copy_(parameter.abs() + 1e-2)
    frames, middle, rate = torch.rand(1, 9, 2, dtype=torch.float64, requires_grad=True), 4, upsampling.rate
    vectors = upsampling(frames)
    assert rate == np.prod(strides) and vectors.shape == (1, 9 * rate, 3)
    (gradient,) = torch.autograd.grad(vectors[0, middle * rate : (middle + 1) * rate].sum(), frames)
    seen = gradient[0].abs().amax(-1).nonzero().flatten().tolist()
    reach = upsampling.reach
    assert seen == list(range(middle - reach.left, middle + reach.right + 1))
    assert upsampling.convolutions[0].weight.shape[2] == 2 * strides[0]
