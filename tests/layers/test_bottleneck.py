"""Bottlenecks against another implementation, against hand-worked numbers, and where each gradient goes."""

import numpy as np
import pytest
import scipy.stats
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from vector_quantize_pytorch import ResidualVQ, VectorQuantize

from descant.layers.bottleneck import (
    ArgmaxQuantisation,
    ContinuousBottleneckLayer,
    ResidualQuantisation,
    VectorQuantisation,
    jitter,
    perplexity,
)


def vector_quantiser(
    classes: int = 8, dim: int = 3, update: str = "ema", decay: float = 0.9, restart_below: float = 0.0
) -> VectorQuantisation:
    torch.manual_seed(0)
    layer = VectorQuantisation(classes, dim, update, 1.5, 0.25, decay, restart_below)
    # most tests are of the updates, not of the first one, which takes the codebook from the data
    layer.initialised.fill_(True)
    return layer


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def oracle_with(layer: VectorQuantisation, commitment: float) -> VectorQuantize:
    """The other implementation in the same state."""
    other = VectorQuantize(
        dim=layer.codebook.shape[1],
        codebook_size=layer.classes,
        decay=layer.ema_decay,
        eps=1e-5,
        commitment_weight=commitment,
        rotation_trick=False,
        threshold_ema_dead_code=0,
    )
    book = other._codebook
    book.embed.copy_(layer.codebook.detach()[None])
    book.embed_avg.copy_(layer.sums[None])
    book.cluster_size.copy_(layer.usage[None])
    return other.train()


