"""The reference engine: step by step it says what the full forward pass says."""

import copy
from typing import Any

import pytest
import torch
from engine_laws import a_predictor_inside_obeys_all_laws
from torch import Tensor

from descant.config.networks import WaveNetShape
from descant.layers.wavenet import WaveNet
from descant.sampling.draw import draw
from descant.sampling.engine import DrawSettings
from descant.sampling.generate import sequences, uniforms
from descant.sampling.reference import ReferenceEngine
from descant.systems.wavenet import build_wavenet

CLASSES = 11
SETTINGS = DrawSettings(temperature=0.9, top_p=0.95)


def build(kernel: int = 2, start_kernel: int = 2, conditioning: int = 0, hop: int = 1, **over: Any) -> WaveNet:
    torch.manual_seed(kernel * 10 + start_kernel)
    shape = WaveNetShape(
        stacks=2,
        layers_per_stack=3,
        kernel=kernel,
        start_kernel=start_kernel,
        residual_channels=6,
        gate_channels=8,
        skip_channels=7,
        **over,
    )
    wavenet = build_wavenet(shape, CLASSES, conditioning, hop).eval()
    with torch.no_grad():
        for name, parameter in wavenet.named_parameters():
            # strong weights, so that everything remembered weighs in
            parameter *= 2.5 if parameter.dim() > 1 and "embedding" not in name else 1
    return wavenet


def conditioning_of(wavenet: WaveNet, batch: int, steps: int) -> tuple[Tensor | None, Tensor | None]:
    if wavenet.condition is None:
        return None, None
    held = torch.randn(batch, steps // wavenet.hop, 3, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return held, wavenet.layer_conditioning(held)


@pytest.mark.parametrize("input_kind", ["embedding", "scalar"])
@pytest.mark.parametrize("hop", [None, 1, 4])
@pytest.mark.parametrize("start_kernel", [1, 2, 3])
@pytest.mark.parametrize("kernel", [2, 3])
def test_logits_equal_those_of_the_full_pass(kernel: int, start_kernel: int, hop: int | None, input_kind: str) -> None:
    wavenet = build(kernel, start_kernel, 3 if hop else 0, hop or 1, input=input_kind)
    batch, steps = 2, 2 * wavenet.receptive_field // 4 * 4 + 4
    held, by_layer = conditioning_of(wavenet, batch, steps)
    engine = ReferenceEngine(wavenet, batch, SETTINGS)
    numbers = uniforms(8, sequences(batch), 0, steps)
    logits, drawn = [], []
    for step in range(steps):
        logits.append(engine.next_logits(None if by_layer is None else by_layer[:, step // wavenet.hop]))
        engine.previous = draw(logits[-1], numbers[:, step], SETTINGS.temperature, SETTINGS.top_p)
        drawn.append(engine.previous)
    codes = torch.stack(drawn, dim=1)
    with torch.no_grad():
        full = wavenet(codes, held)
    torch.testing.assert_close(torch.stack(logits, dim=1), full, rtol=1e-5, atol=1e-5)

    # generate() is that loop, whatever the blocks it is asked for
    for sizes in ([steps], [4] * (steps // 4)):
        again, done, parts = ReferenceEngine(wavenet, batch, SETTINGS), 0, []
        for size in sizes:
            part = None if by_layer is None else by_layer[:, done // wavenet.hop : (done + size) // wavenet.hop]
            parts.append(again.generate(numbers[:, done : done + size], part))
            done += size
        assert torch.equal(torch.cat(parts, dim=1), codes)


@pytest.mark.parametrize("conditioning", [0, 3])
def test_a_sequence_does_not_depend_on_those_beside_it(conditioning: int) -> None:
    wavenet = build(conditioning=conditioning, hop=2 if conditioning else 1)
    numbers, (_, by_layer) = uniforms(3, sequences(4), 0, 80), conditioning_of(wavenet, 4, 80)
    together = ReferenceEngine(wavenet, 4, SETTINGS).generate(numbers, by_layer)
    assert len({tuple(row) for row in together.tolist()}) == 4
    for number in range(4):
        own = None if by_layer is None else by_layer[number : number + 1]
        alone = ReferenceEngine(wavenet, 1, SETTINGS).generate(numbers[number : number + 1], own)
        assert torch.equal(alone[0], together[number])


@pytest.mark.parametrize("start_kernel", [1, 3])
def test_it_goes_on_from_any_state_as_if_it_had_not_stopped(start_kernel: int) -> None:
    wavenet = build(kernel=3, start_kernel=start_kernel)
    numbers = uniforms(5, sequences(2), 0, 60)
    whole = ReferenceEngine(wavenet, 2, SETTINGS).generate(numbers, None)
    for stop in (1, 2, 13, 59):
        first = ReferenceEngine(wavenet, 2, SETTINGS)
        head = first.generate(numbers[:, :stop], None)
        state = first.state()
        first.generate(numbers[:, :1], None)
        second = ReferenceEngine(wavenet, 2, SETTINGS)
        second.load_state(state)
        tail = second.generate(numbers[:, stop:], None)
        assert torch.equal(torch.cat([head, tail], dim=1), whole), f"stopped after {stop}"


def test_all_of_the_state_is_needed() -> None:
    wavenet = build(kernel=3)
    first = ReferenceEngine(wavenet, 2, SETTINGS)
    first.generate(uniforms(5, sequences(2), 0, 30), None)
    state = first.state()
    logits = first.next_logits(None)
    for name, tensor in state.items():
        second = ReferenceEngine(wavenet, 2, SETTINGS)
        second.load_state({**state, name: torch.zeros_like(tensor)})
        assert not torch.allclose(second.next_logits(None), logits, atol=1e-3), f"{name} is without effect"


def test_a_state_from_a_file_comes_onto_the_device_of_the_weights() -> None:
    wavenet = build()
    engine = ReferenceEngine(wavenet, 2, SETTINGS)
    engine.generate(uniforms(5, sequences(2), 0, 9), None)
    # the meta device stands for an accelerator
    elsewhere = ReferenceEngine(copy.deepcopy(wavenet).to("meta"), 2, SETTINGS)
    elsewhere.load_state(engine.state())
    assert elsewhere.step == 9
    assert {name: tensor.device.type for name, tensor in elsewhere.state().items() if name != "step"} == {
        name: "meta" for name in engine.state() if name != "step"
    }


@pytest.mark.parametrize("hop", [0, 4])
def test_a_predictor_inside(hop: int) -> None:
    a_predictor_inside_obeys_all_laws(ReferenceEngine, hop)
