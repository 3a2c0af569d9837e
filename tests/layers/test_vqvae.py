"""A level's encoder and decoder: shapes, exactly what each output depends on, and translation by a hop."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from descant.layers.vqvae import WaveformDecoder, WaveformEncoder

SHAPES = [(2, 1, 1), (4, 2, 3), (8, 2, 2), (16, 3, 3), (32, 1, 3)]


def built(kind: type[nn.Module], hop: int, depth: int, growth: int) -> nn.Module:
    torch.manual_seed(hop + depth)
    module = kind(hop, 6, depth, growth, 4).double()
    # fresh blocks are the identity, and rectifiers shut at random: both would hide what a trained one can see
    for parameter in module.parameters():
        nn.init.uniform_(parameter, 0.01, 0.1)
    return module


def waveform(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def touched(gradient: Tensor) -> tuple[int, int]:
    """First and last place whose gradient is not zero, of ``(time,)`` or ``(time, channels)``."""
    places = gradient.reshape(len(gradient), -1).abs().sum(1).nonzero()[:, 0]
    return int(places.min()), int(places.max())


@given(hop=st.sampled_from([2, 4, 16, 64]), vectors=st.integers(1, 9), batch=st.integers(1, 3))
def test_a_hop_of_samples_is_one_vector(hop: int, vectors: int, batch: int) -> None:
    encoded = WaveformEncoder(hop, 4, 1, 3, 5)(torch.zeros(batch, vectors * hop))
    assert encoded.shape == (batch, vectors, 5)
    assert WaveformDecoder(hop, 4, 1, 3, 5)(encoded).shape == (batch, vectors * hop)


@pytest.mark.parametrize(("hop", "depth", "growth"), SHAPES)
def test_a_vector_sees_its_reach_and_nothing_beyond(hop: int, depth: int, growth: int) -> None:
    encoder = built(WaveformEncoder, hop, depth, growth)
    reach = encoder.reach
    assert reach.left > 0
    place = -(-reach.left // hop) + 1
    samples = (place + 2 + -(-reach.right // hop)) * hop
    audio = waveform(1, samples).requires_grad_()
    encoder(audio)[0, place].sum().backward()
    assert audio.grad is not None
    first, last = touched(audio.grad[0])
    assert (place * hop - first, last - place * hop) == (reach.left, reach.right)


@pytest.mark.parametrize(("hop", "depth", "growth"), SHAPES)
def test_samples_depend_on_the_vectors_within_reach(hop: int, depth: int, growth: int) -> None:
    decoder = built(WaveformDecoder, hop, depth, growth)
    reach = decoder.reach
    place = reach.left + 1
    vectors = waveform(1, place + reach.right + 2, 4).requires_grad_()
    decoder(vectors)[0, place * hop : (place + 1) * hop].sum().backward()
    assert vectors.grad is not None
    first, last = touched(vectors.grad[0])
    # never more, and at most one vector less than what is stated
    assert place - reach.left <= first <= place - reach.left + 1
    assert place + reach.right - 1 <= last <= place + reach.right


@pytest.mark.parametrize(("hop", "depth", "growth"), SHAPES)
def test_a_hop_later_is_one_vector_later(hop: int, depth: int, growth: int) -> None:
    encoder, decoder = (built(kind, hop, depth, growth) for kind in (WaveformEncoder, WaveformDecoder))
    count = 2 * (decoder.reach.left + -(-max(encoder.reach.left, encoder.reach.right) // hop)) + 6
    audio = waveform(1, (count + 1) * hop)
    # away from the edges, where zeros stand for what is not there
    edge = -(-max(encoder.reach.left, encoder.reach.right) // hop) + 1
    early, late = encoder(audio[:, hop:]), encoder(audio[:, :-hop])
    torch.testing.assert_close(late[:, edge + 1 : -edge], early[:, edge : -edge - 1])
    vectors = waveform(1, count + 1, 4)
    early, late, edge = decoder(vectors[:, 1:]), decoder(vectors[:, :-1]), hop * (decoder.reach.left + 1)
    torch.testing.assert_close(late[:, edge + hop : -edge], early[:, edge : -edge - hop])


def test_fresh_blocks_are_the_identity_and_the_decoder_mirrors_the_encoder() -> None:
    encoder, decoder = WaveformEncoder(8, 6, 3, 3, 4), WaveformDecoder(8, 6, 3, 3, 4)
    hidden = torch.randn(1, 6, 20)
    for stage in (*encoder.stages, *decoder.stages):
        torch.testing.assert_close(stage(hidden), hidden)
    dilations = [
        [block.dilated.dilation[0] for block in stage]  # type: ignore[union-attr]
        for stage in (encoder.stages[0], decoder.stages[0])
    ]
    assert dilations == [[1, 3, 9], [9, 3, 1]]