@given(
    classes=st.integers(2, 12),
    dim=st.integers(1, 5),
    decay=st.floats(0.1, 0.99),
    scale=st.floats(0.1, 10),
    seed=st.integers(0, 2**31),
)
def test_vq_quantises_and_learns_as_vector_quantize_pytorch(
    classes: int, dim: int, decay: float, scale: float, seed: int
) -> None:
    layer = vector_quantiser(classes, dim, decay=decay)
    other = oracle_with(layer, commitment=0.25)
    for update in range(3):
        queries = scale * torch.randn(3, 7, dim, generator=noise(seed + update))
        ours = layer(queries)
        assert ours.codes is not None
        # an EMA update is shared by both only while they choose alike: a tie within rounding is no finding
        nearest = torch.cdist(queries.flatten(0, 1).double(), layer.codebook.double()).sort(-1).values
        if bool((nearest[:, 1] - nearest[:, 0] < 1e-4 * scale).any()):
            return
        quantised, codes, loss = other(queries)
        layer.learn(queries, ours.codes, noise())
        assert torch.equal(ours.codes, codes)
        torch.testing.assert_close(ours.quantised, quantised, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(sum(ours.penalties.values()), loss.squeeze(), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(layer.codebook, other._codebook.embed[0], rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(layer.usage, other._codebook.cluster_size[0], rtol=1e-5, atol=1e-6)


def test_use_is_smoothed_as_by_vector_quantize_pytorch() -> None:
    # one query a batch and many classes: here the smoothing is more than rounding
    layer = vector_quantiser(classes=500, decay=0.5)
    other = oracle_with(layer, commitment=0.25)
    for update in range(8):
        query = torch.randn(1, 1, 3, generator=noise(update))
        codes = layer(query).codes
        other(query)
        layer.learn(query, codes, noise())
    torch.testing.assert_close(layer.codebook, other._codebook.embed[0], rtol=1e-5, atol=1e-6)
    plain = layer.sums / layer.usage[:, None]
    assert not torch.allclose(layer.codebook, plain, rtol=1e-4, atol=1e-4)


def test_codes_are_the_nearest_vectors() -> None:
    layer = vector_quantiser(classes=20, dim=4)
    queries = torch.randn(5, 40, 4)
    codes = layer(queries).codes
    assert codes is not None and codes.shape == (5, 40)
    distances = torch.cdist(queries.double(), layer.codebook.double().expand(5, -1, -1))
    torch.testing.assert_close(distances.gather(-1, codes[..., None])[..., 0], distances.amin(-1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("update", ["ema", "loss"])
def test_vq_passes_gradients_straight_to_the_queries(update: str) -> None:
    layer = vector_quantiser(update=update)
    queries = torch.randn(2, 6, 3, requires_grad=True)
    incoming = torch.randn(2, 6, 3)
    bottled = layer(queries)
    assert bottled.codes is not None
    torch.testing.assert_close(bottled.quantised, layer.embed(bottled.codes), rtol=1e-6, atol=1e-6)
    bottled.quantised.backward(incoming)
    assert torch.equal(queries.grad, incoming) if queries.grad is not None else False
    assert layer.codebook.grad is None


def test_commitment_moves_only_queries_and_the_codebook_loss_only_the_codebook() -> None:
    layer = vector_quantiser(update="loss")
    queries = torch.randn(2, 6, 3, requires_grad=True)
    bottled = layer(queries)
    assert bottled.codes is not None
    nearest = layer.embed(bottled.codes).detach()
    count = queries.numel()

    to_queries, to_book = torch.autograd.grad(
        bottled.penalties["commitment"], [queries, layer.codebook], retain_graph=True, allow_unused=True
    )
    torch.testing.assert_close(to_queries, 0.25 * 2 * (queries.detach() - nearest) / count)
    assert to_book is None

    to_queries, to_book = torch.autograd.grad(
        bottled.penalties["codebook"], [queries, layer.codebook], allow_unused=True
    )
    assert to_queries is None
    expected = torch.zeros_like(layer.codebook).index_add(
        0, bottled.codes.flatten(), 1.5 * 2 * (nearest - queries.detach()).flatten(0, 1) / count
    )
    torch.testing.assert_close(to_book, expected.detach())


def test_a_codebook_learnt_by_loss_is_left_alone_by_the_moving_averages() -> None:
    layer = vector_quantiser(update="loss")
    before = layer.codebook.detach().clone()
    queries = torch.randn(2, 6, 3)
    codes = layer(queries).codes
    layer.learn(queries, codes, noise())
    assert torch.equal(layer.codebook.detach(), before)
    assert not torch.equal(layer.usage, torch.ones(8))


def test_the_codebook_settles_on_the_means_of_its_clusters() -> None:
    layer = vector_quantiser(classes=3, dim=2)
    centres = torch.tensor([[4.0, 0.0], [-4.0, 0.0], [0.0, 5.0]])
    layer.codebook.copy_(centres + 0.5)
    layer.sums.copy_(layer.codebook)
    queries = centres.repeat_interleave(10, 0)[None] + 0.1 * torch.randn(1, 30, 2)
    for _ in range(300):
        layer.learn(queries, layer(queries).codes, noise())
    means = queries[0].view(3, 10, 2).mean(1)
    torch.testing.assert_close(layer.codebook, means, rtol=0, atol=1e-4)
    torch.testing.assert_close(layer.usage, torch.full((3,), 10.0), rtol=0, atol=1e-4)


def test_restarts_move_dead_codes_onto_queries_and_leave_the_others() -> None:
    layer = vector_quantiser(classes=6, dim=2, decay=0.5, restart_below=0.2)
    plain = vector_quantiser(classes=6, dim=2, decay=0.5)
    centres = torch.tensor([[1.0, 1.0], [-1.0, 1.0], [9.0, 9.0], [-9.0, 9.0], [9.0, -9.0], [-9.0, -9.0]])
    for one in (layer, plain):
        one.codebook.copy_(centres)
        one.sums.copy_(centres)
    generator = noise(3)
    moved = torch.zeros(6, dtype=torch.bool)
    queries = torch.cat([centres[:2].repeat(8, 1)])[None] + 0.1 * torch.randn(1, 16, 2, generator=noise(4))
    for _ in range(4):
        codes = layer(queries).codes
        plain.codebook.copy_(layer.codebook), plain.sums.copy_(layer.sums), plain.usage.copy_(layer.usage)
        layer.learn(queries, codes, generator)
        plain.learn(queries, codes, generator)
        dead = plain.usage < 0.2 * plain.usage.mean()
        assert not dead[:2].any()
        assert torch.equal(layer.codebook[~dead], plain.codebook[~dead])
        assert torch.equal(layer.usage[~dead], plain.usage[~dead])
        for vector in layer.codebook[dead]:
            assert (queries[0] == vector).all(-1).any()
        # a restarted code starts with an average use, and its mean is where it was put
        assert torch.all(layer.usage[dead] == plain.usage.mean())
        torch.testing.assert_close(layer.sums[dead] / layer.usage[dead, None], layer.codebook[dead])
        moved |= dead
    assert moved[2:].all(), "codes that nothing chose must all have been restarted"
    assert not moved[:2].any()


@pytest.mark.parametrize("update", ["ema", "loss"])
def test_a_fresh_codebook_starts_at_the_queries_once(update: str) -> None:
    layer = vector_quantiser(classes=6, dim=4, update=update)
    layer.initialised.fill_(False)
    # far from where a random codebook lies: all of it would be one code away
    queries = 50 + torch.randn(2, 20, 4, generator=noise(1))
    codes = layer(queries).codes
    assert codes is not None and len(codes.unique()) < 6
    layer.learn(queries, codes, noise(2))
    assert bool(layer.initialised)
    book = layer.codebook.detach().clone()
    assert torch.cdist(book, queries.flatten(0, 1)).amin(1).max() < 0.1 * queries.std() * 4
    assert len(book.unique(dim=0)) == 6, "a query picked twice still makes two codes"
    torch.testing.assert_close(layer.sums / layer.usage[:, None], book)
    layer.learn(queries, layer(queries).codes, noise(3))
    moved = (layer.codebook.detach() - book).abs().max()
    assert moved == 0 if update == "loss" else 0 < moved < 5, "the second time it learns as always"


def test_learning_of_vq_is_a_function_of_its_generator() -> None:
    queries = torch.randn(1, 4, 3, generator=noise(1))
    books = []
    for seed in (5, 5, 6):
        layer = vector_quantiser(decay=0.01, restart_below=0.5)
        layer.learn(queries, layer(queries).codes, noise(seed))
        books.append(layer.codebook.clone())
    assert torch.equal(books[0], books[1])
    assert not torch.equal(books[0], books[2])


def residual_quantiser(count: int = 3, dim: int = 3, restart_below: float = 0.0) -> ResidualQuantisation:
    torch.manual_seed(1)
    parts = [VectorQuantisation(8, dim, "ema", 0.0, 0.25, 0.9, restart_below) for _ in range(count)]
    for number, part in enumerate(parts):
        part.initialised.fill_(True)
        part.codebook *= 0.5**number
    return ResidualQuantisation(parts)


def test_residual_quantisers_are_another_implementation_s() -> None:
    ours = residual_quantiser()
    theirs = ResidualVQ(dim=3, num_quantizers=3, codebook_size=8, rotation_trick=False).eval()
    for part, other in zip(ours.quantisers, theirs.layers, strict=True):
        assert isinstance(part, VectorQuantisation)
        other._codebook.embed.copy_(part.codebook[None])
        other._codebook.initted.fill_(True)
    queries = torch.randn(2, 7, 3, generator=noise(2))
    bottled = ours(queries)
    quantised, codes, _ = theirs(queries)
    assert bottled.codes is not None and torch.equal(bottled.codes, codes)
    torch.testing.assert_close(bottled.quantised, quantised)
    torch.testing.assert_close(ours.embed(codes), quantised)


def test_one_residual_quantiser_is_a_plain_one() -> None:
    both = residual_quantiser(1)
    plain = both.quantisers[0]
    assert isinstance(plain, VectorQuantisation)
    queries = torch.randn(2, 7, 3, generator=noise(2), requires_grad=True)
    residual, single = both(queries), plain(queries)
    torch.testing.assert_close(residual.quantised, single.quantised)
    assert torch.equal(residual.codes[..., 0], single.codes)
    torch.testing.assert_close(residual.penalties, single.penalties)
    (gradient,) = torch.autograd.grad(residual.quantised.sum(), queries)
    assert torch.equal(gradient, torch.ones_like(queries))


def test_each_codebook_learns_from_what_those_before_it_left() -> None:
    layer = residual_quantiser(2)
    first, second = (VectorQuantisation(8, 3, "ema", 0.0, 0.25, 0.9, 0.0) for _ in range(2))
    first.load_state_dict(layer.quantisers[0].state_dict())
    second.load_state_dict(layer.quantisers[1].state_dict())
    queries = torch.randn(4, 20, 3, generator=noise(2))
    left = queries - first(queries).quantised
    layer.learn(queries, layer(queries).codes, noise())
    second.learn(left, second(left).codes, noise())
    first.learn(queries, first(queries).codes, noise())
    for part, alone in zip(layer.quantisers, (first, second), strict=True):
        torch.testing.assert_close(part.state_dict(), alone.state_dict())


def test_a_residual_after_more_quantisers_is_smaller() -> None:
    layer = residual_quantiser(3, restart_below=0.1)
    queries = torch.randn(8, 50, 3, generator=noise(2))
    for step in range(60):
        layer.learn(queries, layer(queries).codes, noise(step))
    codes = layer(queries).codes
    sums = torch.stack([part.embed(codes[..., number]) for number, part in enumerate(layer.quantisers)]).cumsum(0)
    errors = (sums - queries).square().mean((1, 2, 3))
    assert errors[0] > 1.5 * errors[1] > 2.25 * errors[2]


def test_no_code_is_restarted_where_none_may_be() -> None:
    layer, plain = vector_quantiser(restart_below=0.9), vector_quantiser(restart_below=0.0)
    queries = torch.randn(2, 20, 3, generator=noise(2))
    codes = layer(queries).codes
    layer.learn(queries, codes, noise(), restart=False)
    plain.learn(queries, codes, noise())
    torch.testing.assert_close(layer.state_dict(), plain.state_dict())
    layer.learn(queries, codes, noise())
    plain.learn(queries, codes, noise())
    assert not torch.equal(layer.codebook, plain.codebook)


def test_argmax_losses_by_hand() -> None:
    # two queries of three classes; ReLU and division by the sum make (3/4, 1/4, 0) and (0, 1/5, 4/5)
    queries = torch.tensor([[[3.0, 1.0, -2.0], [-1.0, 1.0, 4.0]]])
    bottled = ArgmaxQuantisation(3, commitment=0.5, diversity=2.0)(queries)
    assert bottled.codes is not None and bottled.codes.tolist() == [[0, 2]]
    # squared distances to (1, 0, 0) and (0, 0, 1): 1/16 + 1/16 = 0.125 and 1/25 + 1/25 = 0.08; their mean, halved
    torch.testing.assert_close(bottled.penalties["commitment"], torch.tensor(0.5 * (0.125 + 0.08) / 2))
    # mean use: (0.375, 0.225, 0.4); off 1/3 by 1/24, -13/120, 1/15; squares sum to 0.017917; times nu = 2 and C = 3
    squares = (1 / 24) ** 2 + (13 / 120) ** 2 + (1 / 15) ** 2
    torch.testing.assert_close(bottled.penalties["diversity"], torch.tensor(2.0 * 3 * squares))
    torch.testing.assert_close(bottled.quantised, torch.tensor([[[1.0, 0, 0], [0, 0, 1.0]]]))


def test_argmax_diversity_is_nought_when_every_class_is_used_alike_and_most_when_one_is() -> None:
    layer = ArgmaxQuantisation(4, commitment=0.0, diversity=1.0)
    even = layer(torch.eye(4)[None]).penalties["diversity"]
    torch.testing.assert_close(even, torch.tensor(0.0))
    one = layer(torch.eye(4)[:1].expand(1, 4, 4)).penalties["diversity"]
    torch.testing.assert_close(one, torch.tensor(4 * (0.75**2 + 3 * 0.25**2)))


def test_argmax_gradient_is_that_of_the_normalised_queries() -> None:
    torch.manual_seed(0)
    layer = ArgmaxQuantisation(5, commitment=0.25, diversity=1.0)
    queries = torch.randn(2, 6, 5, dtype=torch.float64, requires_grad=True)
    incoming = torch.randn(2, 6, 5, dtype=torch.float64)
    (straight,) = torch.autograd.grad(layer(queries).quantised, queries, incoming)
    positive = F.relu(queries)
    (expected,) = torch.autograd.grad(positive / positive.sum(-1, keepdim=True), queries, incoming)
    torch.testing.assert_close(straight, expected)
    assert straight.abs().sum() > 0


@given(classes=st.integers(2, 9), seed=st.integers(0, 2**31))
def test_argmax_is_a_vq_with_a_fixed_one_hot_codebook(classes: int, seed: int) -> None:
    queries = torch.randn(2, 9, classes, generator=noise(seed))
    argmax = ArgmaxQuantisation(classes, commitment=0.25, diversity=0.0)
    vq = vector_quantiser(classes, classes)
    vq.codebook.copy_(torch.eye(classes))
    normalised = argmax.normalise(queries)
    alive = normalised.sum(-1) > 0
    ours, theirs = argmax(queries), vq(normalised)
    assert ours.codes is not None and theirs.codes is not None
    assert torch.equal(ours.codes[alive], theirs.codes[alive])
    torch.testing.assert_close(ours.quantised[alive], theirs.quantised[alive])
    # sum over classes here, mean over dimensions there
    if alive.all():
        torch.testing.assert_close(ours.penalties["commitment"], classes * theirs.penalties["commitment"])


def test_all_negative_queries_give_a_code_and_finite_numbers() -> None:
    queries = torch.full((1, 3, 4), -1.0, requires_grad=True)
    bottled = ArgmaxQuantisation(4, commitment=0.25, diversity=1.0)(queries)
    loss = bottled.quantised.sum() + sum(bottled.penalties.values())
    loss.backward()
    assert torch.isfinite(loss) and queries.grad is not None and torch.isfinite(queries.grad).all()
    torch.testing.assert_close(bottled.quantised.sum(-1), torch.ones(1, 3))


def test_continuous_passes_queries_and_has_no_codes() -> None:
    queries = torch.randn(2, 3, 4)
    bottled = ContinuousBottleneckLayer()(queries)
    assert torch.equal(bottled.quantised, queries)
    assert bottled.codes is None and not bottled.penalties
    with pytest.raises(NotImplementedError):
        ContinuousBottleneckLayer().embed(torch.zeros(1, 1, dtype=torch.long))


def numbered(batch: int, codes: int) -> Tensor:
    """Queries that encode where they came from: ``(sequence, position)``."""
    grid = torch.cartesian_prod(torch.arange(batch), torch.arange(codes)).view(batch, codes, 2)
    return grid.float()


@given(batch=st.integers(1, 4), codes=st.integers(1, 30), chance=st.floats(0, 0.499), seed=st.integers(0, 2**31))
def test_jitter_keeps_a_query_or_takes_a_neighbour(batch: int, codes: int, chance: float, seed: int) -> None:
    queries = numbered(batch, codes)
    jittered = jitter(queries, chance, noise(seed))
    assert torch.equal(jittered[..., 0], queries[..., 0]), "a query of another sequence"
    assert (jittered[..., 1] - queries[..., 1]).abs().max() <= 1
    assert jittered[..., 1].min() >= 0 and jittered[..., 1].max() < codes


def test_jitter_without_chance_is_the_identity() -> None:
    queries = torch.randn(3, 40, 2)
    assert torch.equal(jitter(queries, 0.0, noise()), queries)


def test_jitter_takes_either_neighbour_with_half_the_chance() -> None:
    chance, queries = 0.3, numbered(20, 1000)
    offset = (jitter(queries, chance, noise(7)) - queries)[:, 1:-1, 1]
    for direction in (-1, 1):
        hits = int((offset == direction).sum())
        assert scipy.stats.binomtest(hits, offset.numel(), chance / 2).pvalue > 1e-3


def test_jitter_at_the_ends_never_looks_outside() -> None:
    queries = numbered(5000, 2)
    moved = jitter(queries, 0.4, noise(8))[..., 1] != queries[..., 1]
    # only the half of the draws that points inwards can move an end
    for end in (0, 1):
        assert scipy.stats.binomtest(int(moved[:, end].sum()), 5000, 0.2).pvalue > 1e-3


def test_jitter_carries_gradients_to_the_queries_it_took() -> None:
    queries = numbered(1, 12).requires_grad_()
    jittered = jitter(queries, 0.45, noise(2))
    jittered[..., 1].sum().backward()
    taken = torch.bincount(jittered[0, :, 1].long(), minlength=12).float()
    assert queries.grad is not None and torch.equal(queries.grad[0, :, 1], taken)


@given(codes=st.lists(st.integers(0, 9), min_size=1, max_size=50))
def test_perplexity_is_the_exponential_of_the_entropy(codes: list[int]) -> None:
    counts = np.bincount(codes, minlength=10)
    expected = np.exp(scipy.stats.entropy(counts))
    assert float(perplexity(torch.tensor(codes)[None], 10)) == pytest.approx(expected, rel=1e-9)


@given(classes=st.integers(1, 40), repeats=st.integers(1, 5))
def test_perplexity_is_between_one_code_and_uniform_use(classes: int, repeats: int) -> None:
    assert float(perplexity(torch.arange(classes).repeat(repeats), classes)) == pytest.approx(classes)
    assert float(perplexity(torch.full((repeats,), classes - 1), classes)) == 1.0


def test_perplexity_compiles_to_one_graph() -> None:
    codes = torch.randint(8, (3, 50), generator=torch.Generator().manual_seed(1))
    compiled = torch.compile(lambda codes: perplexity(codes, 8), fullgraph=True, backend="eager")
    share = np.bincount(codes.flatten().numpy(), minlength=8) / 150
    assert float(compiled(codes)) == pytest.approx(np.exp(scipy.stats.entropy(share)), rel=1e-12)
