"""The graph engine obeys the laws of engines; on a CPU its step runs, on a GPU it is replayed."""

import copy
import itertools

import pytest
from engine_laws import (
    SETTINGS,
    Build,
    a_predictor_inside_obeys_all_laws,
    a_primed_draw_equals_the_reference,
    a_sequence_stands_alone,
    conditioning_of,
    draws_equal_the_reference,
    following_then_drawing_is_one_walk,
    it_goes_on_from_any_state,
    logits_equal_the_full_pass,
    wavenet_of,
)

from descant.config.models import Precision
from descant.layers.wavenet import WaveNet
from descant.sampling.engine import DrawSettings, Engine
from descant.sampling.generate import sequences, uniforms
from descant.sampling.graph import STEPS_PER_REPLAY, GraphEngine
from descant.sampling.weights import rounded_weights


def build_on(device: str, precision: Precision = "float32") -> Build:
    def build(wavenet: WaveNet, batch: int, draw: DrawSettings) -> Engine:
        return GraphEngine(copy.deepcopy(wavenet).to(device), batch, draw, precision)

    return build


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def build(request: pytest.FixtureRequest) -> Build:
    return build_on(request.param)


@pytest.mark.parametrize(("hop", "start_kernel", "kernel"), list(itertools.product((0, 1, 4), (1, 3), (2, 3, 4))))
def test_logits_equal_those_of_the_full_pass(build: Build, hop: int, start_kernel: int, kernel: int) -> None:
    wavenet = wavenet_of(hop=hop, start_kernel=start_kernel, kernel=kernel)
    logits_equal_the_full_pass(build, wavenet, batch=2, steps=60, tolerance=1e-4)


@pytest.mark.parametrize("top_p", [1.0, 0.8])
@pytest.mark.parametrize("hop", [0, 1, 5, 40])
def test_draws_equal_the_reference(build: Build, hop: int, top_p: float) -> None:
    wavenet = wavenet_of(hop=hop, start_kernel=3, kernel=3)
    # hops that end within a replay and beside it, and a last replay that is not full
    draws_equal_the_reference(build, wavenet, 3, 120 + STEPS_PER_REPLAY // 2, DrawSettings(0.9, top_p))


@pytest.mark.parametrize("shape", [{"classes": 2}, {"classes": 3000}, {"residual_channels": 17, "input": "scalar"}])
def test_any_shape(build: Build, shape: dict[str, int | str]) -> None:
    wavenet = wavenet_of(**shape)  # type: ignore[arg-type]
    logits_equal_the_full_pass(build, wavenet, batch=1, steps=40, tolerance=1e-4)
    draws_equal_the_reference(build, wavenet, 1, 40, DrawSettings())


def test_one_layer(build: Build) -> None:
    logits_equal_the_full_pass(build, wavenet_of(stacks=1, layers_per_stack=1), batch=2, steps=20, tolerance=1e-4)


@pytest.mark.parametrize("hop", [0, 4])
def test_walks(build: Build, hop: int) -> None:
    wavenet = wavenet_of(hop=hop, kernel=3, start_kernel=3)
    a_sequence_stands_alone(build, wavenet, batch=3, steps=60)
    it_goes_on_from_any_state(build, wavenet, batch=2, steps=60, stops=[4, 20, 36, 56])
    following_then_drawing_is_one_walk(build, wavenet, batch=2, steps=60)
    a_primed_draw_equals_the_reference(build, wavenet, batch=2, steps=62, primed=20)


def test_rounded_weights_are_as_exact(build: Build) -> None:
    logits_equal_the_full_pass(build, rounded_weights(wavenet_of(hop=4)), batch=2, steps=60, tolerance=1e-4)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_in_bfloat16_the_logits_move_a_little(device: str) -> None:
    wavenet = rounded_weights(wavenet_of(hop=4, gain=1.0))
    logits_equal_the_full_pass(build_on(device, "bfloat16"), wavenet, batch=2, steps=60, tolerance=0.05)
    with pytest.raises(AssertionError):
        logits_equal_the_full_pass(build_on(device, "bfloat16"), wavenet, batch=2, steps=60, tolerance=1e-4)
    it_goes_on_from_any_state(build_on(device, "bfloat16"), wavenet, batch=2, steps=40, stops=[20])


def test_what_a_replay_reads_and_writes_keeps_its_address(build: Build) -> None:
    wavenet = wavenet_of(hop=4)
    engine = build(wavenet, 2, SETTINGS)
    assert isinstance(engine, GraphEngine) and engine.held is not None

    def addresses() -> list[int]:
        assert engine.held is not None
        fixed = (engine.step, engine.history, engine.rings, engine.uniforms, engine.drawn, engine.held)
        return [tensor.data_ptr() for tensor in fixed]

    before = addresses()
    _, by_layer = conditioning_of(wavenet, 2, 40)
    engine.generate(uniforms(1, sequences(2), 0, 40), by_layer)
    engine.load_state(engine.state())
    assert addresses() == before


@pytest.mark.parametrize("hop", [0, 4])
def test_a_predictor_inside(build: Build, hop: int) -> None:
    a_predictor_inside_obeys_all_laws(build, hop, exact=False)
