"""The laws that every engine obeys, each a function that a test calls with the engine's maker."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor

from descant.config.networks import WaveNetShape
from descant.layers.wavenet import WaveNet
from descant.sampling.engine import DrawSettings, Engine
from descant.sampling.generate import Request, generate, sequences, uniforms
from descant.sampling.reference import ReferenceEngine
from descant.systems.wavenet import build_wavenet

CONDITIONING = 3
SHAPE: dict[str, Any] = {
    "stacks": 2,
    "layers_per_stack": 3,
    "kernel": 2,
    "start_kernel": 2,
    "residual_channels": 6,
    "gate_channels": 8,
    "skip_channels": 7,
}
SETTINGS = DrawSettings(temperature=0.9, top_p=0.95)
Build = Callable[[WaveNet, int, DrawSettings], Engine]


def wavenet_of(classes: int = 11, hop: int = 0, gain: float = 2.5, **over: Any) -> WaveNet:
    """A WaveNet with strong weights; conditioned when a hop is given."""
    torch.manual_seed(1)
    wavenet = build_wavenet(WaveNetShape(**{**SHAPE, **over}), classes, CONDITIONING if hop else 0, hop or 1).eval()
    with torch.no_grad():
        for name, parameter in wavenet.named_parameters():
            parameter *= gain if parameter.dim() > 1 and "embedding" not in name else 1
    return wavenet


def predicting_wavenet(hop: int = 0, **shape: Any) -> WaveNet:
    """One with a linear predictor whose blocks are short, and a mixture far from the predictor's."""
    prediction = {"order": 16, "window": 64, "every": 16}
    wavenet = wavenet_of(256, hop, linear_prediction=prediction, **shape)
    assert wavenet.prediction is not None
    with torch.no_grad():
        wavenet.prediction.outputs.weight.normal_(0, 0.05)
        wavenet.logits.weight.normal_(0, 0.3)
    return wavenet


