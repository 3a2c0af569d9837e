"""What is set before torch is used: float32 products that are float32 on a GPU too."""

import os
from collections.abc import Callable, Iterator

import pytest
import torch
from engine_laws import wavenet_of
from tf32 import EmulatedTF32
from torch import nn

from descant.commands.set_up import set_up_torch
from descant.config.networks import ADA
from descant.sampling.choose import build_engine
from descant.sampling.engine import DrawSettings, EngineSettings
from descant.systems.ada import ADASystem

CLASSES = 256


@pytest.fixture(autouse=True)
def allowed_before() -> Iterator[None]:
    """TF32 and determinism as a machine's torch may have them before anything is set; all is as it was afterwards."""
    flags = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    threads, mode = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.set_deterministic_debug_mode("default")
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = flags
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode(mode)


def test_codes_are_those_of_full_float32(
    tiny_ada: Callable[..., ADA], lively: Callable[[nn.Module], nn.Module]
) -> None:
    torch.manual_seed(1)
    vq = {"kind": "vq", "classes": 64, "query_dim": 8}
    system = lively(ADASystem(tiny_ada(vq), CLASSES).eval())
    assert isinstance(system, ADASystem)
    steps = torch.randint(CLASSES, (8, 4000), generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        queries = system.encoder(steps)
        system.bottleneck.codebook.copy_(queries.flatten(0, 1)[:64])  # type: ignore[operator, union-attr]
        expected = system.encode(steps)
        with EmulatedTF32() as with_tf32:
            assert not torch.equal(system.encode(steps), expected), "TF32 moves codes"
        assert with_tf32.rounds == with_tf32.seen > 2
        set_up_torch(1, 0)
        with EmulatedTF32() as mode:
            assert torch.equal(system.encode(steps), expected)
    assert mode.seen == with_tf32.seen and mode.rounds == 0


@pytest.mark.gpu
def test_a_gpu_s_codes_are_the_cpu_s(tiny_ada: Callable[..., ADA], lively: Callable[[nn.Module], nn.Module]) -> None:
    torch.manual_seed(1)
    system = lively(ADASystem(tiny_ada({"kind": "vq", "classes": 64, "query_dim": 8}), CLASSES).eval())
    assert isinstance(system, ADASystem)
    steps = torch.randint(CLASSES, (8, 4000), generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        system.bottleneck.codebook.copy_(system.encoder(steps).flatten(0, 1)[:64])  # type: ignore[operator, union-attr]
        expected = system.encode(steps)
        set_up_torch(1, 1)
        there = system.to("cuda").encode(steps.to("cuda")).cpu()
    # where two codes are equally near, rounding decides
    assert (there != expected).double().mean() < 1e-3


@pytest.mark.parametrize("compiled", [False, True])
def test_only_a_cpu_is_deterministic(monkeypatch: pytest.MonkeyPatch, compiled: bool) -> None:
    """On a GPU that mode makes sorts of scattered writes, and takes choices from the compiler."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setenv("TORCHINDUCTOR_COMPILE_THREADS", "")
    del os.environ["TORCHINDUCTOR_COMPILE_THREADS"]
    assert set_up_torch(1, 1, compiled) == torch.device("cuda")
    assert os.environ.get("TORCHINDUCTOR_COMPILE_THREADS") == ("4" if compiled else None), "memory is asked for so many"
    assert not torch.are_deterministic_algorithms_enabled()
    assert set_up_torch(1, 0, compiled) == torch.device("cpu")
    assert torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("name", ["graph", "reference"])
def test_no_engine_is_refused_for_conditioning_that_was_rounded(name: str) -> None:
    set_up_torch(1, 0)
    with EmulatedTF32() as mode:
        build_engine(wavenet_of(hop=4, gain=3.0), 2, DrawSettings(), EngineSettings(name))  # type: ignore[arg-type]
    assert mode.seen and not mode.rounds
