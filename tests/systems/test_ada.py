"""The ADA: codes that matter, blocks that equal the whole, and bottlenecks that learn."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.config.networks import ADA
from descant.layers.bottleneck import VectorQuantisation
from descant.systems.ada import ADASystem
from descant.systems.base import STEPS
from descant.systems.coder import encoder_span

BOTTLENECKS: list[dict[str, Any]] = [
    {"kind": "vq", "classes": 8, "query_dim": 4},
    {"kind": "vq", "classes": 8, "query_dim": 4, "codebook_update": "loss"},
    {"kind": "argmax", "classes": 8},
]
CLASSES = 16


def build(settings: ADA, seed: int = 0) -> ADASystem:
    torch.manual_seed(seed)
    return ADASystem(settings, CLASSES).eval()


def spread(system: ADASystem, classes: int = CLASSES) -> ADASystem:
    """Scale the queries to mean 0 and deviation 1, so that an untrained ADA uses many codes and not one."""
    with torch.no_grad():
        queries = system.encoder(torch.randint(classes, (4, 64 * system.hop), generator=noise())).flatten(0, 1)
        layer, deviation = system.encoder.queries, queries.std(0)
        assert layer.bias is not None
        layer.bias.copy_((layer.bias - queries.mean(0)) / deviation)
        layer.weight /= deviation[:, None, None]
        if isinstance(system.bottleneck, VectorQuantisation):
            system.bottleneck.codebook.copy_(torch.randn(system.bottleneck.codebook.shape, generator=noise()))
    return system


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def runs_of_codes(hop: int, batch: int, count: int) -> torch.Tensor:
    """Windows whose every hop holds one value only: a code can carry it, the past cannot."""
    return torch.randint(CLASSES, (batch, count), generator=noise(1)).repeat_interleave(hop, dim=1)


def test_a_decoder_that_ignores_its_codes_has_no_gap(tiny_ada: Callable[..., ADA]) -> None:
    system = build(tiny_ada())
    assert system.local_model.condition is not None
    system.local_model.condition.weight.data.zero_()
    with torch.no_grad():
        figures = system.validate({STEPS: runs_of_codes(4, 4, 16)}, noise())
    assert float(figures["gap"]) == 0
    assert torch.equal(figures["bits"], figures["bits_shuffled"])


@pytest.mark.parametrize("bottleneck", BOTTLENECKS)
def test_training_opens_a_gap(tiny_ada: Callable[..., ADA], bottleneck: dict[str, Any]) -> None:
    system = build(tiny_ada(bottleneck, hop=4), seed=3)
    optimizer = torch.optim.Adam(system.parameters(), 0.01)
    windows, generator = runs_of_codes(4, 8, 16), noise()
    for _ in range(80):
        optimizer.zero_grad()
        system.train()({STEPS: windows}, generator).loss.backward()
        optimizer.step()
    with torch.no_grad():
        figures = system.eval().validate({STEPS: windows}, noise())
    assert float(figures["gap"]) > 0.3
    torch.testing.assert_close(figures["gap"], figures["bits_shuffled"] - figures["bits"])
    assert 1 <= float(figures["perplexity"]) <= 8


@pytest.mark.parametrize("bottleneck", [*BOTTLENECKS, {"kind": "continuous", "query_dim": 3}])
def test_every_trained_part_gets_a_gradient(tiny_ada: Callable[..., ADA], bottleneck: dict[str, Any]) -> None:
    system = build(tiny_ada(bottleneck)).train()
    system({STEPS: torch.randint(CLASSES, (4, 32))}, noise()).loss.backward()
    without = {name for name, parameter in system.named_parameters() if parameter.grad is None}
    # nothing reads what the uppermost layer adds to the residual path
    top = len(system.local_model.layers) - 1
    assert without <= {f"local_model.layers.{top}.residual.{kind}" for kind in ("weight", "bias")}
    for part in (system.encoder, system.modulator, system.local_model):
        assert sum(float(parameter.grad.abs().sum()) for parameter in part.parameters() if parameter.grad is not None)


def test_a_continuous_bottleneck_trains_and_refuses_codes(tiny_ada: Callable[..., ADA]) -> None:
    system = build(tiny_ada({"kind": "continuous", "query_dim": 3}))
    windows = runs_of_codes(4, 4, 8)
    optimizer = torch.optim.Adam(system.parameters(), 0.01)
    before = float(system({STEPS: windows}, noise()).metrics["bits"])
    for _ in range(20):
        optimizer.zero_grad()
        result = system.train()({STEPS: windows}, noise())
        result.loss.backward()
        optimizer.step()
    assert float(result.metrics["bits"]) < before
    assert set(result.metrics) == {"bits"}
    with torch.no_grad():
        assert set(system.validate({STEPS: windows}, noise())) == {"bits", "bits_shuffled", "gap"}
    assert system.codes == 0
    with pytest.raises(NotImplementedError):
        system.encode(windows)


def test_jitter_is_for_training_and_its_noise_is_the_only_one(tiny_ada: Callable[..., ADA]) -> None:
    plain, jittered = (spread(build(tiny_ada(jitter=chance), 1)) for chance in (0.0, 0.4))
    windows = torch.randint(CLASSES, (2, 32))
    with torch.no_grad():
        assert torch.equal(
            plain.validate({STEPS: windows}, noise())["bits"], jittered.validate({STEPS: windows}, noise())["bits"]
        )
        same = [float(jittered({STEPS: windows}, noise(seed)).loss) for seed in (4, 4, 5)]
    assert same[0] == same[1] != same[2]


def test_evaluation_teaches_the_codebook_nothing(tiny_ada: Callable[..., ADA]) -> None:
    system = build(tiny_ada())
    before = {name: tensor.clone() for name, tensor in system.state_dict().items()}
    windows = torch.randint(CLASSES, (2, 32))
    with torch.no_grad():
        system.validate({STEPS: windows}, noise()), system.encode(windows), system({STEPS: windows}, noise())
    assert all(torch.equal(tensor, before[name]) for name, tensor in system.state_dict().items())


@pytest.mark.parametrize("bottleneck", BOTTLENECKS)
def test_the_ada_of_the_block_tests_uses_many_codes(tiny_ada: Callable[..., ADA], bottleneck: dict[str, Any]) -> None:
    system = spread(build(tiny_ada(bottleneck)))
    with torch.no_grad():
        figures = system.validate({STEPS: torch.randint(CLASSES, (4, 256))}, noise())
    assert float(figures["perplexity"]) > 3


@pytest.mark.parametrize("hop", [2, 8])
@pytest.mark.parametrize("bottleneck", [BOTTLENECKS[0], BOTTLENECKS[2]])
@settings(max_examples=15)
@given(data=st.data())
def test_codes_by_blocks_are_the_codes_of_the_whole(
    tiny_ada: Callable[..., ADA], bottleneck: dict[str, Any], hop: int, data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, 40), label="codes")
    block = data.draw(st.integers(1, 12 * hop), label="steps in a block")
    seed = data.draw(st.integers(0, 2**31), label="seed")
    system = spread(build(tiny_ada(bottleneck, hop), seed % 97))
    lacking = data.draw(st.integers(0, hop - 1), label="steps that the last hop lacks")
    steps = np.random.default_rng(seed).integers(0, CLASSES, count * hop - lacking).astype(np.uint8)
    full = np.concatenate([steps, np.full(lacking, steps[-1])])
    with torch.inference_mode():
        whole = system.encode(torch.from_numpy(full.astype(np.int64))[None])[0].numpy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("descant.systems.ada.BLOCK_STEPS", block)
        blocks = list(system.code_blocks(steps, torch.device("cpu")))
    assert len(blocks) == -(-count // max(1, block // hop))
    np.testing.assert_array_equal(np.concatenate(blocks), whole)


def test_codes_of_codes_by_blocks_are_those_of_the_whole(
    tiny_ada: Callable[..., ADA], monkeypatch: pytest.MonkeyPatch
) -> None:
    lower = spread(build(tiny_ada(BOTTLENECKS[0], 8), 1))
    torch.manual_seed(2)
    upper = spread(ADASystem(tiny_ada(BOTTLENECKS[2], 4), lower.codes).eval(), lower.codes)
    steps = np.random.default_rng(0).integers(0, CLASSES, 8 * 4 * 21 - 11).astype(np.uint8)
    with torch.inference_mode():
        full = np.concatenate([steps, np.full(3, steps[-1])]).astype(np.int64)
        codes = lower.encode(torch.from_numpy(full)[None])
        # 83 codes: the last one stands twice
        whole = upper.encode(torch.cat([codes, codes[:, -1:]], 1))[0].numpy()
    assert len(np.unique(whole)) > 2
    for block in (8, 40, 123):
        monkeypatch.setattr("descant.systems.ada.BLOCK_STEPS", block)
        below = np.concatenate(list(lower.code_blocks(steps, torch.device("cpu"))))
        above = np.concatenate(list(upper.code_blocks(below.astype(np.uint8), torch.device("cpu"))))
        np.testing.assert_array_equal(above, whole)


@pytest.mark.parametrize("bottleneck", [BOTTLENECKS[0], BOTTLENECKS[2]])
@settings(max_examples=15)
@given(data=st.data())
def test_conditioning_of_a_block_is_that_of_the_whole(
    tiny_ada: Callable[..., ADA], bottleneck: dict[str, Any], data: st.DataObject
) -> None:
    system = build(tiny_ada(bottleneck))
    count = data.draw(st.integers(1, 30), label="codes")
    start = data.draw(st.integers(0, count - 1), label="start")
    stop = data.draw(st.integers(start + 1, count), label="stop")
    codes = torch.randint(8, (2, count), generator=noise(count))
    with torch.no_grad():
        whole = system.modulator(system.bottleneck.embed(codes))
    block = system.conditioning(codes, start, stop)
    torch.testing.assert_close(block, whole[:, start:stop], rtol=1e-5, atol=1e-6)


@given(start=st.integers(0, 30), count=st.integers(1, 30), after=st.integers(0, 30))
def test_the_span_of_a_block_holds_its_own_steps_and_stays_in_the_track(
    tiny_ada: Callable[..., ADA], start: int, count: int, after: int
) -> None:
    system = build(tiny_ada(hop=4))
    length = (start + count + after) * 4
    left, right = encoder_span(system.encoder.reach, 4, start, start + count, length)
    assert 0 <= left <= start * 4 < (start + count) * 4 <= right <= length
    assert left % 4 == right % 4 == 0