def conditioning_of(wavenet: WaveNet, batch: int, steps: int) -> tuple[Tensor | None, Tensor | None]:
    """Conditioning as the full forward pass takes it, and as engines take it; None for a model without."""
    if wavenet.condition is None:
        return None, None
    held = torch.randn(batch, -(-steps // wavenet.hop), CONDITIONING, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        return held, wavenet.layer_conditioning(held)


def logits_equal_the_full_pass(build: Build, wavenet: WaveNet, batch: int, steps: int, tolerance: float) -> None:
    """Along given steps the logits are those of the full forward pass, whatever the blocks."""
    held, by_layer = conditioning_of(wavenet, batch, steps)
    codes = torch.randint(wavenet.classes, (batch, steps), generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        full = wavenet(codes, held)
    scale = max(1.0, full.std().item())
    for sizes in ([steps], [4 * wavenet.hop, steps - 4 * wavenet.hop]):
        engine, done, parts = build(wavenet, batch, SETTINGS), 0, []
        for size in sizes:
            part = None if by_layer is None else by_layer[:, done // wavenet.hop :]
            parts.append(engine.follow(codes[:, done : done + size], part))
            done += size
        logits = torch.cat(parts, dim=1)
        assert logits.dtype == torch.float32 and logits.shape == full.shape
        assert (logits - full).abs().max().item() <= tolerance * scale


def draws_equal_the_reference(build: Build, wavenet: WaveNet, batch: int, steps: int, draw: DrawSettings) -> None:
    """The same uniform numbers give the same steps."""
    _, by_layer = conditioning_of(wavenet, batch, steps)
    numbers = uniforms(4, sequences(batch), 0, steps)
    expected = ReferenceEngine(wavenet, batch, draw).generate(numbers, by_layer)
    drawn = build(wavenet, batch, draw).generate(numbers, by_layer)
    assert drawn.dtype == torch.int64 and drawn.shape == expected.shape
    assert torch.equal(drawn, expected), f"they part at step {(drawn != expected).any(0).nonzero()[0].item()}"


def a_sequence_stands_alone(build: Build, wavenet: WaveNet, batch: int, steps: int) -> None:
    """What is drawn does not depend on the sequences beside it."""
    _, by_layer = conditioning_of(wavenet, batch, steps)
    numbers = uniforms(5, sequences(batch), 0, steps)
    together = build(wavenet, batch, SETTINGS).generate(numbers, by_layer)
    for number in range(batch):
        own = None if by_layer is None else by_layer[number : number + 1]
        alone = build(wavenet, 1, SETTINGS).generate(numbers[number : number + 1], own)
        assert torch.equal(alone[0], together[number]), f"sequence {number}"


def it_goes_on_from_any_state(build: Build, wavenet: WaveNet, batch: int, steps: int, stops: list[int]) -> None:
    """From a saved state it draws what it would have drawn; saving disturbs nothing."""
    numbers = uniforms(6, sequences(batch), 0, steps)
    _, by_layer = conditioning_of(wavenet, batch, steps)
    whole = build(wavenet, batch, SETTINGS).generate(numbers, by_layer)

    def part(start: int, stop: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        return numbers[:, start:stop], None if by_layer is None else by_layer[:, start // wavenet.hop :]

    for stop in stops:
        first = build(wavenet, batch, SETTINGS)
        head = first.generate(*part(0, stop))
        state = first.state()
        # it goes on after its state was taken, which must not follow
        first.generate(*part(stop, min(steps, stop + wavenet.hop)))
        second = build(wavenet, batch, SETTINGS)
        second.generate(*part(0, wavenet.hop))
        second.load_state({name: tensor.clone() for name, tensor in state.items()})
        tail = second.generate(*part(stop, steps))
        assert torch.equal(torch.cat([head, tail], dim=1), whole), f"stopped after {stop}"


def following_then_drawing_is_one_walk(build: Build, wavenet: WaveNet, batch: int, steps: int) -> None:
    """A prime that was followed is remembered as if it had been drawn."""
    _, by_layer = conditioning_of(wavenet, batch, steps)
    numbers = uniforms(7, sequences(batch), 0, steps)
    drawn = build(wavenet, batch, SETTINGS).generate(numbers, by_layer)
    half = steps // 2 // wavenet.hop * wavenet.hop
    engine = build(wavenet, batch, SETTINGS)
    engine.follow(drawn[:, :half], by_layer)
    rest = None if by_layer is None else by_layer[:, half // wavenet.hop :]
    assert torch.equal(engine.generate(numbers[:, half:], rest), drawn[:, half:])


def a_primed_draw_equals_the_reference(build: Build, wavenet: WaveNet, batch: int, steps: int, primed: int) -> None:
    """A prime comes back as it was given, and what follows it is what the reference draws after it, in any blocks."""
    _, by_layer = conditioning_of(wavenet, batch, steps)
    prime = torch.randint(wavenet.classes, (batch, primed), generator=torch.Generator().manual_seed(8))
    request = Request(steps, sequences(batch), wavenet.classes, 9, wavenet.hop, prime=prime)

    def held(start: int, stop: int) -> Tensor:
        assert by_layer is not None
        return by_layer[:, start:stop]

    def draw(maker: Build, block: int) -> Any:
        with TemporaryDirectory() as folder:
            make = partial(maker, wavenet, batch, SETTINGS)
            drawn = generate(lambda begun_by: make(), request, Path(folder), None if by_layer is None else held, block)
            return np.array(drawn)

    expected = draw(ReferenceEngine, steps)
    assert np.array_equal(expected[:, :primed], prime.numpy())
    for block in (steps, 2 * wavenet.hop + 1):
        assert np.array_equal(draw(build, block), expected), f"blocks of {block}"


def a_predictor_inside_obeys_all_laws(build: Build, hop: int, exact: bool = True) -> None:
    """With linear prediction everything holds as without, and what engines predict is what training reads.

    Args:
        build: makes the engine.
        hop: of the network; 0 for one without conditioning.
        exact: its predictions equal the stream's to the bit.
    """
    wavenet = predicting_wavenet(hop)
    logits_equal_the_full_pass(build, wavenet, batch=2, steps=60, tolerance=1e-4)
    for draw in (DrawSettings(), SETTINGS, DrawSettings(temperature=0.5)):
        draws_equal_the_reference(build, wavenet, 3, 120, draw)
    a_sequence_stands_alone(build, wavenet, 3, 60)
    it_goes_on_from_any_state(build, wavenet, 2, 60, [4, 16, 36])
    following_then_drawing_is_one_walk(build, wavenet, 2, 80)
    predictions_equal_the_stream_s(build, wavenet, 64, exact)


def predictions_equal_the_stream_s(build: Build, wavenet: WaveNet, count: int, exact: bool) -> None:
    """What an engine remembers of a prediction is what predicting the same steps as a stream ends with."""
    steps = torch.randint(256, (2, count), generator=torch.Generator().manual_seed(3))
    engine, predictor = build(wavenet, 2, SETTINGS), wavenet.predictor(2)
    assert predictor is not None
    engine.follow(steps, conditioning_of(wavenet, 2, count)[1])
    predictor.follow(steps.numpy())
    state = engine.state()
    for name, tensor in predictor.state().items():
        torch.testing.assert_close(state[name], tensor, rtol=0, atol=0 if exact else 1e-6)
