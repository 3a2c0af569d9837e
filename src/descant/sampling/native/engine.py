"""The native engine: the whole loop over steps, layers and sequences in one call to C++ for each thread."""

import ctypes
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from descant.audio.mulaw import MU
from descant.config.models import EngineName, Precision
from descant.errors import EngineError
from descant.layers.prediction import ERROR_DIVISOR, LOG_DIVISOR, MOST_ERROR, MOST_WIDENING
from descant.layers.wavenet import WaveNet
from descant.prediction.constants import LEAST_SCALE, SCALE_RATE, SCALE_SHARE
from descant.sampling.engine import DrawSettings
from descant.sampling.native.build import load_kernel
from descant.sampling.native.packing import Layout, pack, packed_mixture
from descant.sampling.weights import StepWeights, step_weights

# steps for which past taps are computed at once; a power of two
AHEAD = 16
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16_weights", "bfloat16")


WIDTHS = ("residual", "half", "skip", "logits")
TABLES = ("start_tables", "position_tables", "start_bias")
BIASES = ("convolution_bias", "residual_bias", "skip_bias", "head_bias", "logits_bias")
MATRICES = ("past_taps", "present_tap", "mix", "head", "to_logits")


class _Prediction(ctypes.Structure):
    """``Prediction`` of prediction.hpp."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("order", "window", "every", "parts")),
        *((name, ctypes.c_double) for name in ("scale_rate", "scale_share", "least_scale", "error_divisor")),
        *((name, ctypes.c_double) for name in ("most_error", "log_divisor", "most_widening", "mu")),
        *((name, ctypes.c_void_p) for name in ("samples", "inputs", "log_weights", "widths", "edges")),
    )


class _Memory(ctypes.Structure):
    """``Memory`` of prediction.hpp."""

    _fields_ = tuple((name, ctypes.c_void_p) for name in ("past", "coefficients", "scales", "last"))


class _Network(ctypes.Structure):
    """``Network`` of wavenet.cpp."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("layers", "kernel", "start_kernel", "classes", "hop")),
        *((name, ctypes.c_int64) for name in WIDTHS),
        *((name, ctypes.c_int64) for name in ("gate_half", "share", "ahead", "precision")),
        *((name, ctypes.c_double) for name in ("temperature", "top_p")),
        *((name, ctypes.c_void_p) for name in ("dilations", *TABLES, *BIASES, *MATRICES)),
        ("prediction", _Prediction),
    )


_BEGIN_BLOCK = ctypes.CFUNCTYPE(None)


