"""The transformer: the exact set of steps that it sees, no future among them; fresh weights say nothing."""

import math

import pytest
import torch
from small_transformers import BLOCK, REACH, looked_at, strong
from torch import Tensor

from descant.layers.attention import WAYS
from descant.layers.bits import bits_per_step
from descant.layers.conditions import TIMING_BINS, Conditioner, Timing
from descant.layers.transformer import Transformer


def reached(layers: int, time: int) -> Tensor:
    """Bool ``(time, time)``: inputs that each output depends on, the layers' ways one upon another."""
    seen = torch.eye(time)
    for number in range(layers):
        ways = looked_at(WAYS[number % len(WAYS)], time, BLOCK, REACH).float() + torch.eye(time)
        seen = (ways @ seen > 0).float()
    return seen > 0


@pytest.mark.parametrize("layers", [1, 2, 3, 4, 6])
def test_the_network_sees_exactly_what_its_layers_reach(layers: int) -> None:
    time = 5 * BLOCK
    network = strong(layers, conditioned=True).double()
    steps = torch.randint(11, (1, time))
    # what is added to a step's input tells that input from all others
    added = torch.randn(1, time, 12, dtype=torch.float64, requires_grad=True)
    expected = reached(layers, time)
    for at in range(time):
        (gradient,) = torch.autograd.grad(network(steps, added)[0, at].square().sum(), added)
        seen = gradient[0].abs().amax(-1) > 0
        assert torch.equal(seen, expected[at]), f"step {at}"


def test_three_ways_together_reach_every_step_of_two_blocks_and_more() -> None:
    """One round of the three ways: all of the block before, and through its columns what lies before that."""
    seen = reached(3, 5 * BLOCK)
    assert seen[-1, 3 * BLOCK :].all() and seen[-1, BLOCK : 3 * BLOCK].all()
    assert not torch.triu(seen, 1).any()


@pytest.mark.parametrize("time", [1, 3, 4, 5, 19, 40])
def test_logits_depend_on_earlier_steps_alone_at_any_length(time: int) -> None:
    network, steps = strong(), torch.randint(11, (2, 40), generator=torch.Generator().manual_seed(1))
    whole = network(steps)
    torch.testing.assert_close(network(steps[:, :time]), whole[:, :time])
    changed = steps.clone()
    changed[:, time - 1] = (changed[:, time - 1] + 1) % 11
    assert torch.equal(network(changed)[:, :time], whole[:, :time])
    assert time == 40 or not torch.equal(network(changed)[:, time], whole[:, time])


def test_fresh_weights_give_the_bits_of_a_uniform_draw() -> None:
    torch.manual_seed(0)
    network, steps = Transformer(2048, 16, 3, 2, 8, 16, 8, 4), torch.randint(2048, (2, 32))
    bits = bits_per_step(network(steps), steps).detach()
    assert f"{float(bits.mean()):.3f}" == "11.000"
    assert float(bits.mean()) == pytest.approx(math.log2(2048), abs=1e-5)


def test_it_learns_what_lies_a_block_back() -> None:
    """A sequence of random blocks, each played twice: the second time costs nothing once the way back is found."""
    torch.manual_seed(0)
    block = 8
    network = Transformer(16, 32, 3, 2, 16, 64, block, 4)
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
    numbers = torch.Generator().manual_seed(1)
    for _ in range(150):
        first = torch.randint(16, (32, 1, block), generator=numbers)
        steps = first.expand(-1, 2, -1).flatten(1)
        bits = bits_per_step(network(steps), steps)
        optimizer.zero_grad()
        bits[:, block:].mean().backward()
        optimizer.step()
    assert float(bits[:, block:].detach().mean()) < 1


def test_a_conditioner_s_reach_is_exact() -> None:
    torch.manual_seed(0)
    ratio, codes = 4, 30
    conditioner = Conditioner(5, 4, 2, 6, ratio).double()
    with torch.no_grad():
        for convolution in (*conditioner.blocks.modules(), *conditioner.upsampling.modules()):
            if isinstance(convolution, torch.nn.Conv1d | torch.nn.ConvTranspose1d):
                # all paths positive, and none of the straight lines' zeros
                convolution.weight.copy_(torch.rand_like(convolution.weight) + 0.1)
    conditioner.embedding.weight.data.abs_()
    rows = conditioner.embedding.weight
    given = torch.randint(5, (1, codes))
    reach, out = conditioner.reach, conditioner(given)
    assert out.shape == (1, codes * ratio, 6)
    seen = set()
    for code in range(codes):
        changed = given.clone()
        changed[0, code] = (given[0, code] + 1) % 5
        moved = (conditioner(changed) - out)[0].abs().amax(-1) > 0
        if moved[15 * ratio : 16 * ratio].any():
            seen.add(code)
    assert rows.requires_grad and seen == set(range(15 - reach.left, 15 + reach.right + 1))


def test_timing_tells_the_beginning_the_end_and_the_length() -> None:
    torch.manual_seed(0)
    timing, positions = Timing(8), torch.tensor([[0.0, 5.0, 59.9]])
    minute, hour = timing(positions, torch.tensor([60.0])), timing(positions, torch.tensor([3600.0]))
    assert minute.shape == (1, 3, 8) and not torch.isclose(minute, hour).all(-1).any()
    last = timing.fraction.weight[TIMING_BINS - 1]
    torch.testing.assert_close(
        minute[0, 2] - timing.length(torch.tensor(41)) - last, timing.position(torch.tensor(41)), rtol=0, atol=1e-5
    )
