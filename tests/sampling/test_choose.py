"""The choice of an engine: the one that is asked for, or one that works; never one that is wrong."""

import copy
import logging
from typing import Any

import numpy as np
import pytest
import torch
from engine_laws import conditioning_of, wavenet_of

from descant.config.models import EngineName, Precision
from descant.errors import EngineError, SamplingError
from descant.sampling.choose import build_engine
from descant.sampling.engine import STEPS_PER_REPLAY, DrawSettings, EngineSettings
from descant.sampling.generate import sequences, uniforms
from descant.sampling.graph import GraphEngine
from descant.sampling.weights import rounded_weights, step_weights

DRAW = DrawSettings(temperature=0.9, top_p=0.95)


@pytest.mark.parametrize("name", ["reference", "numba", "graph"])
def test_the_one_asked_for_stands_at_its_start_and_draws_the_same(name: EngineName) -> None:
    wavenet = wavenet_of(hop=4)
    engine = build_engine(wavenet, 3, DRAW, EngineSettings(name))
    assert engine.name == name
    _, conditioning = conditioning_of(wavenet, 3, 64)
    numbers = uniforms(1, sequences(3), 0, 64)
    expected = build_engine(wavenet, 3, DRAW, EngineSettings("reference")).generate(numbers, conditioning)
    assert torch.equal(engine.generate(numbers, conditioning), expected)


def test_auto_takes_a_compiled_engine_on_a_cpu() -> None:
    assert build_engine(wavenet_of(), 2, DRAW, EngineSettings()).name in ("native", "numba")


@pytest.mark.parametrize("name", ["auto", "reference", "numba"])
def test_rounded_weights_mean_the_same_whatever_the_engine(name: EngineName) -> None:
    wavenet = wavenet_of()
    engine = build_engine(wavenet, 2, DRAW, EngineSettings(name, "bfloat16_weights"))
    steps = torch.randint(wavenet.classes, (2, 40), generator=torch.Generator().manual_seed(1))
    logits = engine.follow(steps, None)
    with torch.inference_mode():
        rounded, exact = rounded_weights(wavenet)(steps), wavenet(steps)
    assert (logits - rounded).abs().max() < 1e-4 * max(1.0, rounded.std().item())
    assert (logits - exact).abs().max() > 1e-3


def test_the_model_is_not_changed_by_rounding() -> None:
    wavenet = wavenet_of()
    before = {name: value.clone() for name, value in wavenet.state_dict().items()}
    build_engine(wavenet, 1, DRAW, EngineSettings("numba", "bfloat16_weights"))
    assert all(torch.equal(value, before[name]) for name, value in wavenet.state_dict().items())


@pytest.mark.parametrize("name", ["reference", "numba"])
def test_what_an_engine_cannot_do_is_reported_when_it_is_asked_for(name: EngineName) -> None:
    precision: Precision = "bfloat16"
    with pytest.raises(EngineError, match="bfloat16"):
        build_engine(wavenet_of(), 1, DRAW, EngineSettings(name, precision))


def test_an_engine_that_disagrees_is_refused(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    wavenet = wavenet_of()
    weights = step_weights(wavenet)
    # one past tap of the highest layer is lost: it is first seen after the longest delay
    weights.convolution[-1, 0] = 0
    monkeypatch.setattr("descant.sampling.numba_engine.step_weights", lambda wavenet: weights)
    monkeypatch.setattr("descant.sampling.native.engine.step_weights", lambda wavenet: weights)
    with pytest.raises(EngineError, match="engine numba does not agree with the full forward pass"):
        build_engine(wavenet, 2, DRAW, EngineSettings("numba"))
    assert build_engine(wavenet, 2, DRAW, EngineSettings()).name == "reference"
    assert "numba is passed over" in caplog.text and "native is passed over" in caplog.text


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["auto", "graph", "triton", "reference"])
def test_on_a_gpu_it_draws_what_the_cpu_draws(name: EngineName) -> None:
    wavenet = wavenet_of(hop=4)
    _, conditioning = conditioning_of(wavenet, 3, 64)
    numbers = uniforms(1, sequences(3), 0, 64)
    expected = build_engine(wavenet, 3, DRAW, EngineSettings("reference")).generate(numbers, conditioning)
    assert conditioning is not None
    engine = build_engine(copy.deepcopy(wavenet).cuda(), 3, DRAW, EngineSettings(name))
    assert torch.equal(engine.generate(numbers, conditioning.cuda()), expected)


class Replayed(GraphEngine):
    """Replays its steps as on a GPU, but the replay runs them here."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.graph = self  # type: ignore[assignment]

    def replay(self) -> None:
        self._draw(STEPS_PER_REPLAY)


class Forgetful(Replayed):
    """Its graph loses what the layers remember."""

    def replay(self) -> None:
        super().replay()
        self.rings.zero_()


class Stuck(Replayed):
    """Its graph was captured with one set of uniform numbers."""

    def replay(self) -> None:
        self.uniforms.fill_(0.5)
        super().replay()


@pytest.mark.parametrize("graph", [Forgetful, Stuck])
def test_a_captured_graph_that_draws_otherwise_is_refused(
    monkeypatch: pytest.MonkeyPatch, graph: type[GraphEngine]
) -> None:
    monkeypatch.setattr("descant.sampling.choose.GraphEngine", graph)
    with pytest.raises(EngineError, match="engine graph does not draw what its logits say"):
        build_engine(wavenet_of(hop=4), 2, DRAW, EngineSettings("graph"))
    monkeypatch.setattr("descant.sampling.choose.GraphEngine", Replayed)
    engine = build_engine(wavenet_of(hop=4), 2, DRAW, EngineSettings("graph"))
    assert isinstance(engine, Replayed) and engine.done == 0


def test_auto_goes_on_with_the_engine_that_began() -> None:
    wavenet = wavenet_of()
    assert build_engine(wavenet, 2, DRAW, EngineSettings(), begun_by="numba").name == "numba"
    assert build_engine(wavenet, 2, DRAW, EngineSettings(), begun_by="reference").name == "reference"


def test_auto_passes_over_a_compiler_that_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler '")
    assert build_engine(wavenet_of(), 2, DRAW, EngineSettings()).name == "numba"


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["auto", "numba", "reference"])
def test_a_model_with_nan_is_reported(name: EngineName, precision: Precision) -> None:
    wavenet = wavenet_of()
    with torch.no_grad():
        wavenet.head.weight[0, 0] = np.nan
    with pytest.raises(SamplingError, match="not finite"):
        build_engine(wavenet, 1, DRAW, EngineSettings(name, precision))