class _Walk(ctypes.Structure):
    """``Walk`` of wavenet.cpp."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("step", "count", "sequences", "hops")),
        *((name, ctypes.c_void_p) for name in ("conditioning", "uniforms", "given", "drawn", "followed")),
        *((name, ctypes.c_void_p) for name in ("rings", "activations", "recent")),
        ("memory", _Memory),
        ("begin_block", _BEGIN_BLOCK),
    )


class NativeEngine:
    """Draws from a WaveNet in C++.

    Each layer's ring holds its past inputs. A tap reads inputs from steps ago, so past taps are computed for up to
    ``AHEAD`` coming steps at once, which reads their weights once for all of them; that changes no sum.

    Args:
        wavenet: with its weights.
        batch: sequences drawn side by side.
        draw: temperature and nucleus.
        precision: what weights and products are; ``bfloat16`` also rounds what they are multiplied with.
        threads: at most; each gets its share of the sequences.

    Raises:
        EngineError: the kernel cannot be built here, or the CPU lacks products of bfloat16 where they are asked for.
    """

    def __init__(self, wavenet: WaveNet, batch: int, draw: DrawSettings, precision: Precision, threads: int) -> None:
        self.kernel = load_kernel()
        if precision == "bfloat16" and not self.kernel.has_bfloat16_products():
            raise EngineError("this CPU has no products of bfloat16", "choose precision: bfloat16_weights")
        weights = step_weights(wavenet)
        self.shares = torch.arange(batch).tensor_split(min(threads, batch))
        share = len(self.shares[0])
        layout = Layout(
            lanes=self.kernel.vector_lanes(),
            sixteen_bits=precision != "float32",
            tile=self.kernel.tile_vectors(share),
            past_tiles=tuple(self.kernel.tile_vectors(share * block) for block in _blocks(weights)),
        )
        self.weights = pack(weights, layout)
        self.dilations = torch.tensor(weights.dilations)
        self.predictor = wavenet.predictor(batch)
        self.mixture = None if weights.prediction is None else packed_mixture(weights.prediction, layout.lanes)
        self.residual, self.gate_half = weights.start_bias.size, weights.skip.shape[1]
        self.network = _Network(
            layers=len(weights.dilations),
            kernel=weights.kernel,
            start_kernel=weights.start_kernel,
            classes=weights.classes,
            hop=weights.hop,
            **{name: getattr(self.weights, name) for name in WIDTHS},
            gate_half=self.gate_half,
            share=share,
            ahead=AHEAD,
            precision=PRECISIONS.index(precision),
            temperature=draw.temperature,
            top_p=draw.top_p,
            dilations=_address(self.dilations),
            **{name: _address(getattr(self.weights, name)) for name in (*TABLES, *BIASES, *MATRICES)},
            prediction=self._prediction(),
        )
        self.step = 0
        self.rings = torch.zeros(batch, sum(weights.delays), self.weights.residual)
        # before the gated unit, of the layers' coming steps; filter and gate apart
        self.activations = torch.zeros(batch, len(weights.dilations), AHEAD, 2, self.weights.half)
        self.recent = torch.zeros(batch, weights.start_kernel, dtype=torch.int64)

    @property
    def name(self) -> EngineName:
        """See :class:`descant.sampling.engine.Engine`."""
        return "native"

    def _prediction(self) -> _Prediction:
        if self.predictor is None or self.mixture is None:
            return _Prediction()
        settings = self.predictor.settings
        return _Prediction(
            order=settings.order,
            window=settings.window,
            every=settings.every,
            parts=self.mixture["widths"].numel(),
            scale_rate=SCALE_RATE,
            scale_share=SCALE_SHARE,
            least_scale=LEAST_SCALE,
            error_divisor=ERROR_DIVISOR,
            most_error=MOST_ERROR,
            log_divisor=LOG_DIVISOR,
            most_widening=MOST_WIDENING,
            mu=MU,
            **{name: _address(tensor) for name, tensor in self.mixture.items()},
        )

    def generate(self, uniforms: Tensor, conditioning: Tensor | None) -> Tensor:
        """See :class:`descant.sampling.engine.Engine`."""
        drawn = torch.empty(uniforms.shape, dtype=torch.int64)
        self._go(conditioning, uniforms.shape[1], {"uniforms": uniforms.double().contiguous(), "drawn": drawn})
        return drawn

    def follow(self, steps: Tensor, conditioning: Tensor | None) -> Tensor:
        """See :class:`descant.sampling.engine.Engine`."""
        if steps.numel() and not 0 <= int(steps.min()) <= int(steps.max()) < self.network.classes:
            raise ValueError(f"a step to follow is not in 0 … {self.network.classes - 1}")
        followed = torch.empty(*steps.shape, self.network.classes)
        self._go(conditioning, steps.shape[1], {"given": steps.long().contiguous(), "followed": followed})
        return followed

    def _go(self, conditioning: Tensor | None, count: int, arrays: dict[str, Tensor]) -> None:
        """Go so many steps; arrays have a row for each sequence.

        Raises:
            EngineError: when memory is short.
            ValueError: when an array has not the shape that the kernel trusts.
        """
        hops = 0
        if conditioning is not None:
            conditioning = conditioning.cpu().float().contiguous()
            hops = conditioning.shape[1]
            if self.step % self.network.hop:
                raise ValueError(f"step {self.step} does not begin a hop of {self.network.hop}")
            if hops * self.network.hop < count or conditioning.shape[2:] != (self.network.layers, 2 * self.gate_half):
                raise ValueError(f"conditioning {tuple(conditioning.shape)} does not fit {count} steps of this model")
            arrays["conditioning"] = conditioning
        arrays |= {"rings": self.rings, "activations": self.activations, "recent": self.recent}
        if any(len(array) != len(self.recent) for array in arrays.values()):
            raise ValueError(f"this engine is for {len(self.recent)} sequences")

        def go(share: Tensor) -> int:
            first = int(share[0])
            places = {name: _address(array[first:]) for name, array in arrays.items()}
            own, begin_block = _Memory(), _BEGIN_BLOCK()
            if self.predictor is not None:
                part = self.predictor.part(first, first + len(share))
                own = _Memory(**{name: _address(tensor) for name, tensor in part.tensors().items()})
                begin_block = _BEGIN_BLOCK(part.begin_block)
            walk = _Walk(step=self.step, count=count, sequences=len(share), hops=hops, **places)
            walk.memory, walk.begin_block = own, begin_block
            failed: int = self.kernel.go_along(ctypes.byref(self.network), ctypes.byref(walk))
            return failed

        with ThreadPoolExecutor(len(self.shares)) as threads:
            if any(list(threads.map(go, self.shares))):
                raise EngineError("no memory is left for a step", "draw fewer sequences side by side")
        self.step += count

    def state(self) -> dict[str, Tensor]:
        """See :class:`descant.sampling.engine.Engine`.

        Nothing in it depends on the CPU or on the number of threads.
        """
        state = {
            "step": torch.tensor(self.step),
            "rings": self.rings[..., : self.residual].clone(),
            "activations": self.activations[..., : self.gate_half].clone(),
            "recent": self.recent.clone(),
        }
        return state if self.predictor is None else state | self.predictor.state()

    def load_state(self, state: dict[str, Tensor]) -> None:
        """See :class:`descant.sampling.engine.Engine`."""
        self.step = int(state["step"])
        self.rings[..., : self.residual] = state["rings"]
        self.activations[..., : self.gate_half] = state["activations"]
        self.recent.copy_(state["recent"])
        if self.predictor is not None:
            self.predictor.load_state(state, self.step)


def _blocks(weights: StepWeights) -> list[int]:
    """Steps that each past tap is computed for at once: the largest power of two that its delay allows."""
    delays = [dilation * tap for dilation in weights.dilations for tap in range(weights.kernel - 1, 0, -1)]
    return [1 << (min(delay, AHEAD).bit_length() - 1) for delay in delays]


def _address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()
