"""Engines of transformers: those that are compiled draw what the reference draws, whatever is cut, killed or guided."""

from functools import partial
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_transformers import strong
from torch import Tensor

from descant.errors import EngineError
from descant.runs.interruption import Interrupted
from descant.sampling.choose import build_engine
from descant.sampling.engine import DrawSettings, Engine, EngineSettings
from descant.sampling.generate import Request, generate, sequences, uniforms
from descant.sampling.numba_transformer import NumbaTransformerEngine
from descant.sampling.transformer_engine import TransformerEngine
from descant.sampling.transformer_weights import folded, rounded_transformer

TIME, BATCH = 45, 3
SETTINGS = DrawSettings(temperature=0.9, top_p=0.95)
MOST = DrawSettings(temperature=2.0, top_p=0.9, top_k=5)
GUIDED = DrawSettings(temperature=0.9, top_p=0.95, guidance=2.5)
BUILDERS = {
    "reference": TransformerEngine,
    "numba": lambda network, batch, draw: NumbaTransformerEngine(network, batch, draw, "float32", 1),
    "two threads": lambda network, batch, draw: NumbaTransformerEngine(network, batch, draw, "float32", 2),
}


def built(name: str, draw: DrawSettings = SETTINGS, batch: int = BATCH, layers: int = 4) -> Engine:
    engine: Engine = BUILDERS[name](strong(layers, conditioned=True), batch, draw)
    return engine


def conditions(draw: DrawSettings = SETTINGS, batch: int = BATCH, time: int = TIME) -> Tensor:
    """Conditioning of each row: two a sequence where there is guidance."""
    rows = batch if draw.guidance == 1 else 2 * batch
    return torch.randn(rows, time, 12, generator=torch.Generator().manual_seed(4))


NUMBERS = uniforms(5, sequences(BATCH), 0, TIME)


@pytest.mark.parametrize("layers", [1, 2, 3, 7])
@pytest.mark.parametrize("name", BUILDERS)
def test_logits_equal_the_full_pass(name: str, layers: int) -> None:
    network, conditioning = strong(layers, conditioned=True), conditions()
    steps = torch.randint(11, (BATCH, TIME), generator=torch.Generator().manual_seed(6))
    with torch.inference_mode():
        full = network(steps, conditioning)
    for sizes in ([TIME], [1] * TIME, [10, 1, 30, 4]):
        engine, done, parts = built(name, layers=layers), 0, []
        for size in sizes:
            part = slice(done, done + size)
            parts.append(engine.follow(steps[:, part], conditioning[:, part]))
            done += size
        logits = torch.cat(parts, dim=1)
        assert logits.dtype == torch.float32
        torch.testing.assert_close(logits, full, rtol=0, atol=3e-6 * full.std().item())


@pytest.mark.parametrize("draw", [DrawSettings(), SETTINGS, DrawSettings(temperature=0.5), GUIDED, MOST])
@pytest.mark.parametrize("name", ["numba", "two threads"])
def test_draws_equal_the_reference(name: str, draw: DrawSettings) -> None:
    expected = built("reference", draw).generate(NUMBERS, conditions(draw))
    drawn = built(name, draw).generate(NUMBERS, conditions(draw))
    assert drawn.dtype == torch.int64 and torch.equal(drawn, expected)
    assert len(drawn.unique()) > 3


@pytest.mark.parametrize("name", BUILDERS)
def test_a_sequence_stands_alone(name: str) -> None:
    together = built(name).generate(NUMBERS, conditions())
    for number in range(BATCH):
        own = slice(number, number + 1)
        alone = built(name, batch=1).generate(NUMBERS[own], conditions()[own])
        assert torch.equal(alone[0], together[number])


@pytest.mark.parametrize("name", ["reference", "numba"])
@pytest.mark.parametrize("draw", [SETTINGS, GUIDED], ids=["plain", "guided"])
def test_it_goes_on_from_any_state_and_from_any_prime(name: str, draw: DrawSettings) -> None:
    conditioning = conditions(draw)
    whole = built(name, draw).generate(NUMBERS, conditioning)
    for stop in (0, 1, 3, 4, 12, 13, 31):
        first = built(name, draw)
        head = first.generate(NUMBERS[:, :stop], conditioning[:, :stop]) if stop else NUMBERS[:, :0].long()
        state = first.state()
        first.generate(NUMBERS[:, stop : stop + 2], conditioning[:, stop:])
        second = built(name, draw)
        second.generate(NUMBERS[:, :2], conditioning)
        second.load_state(state)
        tail = second.generate(NUMBERS[:, stop:], conditioning[:, stop:])
        assert torch.equal(torch.cat([head, tail], dim=1), whole), f"stopped after {stop}"
        primed = built(name, draw)
        primed.follow(whole[:, :stop], conditioning[:, :stop])
        assert torch.equal(primed.generate(NUMBERS[:, stop:], conditioning[:, stop:]), whole[:, stop:])


