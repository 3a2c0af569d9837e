"""Which engine draws: the one asked for, or the fastest that works here."""

import logging
import time

import torch
from torch import Tensor

from descant.config.models import EngineName
from descant.errors import EngineError, SamplingError
from descant.layers.wavenet import WaveNet
from descant.sampling.engine import DrawSettings, Engine, EngineSettings
from descant.sampling.graph import GraphEngine, without_tf32
from descant.sampling.reference import ReferenceEngine
from descant.sampling.weights import rounded_weights

log = logging.getLogger(__name__)

# on a CPU in the order that benchmarks/sampling.py finds; on a GPU they are timed on the spot
ON_CPU: tuple[EngineName, ...] = ("native", "numba")
ON_GPU: tuple[EngineName, ...] = ("triton", "graph")
# an engine whose logits differ from the reference's by more is not used (ours)
TOLERANCE = 1e-3
CHECKED_STEPS = 16
TIMED_STEPS = 64


def build_engine(wavenet: WaveNet, batch: int, draw: DrawSettings, settings: EngineSettings) -> Engine:
    """The engine that is asked for; ``auto`` takes the fastest that works here, at worst the reference.

    Args:
        wavenet: with its weights, on its device.
        batch: sequences drawn side by side.
        draw: temperature and nucleus.
        settings: which engine, in which numbers.

    Returns:
        A fresh engine, whose logits were compared with the reference's over some steps.

    Raises:
        EngineError: when the one asked for by name does not work here.
        SamplingError: when the model cannot be drawn from by any engine.
    """
    if settings.precision != "float32":
        wavenet = rounded_weights(wavenet)
    if settings.name != "auto":
        return _build(settings.name, wavenet, batch, draw, settings)
    device = _device(wavenet)
    working = []
    for name in ON_CPU if device.type == "cpu" else ON_GPU:
        try:
            engine = _build(name, wavenet, batch, draw, settings)
        except EngineError as error:
            log.info("engine %s is passed over: %s", name, error.problem)
            continue
        if device.type == "cpu":
            return engine
        working.append(engine)
    if not working:
        return _build("reference", wavenet, batch, draw, settings)
    return min(working, key=lambda engine: _seconds(engine, wavenet, batch))


def _build(name: EngineName, wavenet: WaveNet, batch: int, draw: DrawSettings, settings: EngineSettings) -> Engine:
    """Build an engine by its name and compare it with the reference.

    Engines are imported where they are built: not every machine can import them all.
    """
    precision, threads = settings.precision, settings.threads
    engine: Engine
    match name:
        case "native":
            from descant.sampling.native import NativeEngine

            engine = NativeEngine(wavenet, batch, draw, precision, threads)
        case "numba":
            from descant.sampling.numba_engine import NumbaEngine

            engine = NumbaEngine(wavenet, batch, draw, precision, threads)
        case "graph":
            engine = GraphEngine(wavenet, batch, draw, precision)
        case "triton":
            from descant.sampling.triton_engine import TritonEngine

            engine = TritonEngine(wavenet, batch, draw, precision)
        case _:
            if precision == "bfloat16":
                raise EngineError(
                    "the reference engine does not compute in bfloat16", "choose precision: bfloat16_weights"
                )
            return ReferenceEngine(wavenet, batch, draw)
    if precision != "bfloat16":
        _compare(engine, wavenet, batch, draw)
    return engine


def _compare(engine: Engine, wavenet: WaveNet, batch: int, draw: DrawSettings) -> None:
    """Let an engine and the reference follow the same steps, then set the engine back to its start.

    Raises:
        EngineError: when their logits differ.
        SamplingError: when those of the reference are not finite.
    """
    steps = torch.randint(wavenet.classes, (batch, CHECKED_STEPS), generator=torch.Generator().manual_seed(1))
    conditioning = _some_conditioning(wavenet, batch, CHECKED_STEPS)
    fresh = engine.state()
    with without_tf32():
        expected = ReferenceEngine(wavenet, batch, draw).follow(steps, conditioning)
    difference = (engine.follow(steps, conditioning) - expected).abs().max().item()
    if not expected.isfinite().all():
        raise SamplingError("the model's logits are not finite: it cannot be drawn from", "train it again")
    # written so that NaN is refused too
    if not difference <= TOLERANCE:
        raise EngineError(
            f"engine {engine.name} does not agree with the reference: logits differ by {difference:.2g}",
            "report this with the kind of CPU or GPU; meanwhile set sampling.engine to another",
        )
    engine.load_state(fresh)


def _seconds(engine: Engine, wavenet: WaveNet, batch: int) -> float:
    """Seconds for some steps, the second time round; the engine is set back to its start."""
    uniforms = torch.full((batch, TIMED_STEPS), 0.5, dtype=torch.float64)
    conditioning = _some_conditioning(wavenet, batch, TIMED_STEPS)
    fresh = engine.state()
    seconds = 0.0
    for _ in range(2):
        began = time.perf_counter()
        engine.generate(uniforms, conditioning)
        seconds = time.perf_counter() - began
        engine.load_state(fresh)
    log.info("engine %s: %.0f steps/s", engine.name, batch * TIMED_STEPS / seconds)
    return seconds


@torch.inference_mode()
def _some_conditioning(wavenet: WaveNet, batch: int, steps: int) -> Tensor | None:
    if wavenet.condition is None:
        return None
    shape = (batch, -(-steps // wavenet.hop), wavenet.condition.in_features)
    held = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    return wavenet.layer_conditioning(held.to(_device(wavenet)))


def _device(wavenet: WaveNet) -> torch.device:
    return wavenet.start.linear.weight.device
