"""ConvNeXt blocks: exactly the reach they report, and the convolution of any library."""

import pytest
import torch
import torch.nn.functional as F

from descant.layers.convnext import ConvNeXt, FrameConvolution


@pytest.mark.parametrize("groups", [1, 6])
def test_a_convolution_over_frames_is_a_convolution(groups: int) -> None:
    torch.manual_seed(1)
    convolution, frames = FrameConvolution(6, 12, groups), torch.randn(2, 20, 6)
    expected = F.conv1d(frames.transpose(1, 2), convolution.weight[:, :, 0], convolution.bias, padding=3, groups=groups)
    torch.testing.assert_close(convolution(frames), expected.transpose(1, 2), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("blocks", [1, 2, 4])
def test_reach_is_exact(blocks: int) -> None:
    torch.manual_seed(blocks)
    trunk = ConvNeXt(3, 4, blocks).double()
    reach, middle = trunk.reach, 20
    assert reach.left == reach.right == 3 * (1 + blocks)
    frames = torch.randn(1, 2 * middle + 1, 3, dtype=torch.float64, requires_grad=True)
    # layer normalisation takes away the sum of all channels
    weights = torch.linspace(1, 2, 4, dtype=torch.float64) ** 2
    (gradient,) = torch.autograd.grad((trunk(frames)[0, middle] * weights).sum(), frames)
    seen = gradient[0].abs().amax(-1).nonzero().flatten().tolist()
    assert seen == list(range(middle - reach.left, middle + reach.right + 1))


def test_fresh_blocks_change_little() -> None:
    torch.manual_seed(3)
    trunk, frames = ConvNeXt(5, 32, 4), torch.randn(1, 50, 5)
    with torch.no_grad():
        before = trunk.start_norm(trunk.start(frames))
        after = trunk.blocks(before)
    assert 0 < float((after - before).std()) < 0.5 * float(before.std())
