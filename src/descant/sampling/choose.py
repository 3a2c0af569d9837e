"""Which engine draws: the one asked for, or the fastest that works here."""

import gc
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from descant.config.models import EngineName
from descant.errors import EngineError, SamplingError
from descant.layers.transformer import Transformer
from descant.layers.wavenet import WaveNet
from descant.sampling.draw import draw as draw_from
from descant.sampling.engine import STEPS_PER_REPLAY, DrawSettings, Engine, EngineSettings
from descant.sampling.graph import GraphEngine
from descant.sampling.reference import ReferenceEngine
from descant.sampling.transformer_engine import TransformerEngine
from descant.sampling.transformer_weights import rounded_transformer
from descant.sampling.weights import rounded_weights
from descant.systems.drawable import Autoregressive

log = logging.getLogger(__name__)

# an engine whose logits differ from the full forward pass by more, in their standard deviations, is not used (ours)
TOLERANCE = 1e-3
BFLOAT16_TOLERANCE = 0.25
# it is compared over a receptive field, or what this many multiplications allow, and at least so many steps
COMPARED_MULTIPLICATIONS = 1e11
LEAST_COMPARED_STEPS = 64
TIMED_STEPS = 64
# what it draws is compared with draws from its logits, over two of a GPU's replays; rounding parts fewer (ours)
DRAWN_STEPS = 2 * STEPS_PER_REPLAY
MOST_UNLIKE = 1 / 16


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


@dataclass(frozen=True)
class Engines:
    """The engines of one type of network; the last of each list works everywhere.

    Attributes:
        on_cpu: fastest first.
        on_gpu: they are timed on the spot.
        make: builds the one of a name for a network, a batch, a way to draw, and settings.
        rounded: a copy of a network whose matrices are rounded to 16 bits.
    """

    on_cpu: tuple[EngineName, ...]
    on_gpu: tuple[EngineName, ...]
    make: Callable[[EngineName, Any, int, DrawSettings, EngineSettings], Engine]
    rounded: Callable[[Any], Autoregressive]