@given(st.sets(st.integers(1, TIME - 1), max_size=5))
@settings(deadline=None, max_examples=20)
def test_calls_may_be_cut_anywhere(cuts: set[int]) -> None:
    engine, ends = built("numba"), [0, *sorted(cuts), TIME]
    parts = [engine.generate(NUMBERS[:, start:stop], conditions()[:, start:stop]) for start, stop in pairwise(ends)]
    assert torch.equal(torch.cat(parts, dim=1), built("numba").generate(NUMBERS, conditions()))


def test_guidance_goes_from_what_is_not_told_to_what_is_and_beyond() -> None:
    steps = torch.randint(11, (BATCH, TIME), generator=torch.Generator().manual_seed(7))
    both = conditions(GUIDED)
    with_labels, without = (built("reference").follow(steps, both[half::2]) for half in (0, 1))
    for guidance in (0.0, 0.5, 3.0):
        for name in ("reference", "numba"):
            logits = built(name, DrawSettings(guidance=guidance)).follow(steps, both)
            expected = without + guidance * (with_labels - without)
            torch.testing.assert_close(logits, expected, rtol=0, atol=1e-4)


def test_a_killed_draw_goes_on_to_the_same_steps(tmp_path: Path) -> None:
    network, conditioning = strong(4, conditioned=True), conditions()
    prime = torch.randint(11, (BATCH, 9), generator=torch.Generator().manual_seed(8))
    request = Request(TIME, sequences(BATCH), 11, 5, save_every_seconds=0, prime=prime)

    def draw(folder: str) -> np.ndarray:
        engine = partial(NumbaTransformerEngine, network, BATCH, SETTINGS, "float32", 1)
        return np.array(generate(lambda by: engine(), request, tmp_path / folder, lambda a, b: conditioning[:, a:b], 6))

    whole, kills = draw("whole"), 0
    while True:
        # at every look it is asked to stop: each run does one block
        with patch("descant.sampling.generate.workflow_is_gone", return_value=True):
            try:
                drawn = draw("killed")
                break
            except Interrupted:
                kills += 1
    assert kills > 5 and np.array_equal(drawn, whole)
    assert np.array_equal(whole[:, :9], prime.numpy())


def test_without_conditioning_there_is_none() -> None:
    network = strong(3)
    assert network.conditioning_channels == 0
    engines = [
        TransformerEngine(network, BATCH, SETTINGS),
        NumbaTransformerEngine(network, BATCH, SETTINGS, "float32", 1),
    ]
    assert torch.equal(*(engine.generate(NUMBERS, None) for engine in engines))


@pytest.mark.parametrize("conditioned", [False, True])
@pytest.mark.parametrize("draw", [SETTINGS, GUIDED], ids=["plain", "guided"])
def test_auto_takes_the_compiled_one(conditioned: bool, draw: DrawSettings) -> None:
    network = strong(4, conditioned=conditioned)
    engine = build_engine(network, 2, draw, EngineSettings())
    assert engine.name == "numba"
    conditioning = conditions(draw, 2) if conditioned else None
    reference = build_engine(network, 2, draw, EngineSettings("reference"))
    assert torch.equal(engine.generate(NUMBERS[:2], conditioning), reference.generate(NUMBERS[:2], conditioning))


def test_rounded_weights_are_one_model_for_all_engines() -> None:
    network = rounded_transformer(strong(4, conditioned=True))
    steps = torch.randint(11, (2, TIME), generator=torch.Generator().manual_seed(9))
    with torch.inference_mode():
        full = network(steps, conditions()[:2])
    engine = NumbaTransformerEngine(network, 2, SETTINGS, "bfloat16_weights", 1)
    torch.testing.assert_close(engine.follow(steps, conditions()[:2]), full, rtol=0, atol=3e-6 * full.std().item())
    plain = folded(strong(4, conditioned=True))
    with torch.inference_mode():
        torch.testing.assert_close(plain(steps, conditions()[:2]), strong(4, conditioned=True)(steps, conditions()[:2]))


@pytest.mark.parametrize("name", ["native", "graph", "triton"])
def test_engines_of_wavenets_are_refused(name: str) -> None:
    with pytest.raises(EngineError, match="transformers"):
        build_engine(strong(3), 1, SETTINGS, EngineSettings(name))  # type: ignore[arg-type]
