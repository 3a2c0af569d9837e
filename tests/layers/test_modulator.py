"""The modulator: as long as its codes, and exactly the reach it reports, the same to both sides."""

import pytest
import torch

from descant.layers.modulator import Modulator


@pytest.mark.parametrize(("kernel", "blocks"), [(1, 2), (3, 0), (3, 1), (3, 3), (5, 2)])
def test_reach_is_exact_and_symmetric(kernel: int, blocks: int) -> None:
    torch.manual_seed(kernel + blocks)
    modulator = Modulator(3, 4, kernel, blocks).double()
    with torch.no_grad():
        for parameter in modulator.parameters():
            # positive weights on positive inputs: no ReLU cuts a path and no two paths cancel
            parameter.copy_(parameter.abs() + 1e-2)
    reach = modulator.reach
    assert reach.left == reach.right == (kernel - 1) // 2 * (2**blocks - 1), "dilations are 1, 2, 4 and so on"
    middle = reach.left + 2
    quantised = torch.rand(1, 2 * middle + 1, 3, dtype=torch.float64, requires_grad=True)
    conditioning = modulator(quantised)
    assert conditioning.shape == (1, 2 * middle + 1, 4)
    (gradient,) = torch.autograd.grad(conditioning[0, middle].sum(), quantised)
    seen = gradient[0].abs().amax(-1).nonzero().flatten().tolist()
    assert seen == list(range(middle - reach.left, middle + reach.right + 1))


def test_conditioning_is_never_negative() -> None:
    torch.manual_seed(0)
    conditioning = Modulator(3, 4, 3, 2)(torch.randn(4, 50, 3))
    assert conditioning.min() == 0 < conditioning.max()
