import torch
from hypothesis import given
from hypothesis import strategies as st

from descant.layers.film import FiLM, PointEmbedding


@given(st.integers(1, 3), st.integers(1, 5), st.integers(1, 4), st.integers(1, 6))
def test_film_is_a_gain_and_a_shift_of_each_channel(batch: int, time: int, points: int, channels: int) -> None:
    layer = FiLM(points, channels)
    frames, at = torch.randn(batch, time, channels), torch.randn(batch, points)
    gain = at @ layer.gain.weight.T + layer.gain.bias
    shift = at @ layer.shift.weight.T + layer.shift.bias
    expected = torch.stack([gain * frames[:, n] + shift for n in range(time)], dim=1)
    torch.testing.assert_close(layer(frames, at), expected)


def test_fresh_film_passes_what_stands_at_the_origin() -> None:
    frames = torch.randn(2, 3, 4)
    assert torch.equal(FiLM(2, 4)(frames, torch.zeros(2, 2)), frames)


@given(st.integers(1, 6), st.integers(1, 4))
def test_every_name_has_its_point_and_no_name_the_middle(names: int, points: int) -> None:
    embedding = PointEmbedding(names, points)
    found = embedding(torch.arange(names + 1))
    assert torch.equal(found[1:], embedding.table.weight)
    torch.testing.assert_close(found[0], embedding.table.weight.mean(0))


def test_gradients_of_no_name_reach_all_points_and_of_a_name_its_own() -> None:
    embedding = PointEmbedding(4, 2)
    embedding(torch.tensor([3])).sum().backward()
    assert embedding.table.weight.grad is not None
    assert embedding.table.weight.grad.tolist() == [[0, 0], [0, 0], [1, 1], [0, 0]]
    embedding.table.weight.grad.zero_()
    embedding(torch.tensor([0])).sum().backward()
    assert embedding.table.weight.grad.tolist() == [[0.25, 0.25]] * 4
