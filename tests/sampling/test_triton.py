"""The triton engine obeys the laws of engines: interpreted on a CPU, compiled on a GPU."""

import copy
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from engine_laws import (
    a_primed_draw_equals_the_reference,
    a_sequence_stands_alone,
    draws_equal_the_reference,
    following_then_drawing_is_one_walk,
    it_goes_on_from_any_state,
    logits_equal_the_full_pass,
    predicting_wavenet,
    predictions_equal_the_stream_s,
    wavenet_of,
)

from descant.config.models import Precision
from descant.errors import EngineError
from descant.layers.wavenet import WaveNet
from descant.sampling.engine import DrawSettings, Engine
from descant.sampling.triton_engine import BLOCK, MOST_AT_ONCE, MOST_CLASSES, TILE, TritonEngine
from descant.sampling.weights import rounded_weights

Hold = Callable[..., None]
SMALL: dict[str, Any] = {"stacks": 1, "layers_per_stack": 2}


def engine_on(device: str, precision: Precision, wavenet: WaveNet, batch: int, draw: DrawSettings) -> Engine:
    return TritonEngine(copy.deepcopy(wavenet).to(device), batch, draw, precision)


@pytest.fixture(scope="module", params=["interpreted", pytest.param("compiled", marks=pytest.mark.gpu)])
def hold(request: pytest.FixtureRequest) -> Iterator[Hold]:
    """Holds the engine to a law: ``hold(law, precision, wavenet, ...)``."""
    if request.param == "compiled":
        yield lambda law, precision, *rest: law(partial(engine_on, "cuda", precision), *rest)
        return
    # the variable that makes Triton interpret is read at import, so this takes a process of its own
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_INTERPRET", "1")
        pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        pool.submit(torch.set_num_threads, 1).result()
    with pool:
        yield lambda law, precision, *rest: pool.submit(law, partial(engine_on, "cpu", precision), *rest).result()


@pytest.mark.parametrize(("hop", "start_kernel", "kernel"), [(0, 1, 2), (2, 3, 3)])
def test_logits_equal_those_of_the_full_pass(hold: Hold, hop: int, start_kernel: int, kernel: int) -> None:
    wavenet = wavenet_of(hop=hop, start_kernel=start_kernel, kernel=kernel, **SMALL)
    hold(logits_equal_the_full_pass, "float32", wavenet, 2, 14, 1e-4)


def test_widths_beyond_one_block(hold: Hold) -> None:
    wide = wavenet_of(20, residual_channels=17, gate_channels=38, skip_channels=40, gain=1.5, **SMALL)
    hold(logits_equal_the_full_pass, "float32", wide, 1, 8, 1e-4)


@pytest.mark.parametrize("precision", ["float32", "bfloat16_weights"])
def test_widths_that_are_read_in_blocks(hold: Hold, precision: Precision) -> None:
    wide = rounded_weights(wavenet_of(20, residual_channels=66, gate_channels=20, skip_channels=12, hop=2, **SMALL))
    hold(logits_equal_the_full_pass, precision, wide, 2, 8, 1e-4)
    hold(draws_equal_the_reference, precision, wide, 2, 8, DrawSettings(0.9, 0.8))


def test_16_bit_weights_are_exact(hold: Hold) -> None:
    wavenet = rounded_weights(wavenet_of(hop=1, **SMALL))
    hold(logits_equal_the_full_pass, "bfloat16_weights", wavenet, 1, 14, 1e-4)


def test_in_bfloat16_the_logits_move_a_little(hold: Hold) -> None:
    wavenet = rounded_weights(wavenet_of(gain=1.0, **SMALL))
    hold(logits_equal_the_full_pass, "bfloat16", wavenet, 1, 8, 0.05)
    with pytest.raises(AssertionError):
        hold(logits_equal_the_full_pass, "bfloat16", wavenet, 1, 8, 1e-4)


@pytest.mark.parametrize("top_p", [1.0, 0.8])
def test_draws_equal_the_reference_over_more_than_one_program(hold: Hold, top_p: float) -> None:
    wavenet = wavenet_of(hop=2, kernel=3, **SMALL)
    hold(draws_equal_the_reference, "float32", wavenet, TILE + 1, 9, DrawSettings(0.9, top_p))


def test_among_equally_probable_classes_the_nucleus_takes_the_first(hold: Hold) -> None:
    wavenet = wavenet_of(**SMALL)
    with torch.no_grad():
        # classes 0 to 3 far below, the others in two groups, of which the nucleus cuts the lower one
        wavenet.logits.weight.zero_()
        wavenet.logits.bias.copy_(torch.tensor([-9.0, -9, -9, -9, -0.0, 0, 1, 1, 0, 0, 0]))
    hold(draws_equal_the_reference, "float32", wavenet, TILE, 6, DrawSettings(1.0, 0.73))