def build_engine(
    network: Autoregressive,
    batch: int,
    draw: DrawSettings,
    settings: EngineSettings,
    begun_by: EngineName | None = None,
) -> Engine:
    """The engine that is asked for; ``auto`` takes the fastest that works here, at worst the reference.

    Args:
        network: with its weights, on its device; of a type in ``ENGINES``.
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
    engines = ENGINES[type(network)]
    if settings.precision != "float32":
        network = engines.rounded(network)
    if isinstance(network, WaveNet):
        network = network.damped(draw.loudest)
    trial = _trial(network, batch, BFLOAT16_TOLERANCE if settings.precision == "bfloat16" else TOLERANCE)
    if draw.guidance != 1 and trial.conditioning is not None:
        # a sequence's two rows are given the same, which leaves its logits as they are
        trial = replace(trial, conditioning=trial.conditioning.repeat_interleave(2, 0))

    def build(name: EngineName) -> Engine:
        return _compared(name, engines.make, network, batch, draw, settings, trial)

    if settings.name != "auto":
        return build(settings.name)
    on_gpu = network.device.type == "cuda"
    names = engines.on_gpu if on_gpu else engines.on_cpu
    if begun_by in names:
        names = (begun_by, *(name for name in names if name != begun_by))
    refusals = []
    timed: dict[EngineName, float] = {}
    for name in names:
        if name == names[-1] and timed:
            break
        try:
            engine = build(name)
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
    return build(min(timed, key=lambda name: timed[name]))


def _compared(
    name: EngineName,
    make: Callable[[EngineName, Any, int, DrawSettings, EngineSettings], Engine],
    network: Autoregressive,
    batch: int,
    draw: DrawSettings,
    settings: EngineSettings,
    trial: Trial,
) -> Engine:
    """Build an engine by its name and compare it with the full forward pass."""
    try:
        engine = make(name, network, batch, draw, settings)
        fresh = engine.state()
        difference = (engine.follow(trial.steps, trial.conditioning)[:1] - trial.logits).abs().max().item()
        engine.load_state(fresh)
        unlike = _unlike(engine, draw, trial)
    except torch.OutOfMemoryError as error:
        raise EngineError(f"engine {name}: the GPU's memory is full", "draw fewer sequences side by side") from error
    # written so that NaN is refused too
    if not difference <= trial.tolerance:
        raise EngineError(
            f"engine {name} does not agree with the full forward pass: logits differ by {difference:.2g}",
            "report this with the kind of CPU or GPU; meanwhile set sampling.engine to another",
        )
    if unlike > MOST_UNLIKE:
        raise EngineError(
            f"engine {name} does not draw what its logits say: {unlike:.0%} of its steps are others",
            "report this with the kind of CPU or GPU; meanwhile set sampling.engine to another",
        )
    engine.load_state(fresh)
    return engine


def _unlike(engine: Engine, settings: DrawSettings, trial: Trial) -> float:
    """The share of drawn steps that are not those of its own logits along them: a GPU replays only what is drawn."""
    fresh = engine.state()
    shape = (len(trial.steps), DRAWN_STEPS)
    uniforms = torch.rand(shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    drawn = engine.generate(uniforms, trial.conditioning)
    engine.load_state(fresh)
    logits = engine.follow(drawn, trial.conditioning)
    expected = draw_from(logits.flatten(0, 1), uniforms.flatten(), settings.temperature, settings.top_p, settings.top_k)
    return (expected != drawn.flatten()).double().mean().item()


def _wavenet_engine(
    name: EngineName, wavenet: WaveNet, batch: int, draw: DrawSettings, settings: EngineSettings
) -> Engine:
    """An engine that draws from a WaveNet. They are imported where they are made: not every machine can import all."""
    precision, threads = settings.precision, settings.threads
    if draw.guidance != 1:
        raise EngineError("a WaveNet has no labels, from which guidance could go", "set sampling.guidance to 1")
    if draw.top_k:
        raise EngineError("a WaveNet's engines draw without top_k", "set sampling.top_k to 0, and top_p instead")
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


def _transformer_engine(
    name: EngineName, network: Transformer, batch: int, draw: DrawSettings, settings: EngineSettings
) -> Engine:
    """An engine that draws from a transformer."""
    if settings.precision == "bfloat16":
        raise EngineError("transformers are not drawn in bfloat16", "choose precision: bfloat16_weights")
    match name:
        case "numba":
            from descant.sampling.numba_transformer import NumbaTransformerEngine

            return NumbaTransformerEngine(network, batch, draw, settings.precision, settings.threads)
        case "reference":
            return TransformerEngine(network, batch, draw)
        case _:
            raise EngineError(f"engine {name} draws no transformers", "set sampling.engine to auto")


# by the type of the network; on a CPU in the order that benchmarks/sampling.py finds
ENGINES: Mapping[type, Engines] = {
    WaveNet: Engines(
        ("native", "numba", "reference"), ("triton", "graph", "reference"), _wavenet_engine, rounded_weights
    ),
    Transformer: Engines(("numba", "reference"), ("reference",), _transformer_engine, rounded_transformer),
}


@torch.inference_mode()
def _trial(network: Autoregressive, batch: int, tolerance: float) -> Trial:
    """Random steps, and the network's own logits of them.

    Raises:
        SamplingError: when these are not finite.
    """
    affordable = int(COMPARED_MULTIPLICATIONS / (batch * network.multiplications))
    count = max(LEAST_COMPARED_STEPS, min(affordable, network.receptive_field + 2 * LEAST_COMPARED_STEPS))
    count = -(-count // network.hop) * network.hop
    steps = torch.randint(network.classes, (batch, count), generator=torch.Generator().manual_seed(1))
    held, conditioning = None, None
    if network.conditioning_channels:
        shape = (batch, count // network.hop, network.conditioning_channels)
        held = torch.randn(shape, generator=torch.Generator().manual_seed(2)).to(network.device)
        conditioning = network.layer_conditioning(held)
        held = held[:1]
    logits = network(steps[:1].to(network.device), held).float().cpu()
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
