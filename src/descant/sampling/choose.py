"""Which engine draws: the one asked for, or the fastest that works here."""

import gc
import logging
import time
from dataclasses import dataclass

import torch
from torch import Tensor

from descant.config.models import EngineName
from descant.errors import EngineError, SamplingError
from descant.layers.wavenet import WaveNet
from descant.sampling.engine import DrawSettings, Engine, EngineSettings
from descant.sampling.graph import GraphEngine
from descant.sampling.precision import without_tf32
from descant.sampling.reference import ReferenceEngine
from descant.sampling.weights import rounded_weights, step_weights

log = logging.getLogger(__name__)

# on a CPU in the order that benchmarks/sampling.py finds; on a GPU they are timed on the spot
ON_CPU: tuple[EngineName, ...] = ("native", "numba", "reference")
ON_GPU: tuple[EngineName, ...] = ("triton", "graph", "reference")
# an engine whose logits differ from the full forward pass by more, in their standard deviations, is not used (ours)
TOLERANCE = 1e-3
BFLOAT16_TOLERANCE = 0.25
# it is compared over a receptive field, or what this many multiplications allow, and at least so many steps
COMPARED_MULTIPLICATIONS = 1e11
LEAST_COMPARED_STEPS = 64
TIMED_STEPS = 64


@dataclass(frozen=True)
class Trial:
    """Steps that every engine is tried on.

    Attributes:
        steps: int64 ``(batch, count)``.
        conditioning: of them, as engines take it.
        logits: of the model's full forward pass for the first of the sequences, ``(1, count, classes)``.
        tolerance: by how much an engine's may differ.
    """

    steps: Tensor
    conditioning: Tensor | None
    logits: Tensor
    tolerance: float


def build_engine(
    wavenet: WaveNet, batch: int, draw: DrawSettings, settings: EngineSettings, begun_by: EngineName | None = None
) -> Engine:
    """The engine that is asked for; ``auto`` takes the fastest that works here, at worst the reference.

    Args:
        wavenet: with its weights, on its device.
        batch: sequences drawn side by side.
        draw: temperature and nucleus.
        settings: which engine, in which numbers.
        begun_by: the engine that began this draw, which ``auto`` takes if it still works.

    Returns:
        A fresh engine, whose logits were compared with the model's full forward pass.

    Raises:
        EngineError: when none that may be taken works here.
        SamplingError: when the model cannot be drawn from by any engine.
    """
    if settings.precision != "float32":
        wavenet = rounded_weights(wavenet)
    trial = _trial(wavenet, batch, BFLOAT16_TOLERANCE if settings.precision == "bfloat16" else TOLERANCE)
    if settings.name != "auto":
        return _build(settings.name, wavenet, batch, draw, settings, trial)
    on_gpu = _device(wavenet).type == "cuda"
    names = ON_GPU if on_gpu else ON_CPU
    if begun_by in names:
        names = (begun_by, *(name for name in names if name != begun_by))
    refusals = []
    timed: dict[EngineName, float] = {}
    for name in names:
        if name == "reference" and timed:
            break
        try:
            engine = _build(name, wavenet, batch, draw, settings, trial)
        except EngineError as error:
            log.info("engine %s is passed over: %s", name, error.problem)
            refusals.append(error)
            continue
        if not on_gpu or name == begun_by:
            return engine
        timed[name] = _seconds(engine, trial)
        log.info("engine %s: %.0f steps/s", name, batch * TIMED_STEPS / timed[name])
        # two engines at once may not fit
        del engine
        gc.collect()
    if not timed:
        raise refusals[-1]
    return _build(min(timed, key=lambda name: timed[name]), wavenet, batch, draw, settings, trial)


def _build(
    name: EngineName, wavenet: WaveNet, batch: int, draw: DrawSettings, settings: EngineSettings, trial: Trial
) -> Engine:
    """Build an engine by its name and compare it with the full forward pass."""
    try:
        engine = _make(name, wavenet, batch, draw, settings)
        fresh = engine.state()
        difference = (engine.follow(trial.steps, trial.conditioning)[:1] - trial.logits).abs().max().item()
    except torch.OutOfMemoryError as error:
        raise EngineError(f"engine {name}: the GPU's memory is full", "draw fewer sequences side by side") from error
    # written so that NaN is refused too
    if not difference <= trial.tolerance:
        raise EngineError(
            f"engine {name} does not agree with the full forward pass: logits differ by {difference:.2g}",
            "report this with the kind of CPU or GPU; meanwhile set sampling.engine to another",
        )
    engine.load_state(fresh)
    return engine


def _make(name: EngineName, wavenet: WaveNet, batch: int, draw: DrawSettings, settings: EngineSettings) -> Engine:
    """Engines are imported where they are made: not every machine can import them all."""
    precision, threads = settings.precision, settings.threads
    match name:
        case "native":
            from descant.sampling.native import NativeEngine

            return NativeEngine(wavenet, batch, draw, precision, threads)
        case "numba":
            from descant.sampling.numba_engine import NumbaEngine

            return NumbaEngine(wavenet, batch, draw, precision, threads)
        case "graph":
            return GraphEngine(wavenet, batch, draw, precision)
        case "triton":
            from descant.sampling.triton_engine import TritonEngine

            return TritonEngine(wavenet, batch, draw, precision)
        case _:
            if precision == "bfloat16":
                raise EngineError("the reference does not compute in bfloat16", "choose precision: bfloat16_weights")
            return ReferenceEngine(wavenet, batch, draw)


@torch.inference_mode()
def _trial(wavenet: WaveNet, batch: int, tolerance: float) -> Trial:
    """Steps drawn by lot, and the model's own logits of them.

    Raises:
        SamplingError: when these are not finite.
    """
    affordable = int(COMPARED_MULTIPLICATIONS / (batch * step_weights(wavenet).multiplications))
    count = max(LEAST_COMPARED_STEPS, min(affordable, wavenet.receptive_field + 2 * LEAST_COMPARED_STEPS))
    count = -(-count // wavenet.hop) * wavenet.hop
    steps = torch.randint(wavenet.classes, (batch, count), generator=torch.Generator().manual_seed(1))
    held, conditioning, device = None, None, _device(wavenet)
    if wavenet.condition is not None:
        shape = (batch, count // wavenet.hop, wavenet.condition.in_features)
        held = torch.randn(shape, generator=torch.Generator().manual_seed(2)).to(device)
        conditioning = wavenet.layer_conditioning(held)
        held = held[:1]
    with without_tf32():
        logits = wavenet(steps[:1].to(device), held).float().cpu()
    if not logits.isfinite().all():
        raise SamplingError("the model's logits are not finite: it cannot be drawn from", "train it again")
    return Trial(steps, conditioning, logits, tolerance * max(1.0, logits.std().item()))


def _seconds(engine: Engine, trial: Trial) -> float:
    """Seconds for some steps, the second time round."""
    uniforms = torch.full((len(trial.steps), TIMED_STEPS), 0.5, dtype=torch.float64)
    fresh = engine.state()
    seconds = 0.0
    for _ in range(2):
        engine.load_state(fresh)
        began = time.perf_counter()
        engine.generate(uniforms, trial.conditioning)
        seconds = time.perf_counter() - began
    return seconds


def _device(wavenet: WaveNet) -> torch.device:
    return wavenet.start.linear.weight.device
