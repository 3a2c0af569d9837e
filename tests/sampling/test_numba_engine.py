"""The numba engine obeys the laws of engines, in one compiled loop whatever the batch and the threads."""

import importlib
import itertools
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
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
from descant.errors import EngineError
from descant.layers.wavenet import WaveNet
from descant.sampling.engine import DrawSettings, Engine
from descant.sampling.numba_engine import NumbaEngine
from descant.sampling.weights import rounded_weights


def build_in(precision: Precision = "float32", threads: int = 1) -> Build:
    def build(wavenet: WaveNet, batch: int, draw: DrawSettings) -> Engine:
        return NumbaEngine(wavenet, batch, draw, precision, threads)

    return build


build = build_in()


@pytest.mark.parametrize(("hop", "start_kernel", "kernel"), list(itertools.product((0, 1, 4), (1, 3), (2, 3, 4))))
def test_logits_equal_those_of_the_full_pass(hop: int, start_kernel: int, kernel: int) -> None:
    wavenet = wavenet_of(hop=hop, start_kernel=start_kernel, kernel=kernel)
    logits_equal_the_full_pass(build, wavenet, batch=2, steps=60, tolerance=1e-5)


@pytest.mark.parametrize(
    "shape",
    [
        {"classes": 2},
        {"classes": 3000},
        {"residual_channels": 17, "input": "scalar"},
        {"residual_channels": 40, "gate_channels": 66, "skip_channels": 33, "classes": 65},
        {"stacks": 1, "layers_per_stack": 1},
        {"residual_channels": 32, "gate_channels": 128, "skip_channels": 64, "classes": 256, "hop": 3},
    ],
)
def test_any_shape(shape: dict[str, Any]) -> None:
    wavenet = wavenet_of(**shape)
    logits_equal_the_full_pass(build, wavenet, batch=5, steps=48, tolerance=1e-5)
    draws_equal_the_reference(build, wavenet, 5, 48, DrawSettings())


@pytest.mark.parametrize("top_p", [1.0, 0.8])
@pytest.mark.parametrize("temperature", [1.0, 0.1])
@pytest.mark.parametrize("hop", [0, 5])
def test_draws_equal_the_reference(hop: int, temperature: float, top_p: float) -> None:
    wavenet = wavenet_of(classes=64, hop=hop, start_kernel=3, kernel=3)
    draws_equal_the_reference(build, wavenet, 3, 500, DrawSettings(temperature, top_p))


def test_many_draws_equal_the_reference() -> None:
    draws_equal_the_reference(build, wavenet_of(), 2, 5_000, DrawSettings())


