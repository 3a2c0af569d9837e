"""The encoder: one query a hop, and exactly the reach it reports."""

import pytest
import torch
from torch import Tensor, nn

from descant.layers.encoder import Encoder

CLASSES = 7


def all_positive(module: nn.Module) -> None:
    """Make every weight positive, so that no ReLU cuts a path and no two paths cancel: zero means no path at all."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(parameter.abs() + 1e-2)


def build(hop: int, kernel: int = 3, blocks_per_stage: int = 1, blocks: int = 1) -> Encoder:
    torch.manual_seed(hop)
    return Encoder(CLASSES, hop, 3, kernel, blocks_per_stage, blocks, 2, "embedding").double()


@pytest.mark.parametrize("hop", [2, 4, 8, 16, 32, 64])
def test_a_query_for_every_hop(hop: int) -> None:
    encoder = build(hop)
    for codes in (1, 2, 5):
        with torch.no_grad():
            assert encoder(torch.randint(CLASSES, (2, codes * hop))).shape == (2, codes, 2)


@pytest.mark.parametrize(
    ("hop", "kernel", "blocks_per_stage", "blocks"),
    [(2, 3, 0, 0), (2, 3, 1, 1), (4, 3, 2, 2), (8, 5, 1, 1), (8, 1, 2, 2), (16, 3, 1, 0), (64, 3, 0, 1)],
)
def test_reach_is_exact(hop: int, kernel: int, blocks_per_stage: int, blocks: int) -> None:
    encoder = build(hop, kernel, blocks_per_stage, blocks)
    all_positive(encoder)
    reach = encoder.reach
    side = -(-max(reach.left, reach.right) // hop) + 1
    middle, codes = side, 2 * side + 1
    embedded: list[Tensor] = []

    def keep(module: nn.Module, inputs: object, output: Tensor) -> None:
        output.retain_grad()
        embedded.append(output)

    encoder.embedding.register_forward_hook(keep)
    encoder(torch.randint(CLASSES, (1, codes * hop)))[0, middle].sum().backward()
    gradient = embedded[0].grad
    assert gradient is not None
    seen = gradient[0].abs().amax(-1).nonzero().flatten().tolist()
    assert seen == list(range(middle * hop - reach.left, middle * hop + reach.right + 1))


@pytest.mark.parametrize("hop", [2, 8])
def test_no_step_outside_the_reach_changes_a_query(hop: int) -> None:
    encoder = build(hop)
    reach = encoder.reach
    codes = 2 * (-(-max(reach.left, reach.right) // hop) + 1) + 1
    steps = torch.randint(CLASSES, (1, codes * hop))
    with torch.no_grad():
        before = encoder(steps)[0]
        for changed in range(codes * hop):
            other = steps.clone()
            other[0, changed] = (other[0, changed] + 1) % CLASSES
            for code in (encoder(other)[0] != before).any(-1).nonzero().flatten().tolist():
                assert code * hop - reach.left <= changed <= code * hop + reach.right


def test_the_reach_covers_the_whole_hop() -> None:
    for hop in (2, 4, 64):
        bare = build(hop, blocks_per_stage=0, blocks=0)
        assert bare.reach.right >= hop - 1
        assert bare.reach.left >= 0


def test_normalised_queries_have_mean_nought_and_deviation_one_over_the_batch() -> None:
    torch.manual_seed(0)
    encoder = Encoder(CLASSES, 4, 6, 3, 1, 1, 5, "embedding", normalise=True)
    steps = torch.randint(CLASSES, (8, 128))
    with torch.no_grad():
        queries = encoder.train()(steps).flatten(0, 1)
        torch.testing.assert_close(queries.mean(0), torch.zeros(5), rtol=0, atol=1e-4)
        torch.testing.assert_close(queries.var(0, correction=0), torch.ones(5), rtol=0, atol=0.05)


def test_when_evaluated_a_normalised_query_depends_on_its_own_sequence_only() -> None:
    torch.manual_seed(0)
    encoder = Encoder(CLASSES, 4, 6, 3, 1, 1, 5, "embedding", normalise=True).double()
    steps = torch.randint(CLASSES, (8, 128))
    with torch.no_grad():
        for _ in range(3):
            encoder.train()(steps)
        encoder.eval()
        before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
        torch.testing.assert_close(encoder(steps)[2:3], encoder(steps[2:3]), rtol=0, atol=1e-12)
    assert all(torch.equal(tensor, before[name]) for name, tensor in encoder.state_dict().items())