def test_two_classes(hold: Hold) -> None:
    hold(draws_equal_the_reference, "float32", wavenet_of(2, **SMALL), 3, 12, DrawSettings(1.1, 0.9))


def test_walks(hold: Hold) -> None:
    wavenet = wavenet_of(hop=2, kernel=2, start_kernel=3, **SMALL)
    hold(a_sequence_stands_alone, "float32", wavenet, 2, 6)
    hold(it_goes_on_from_any_state, "float32", wavenet, 2, 8, [4])
    hold(following_then_drawing_is_one_walk, "float32", wavenet, 2, 8)
    hold(a_primed_draw_equals_the_reference, "float32", wavenet, 2, 8, 4)


@pytest.mark.parametrize("hop", [0, 4])
def test_a_predictor_inside(hold: Hold, hop: int) -> None:
    wavenet = predicting_wavenet(hop, **SMALL)
    # past the end of the predictor's first block, which is of 16 steps
    hold(logits_equal_the_full_pass, "float32", wavenet, 2, 20, 1e-4)
    hold(draws_equal_the_reference, "float32", wavenet, 2, 20, DrawSettings(0.9, 0.8))
    hold(it_goes_on_from_any_state, "float32", wavenet, 2, 20, [12])
    hold(predictions_equal_the_stream_s, "float32", wavenet, 20, False)


# bytes of shared memory that a program can have
SHARED = {80: 163 * 1024, 90: 227 * 1024}


@pytest.mark.skipif(sys.platform != "linux", reason="Triton is for Linux")
@pytest.mark.parametrize(
    ("width", "matrices", "nucleus", "mixture", "capability"),
    [
        (64, "*fp32", False, 0, 90),
        (64, "*bf16", True, 4, 80),
        (128, "*fp32", False, 0, 80),
        (128, "*bf16", False, 4, 90),
        (256, "*fp32", True, 0, 90),
    ],
)
def test_the_kernel_compiles_for_a_gpu_that_is_not_there(
    width: int,
    matrices: str,
    nucleus: bool,
    mixture: int,
    capability: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if os.environ.get("TRITON_INTERPRET") == "1":
        pytest.skip("an interpreted kernel is not compiled")
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    import triton
    import triton.language as tl
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from descant.sampling.triton_kernel import walk

    shape = {"CLASSES": 200, "HOP": 8, "HALF": width - 16, "LAYERS": 20, "TAPS": 3, "START_TAPS": 2, "TILE": TILE}
    widths = {"RESIDUAL": width, "GATED": width, "SKIP": 256, "LOGITS": 256, "BLOCK": BLOCK, "WIDEST": 256}
    widths |= {"MIXTURE": mixture, "OUTPUTS": 16, "ORDER": 240, "ORDER_WIDE": 256, "EVERY": 128, "WINDOW": 4096}
    constants = {**shape, **widths, "CONDITIONED": True, "NUCLEUS": nucleus, "PARTS": 3, "OPERANDS": tl.bfloat16}
    constants["IN_BLOCKS"] = width > MOST_AT_ONCE
    types = dict.fromkeys(("filters", "gates", "residual", "skip", "head", "logits_weight", "outputs_weight"), matrices)
    types |= dict.fromkeys(("dilations", "offsets", "history"), "*i32") | dict.fromkeys(("drawn", "given"), "*i64")
    types |= dict.fromkeys(("settings", "uniforms", "scales"), "*fp64") | dict.fromkeys(constants, "constexpr")
    types |= dict.fromkeys(("follows", "batch", "first_step", "begin", "end", "stride", "hops"), "i32")
    source = ASTSource(walk, {name: types.get(name, "*fp32") for name in walk.arg_names}, constants)
    options = {"num_warps": 8, "num_stages": 2}
    built = triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)
    assert "mma.sync" in built.asm["ptx"]
    # with the next block's weights fetched ahead
    assert built.metadata.shared <= SHARED[capability]


@pytest.mark.parametrize(
    ("wavenet", "problem"),
    [
        (wavenet_of(), "needs a GPU"),
        (wavenet_of(MOST_CLASSES + 1), f"{MOST_CLASSES + 1} classes"),
        (wavenet_of(skip_channels=2400), "23 MB"),
    ],
)
def test_where_it_cannot_work_it_says_so(wavenet: WaveNet, problem: str) -> None:
    if os.environ.get("TRITON_INTERPRET") == "1":
        pytest.skip("interpreted it works anywhere")
    with pytest.raises(EngineError, match=problem):
        TritonEngine(wavenet, 2, DrawSettings(), "float32")


def test_without_triton_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "triton", None)
    monkeypatch.delitem(sys.modules, "descant.sampling.triton_kernel", raising=False)
    with pytest.raises(EngineError, match="Triton cannot be imported"):
        TritonEngine(wavenet_of(), 2, DrawSettings(), "float32")