def test_equal_classes_leave_the_nucleus_from_the_last() -> None:
    wavenet = wavenet_of(classes=40)
    with torch.no_grad():
        wavenet.logits.weight.zero_()
        wavenet.logits.bias.copy_(torch.arange(40) // 20)
    draws_equal_the_reference(build, wavenet, 1, 200, DrawSettings(top_p=0.5))


@pytest.mark.parametrize("top_p", [1.0, 0.9])
def test_a_class_of_minus_infinite_logit_is_never_drawn(top_p: float) -> None:
    wavenet = wavenet_of()
    with torch.no_grad():
        wavenet.logits.bias[[0, 4, 10]] = -math.inf
    draws_equal_the_reference(build, wavenet, 2, 100, DrawSettings(top_p=top_p))
    numbers = torch.tensor([[0.0, 0.0, 1 - 2**-53, 1 - 2**-53]], dtype=torch.float64)
    drawn = build(wavenet, 1, DrawSettings(top_p=top_p)).generate(numbers, None)
    assert not set(drawn.flatten().tolist()) & {0, 4, 10}


@pytest.mark.parametrize("part", ["layers.0.convolution.linear", "layers.2.residual", "skip", "head", "logits"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_broken_weight_shows(part: str, value: float) -> None:
    wavenet = wavenet_of()
    with torch.no_grad():
        wavenet.get_submodule(part).weight[:] = value
    logits = build(wavenet, 1, SETTINGS).follow(torch.ones(1, 20, dtype=torch.int64), None)
    assert not logits.isfinite().all()


@pytest.mark.parametrize("hop", [0, 4])
def test_rounded_weights_equal_the_full_pass(hop: int) -> None:
    wavenet = rounded_weights(wavenet_of(classes=64, hop=hop, kernel=3, residual_channels=40))
    rounded = build_in("bfloat16_weights")
    logits_equal_the_full_pass(rounded, wavenet, batch=5, steps=60, tolerance=1e-5)
    draws_equal_the_reference(rounded, wavenet, 5, 200, SETTINGS)
    a_sequence_stands_alone(rounded, wavenet, batch=5, steps=40)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("hop", [0, 4])
def test_a_sequence_stands_alone(hop: int, threads: int) -> None:
    a_sequence_stands_alone(build_in(threads=threads), wavenet_of(hop=hop), batch=7, steps=120)


@pytest.mark.parametrize("precision", ["float32", "bfloat16_weights"])
def test_logits_are_the_same_to_the_last_bit_whatever_the_batch_and_the_threads(precision: Precision) -> None:
    wavenet = rounded_weights(wavenet_of(classes=40, hop=4, residual_channels=33, gate_channels=70))
    _, by_layer = conditioning_of(wavenet, 9, 40)
    assert by_layer is not None
    steps = torch.randint(40, (9, 40), generator=torch.Generator().manual_seed(3))
    alone = [
        NumbaEngine(wavenet, 1, SETTINGS, precision, 1).follow(steps[row : row + 1], by_layer[row : row + 1])
        for row in range(9)
    ]
    for threads in (1, 2, 4, 20):
        together = NumbaEngine(wavenet, 9, SETTINGS, precision, threads).follow(steps, by_layer)
        assert torch.equal(together, torch.cat(alone)), f"{threads} threads"


@pytest.mark.parametrize("hop", [0, 4])
def test_it_goes_on_from_any_state(hop: int) -> None:
    wavenet = wavenet_of(hop=hop, start_kernel=3, kernel=3)
    it_goes_on_from_any_state(build, wavenet, batch=2, steps=80, stops=[4, 8, 28, 76])


@pytest.mark.parametrize("hop", [0, 4])
def test_following_then_drawing_is_one_walk(hop: int) -> None:
    following_then_drawing_is_one_walk(build, wavenet_of(hop=hop, start_kernel=3), batch=2, steps=60)
    a_primed_draw_equals_the_reference(build, wavenet_of(hop=hop, start_kernel=3), batch=2, steps=62, primed=20)


def test_activations_in_bfloat16_are_refused() -> None:
    with pytest.raises(EngineError, match="bfloat16"):
        NumbaEngine(wavenet_of(), 1, SETTINGS, "bfloat16", 1)


def _import_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("numba_engine", "numba_kernels"):
        monkeypatch.delitem(sys.modules, f"descant.sampling.{module}")
    importlib.import_module("descant.sampling.numba_engine")


def test_without_numba_the_engine_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(EngineError, match=r"requirements\.txt"):
        _import_anew(monkeypatch)


def test_without_a_folder_to_write_the_engine_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    # root can write everywhere, so that no folder is taken for one that cannot be written
    monkeypatch.setattr("numba.core.caching._CacheLocator.ensure_cache_path", _refuse)
    with pytest.raises(EngineError, match="NUMBA_CACHE_DIR"):
        _import_anew(monkeypatch)


def _refuse(_: object) -> None:
    raise PermissionError


DRAW = """
import sys
import torch
from engine_laws import SETTINGS, wavenet_of
from descant.sampling.numba_engine import NumbaEngine
from descant.sampling.numba_kernels import advance
engine = NumbaEngine(wavenet_of(), 1, SETTINGS, sys.argv[1], 1)
print(engine.generate(torch.full((1, 8), 0.5, dtype=torch.float64), None).tolist(), len(advance.stats.cache_misses))
"""


@pytest.mark.slow
def test_the_machine_code_is_made_once_though_processes_want_it_at_the_same_time(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parent),
    }

    def start(precision: Precision) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", DRAW, precision]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    outputs = [process.communicate() for process in [start("float32"), start("float32"), start("bfloat16_weights")]]
    floats = [out.split("]] ") for out, _ in outputs[:2]]
    assert floats[0][0] == floats[1][0]
    assert sorted(int(misses) for _, misses in floats) == [0, 1]
    again = [start(precision).communicate()[0] for precision in ("float32", "bfloat16_weights")]
    assert again[0].split("]] ") == [floats[0][0], "0\n"]
    assert again[1] == outputs[2][0].replace("]] 1", "]] 0")


@pytest.mark.parametrize("hop", [0, 4])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_predictor_inside(hop: int, threads: int) -> None:
    a_predictor_inside_obeys_all_laws(build_in(threads=threads), hop)
