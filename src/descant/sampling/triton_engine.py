"""The triton engine: a persistent kernel draws many steps at once, for small models on a GPU.

Compiled for the GPU at hand by Triton (Tillet et al. 2019). Under ``TRITON_INTERPRET=1`` the same kernel runs on the
CPU, which shows its arithmetic and nothing of its speed.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from descant.audio import mulaw
from descant.config.models import EngineName, Precision
from descant.errors import EngineError
from descant.layers.wavenet import WaveNet
from descant.prediction.kernels import Memory
from descant.sampling.device_prediction import DevicePrediction
from descant.sampling.engine import DrawSettings
from descant.sampling.graph import start_rows
from descant.sampling.weights import MixtureWeights, StepWeights, step_weights

# sequences a program goes along with: the fewest rows of a product on tensor cores
TILE = 16
WARPS = 8
# rows of a weight that a product takes at once, where it is wider than that: all of wider ones fit no shared memory
BLOCK, MOST_AT_ONCE = 32, 64
# one multiprocessor streams all weights at every step: above these bytes a graph of whole-GPU products should be faster
MOST_MEGABYTES = 10.0
# a tile's probabilities are float64 in registers
MOST_CLASSES = 1024


def padded_width(width: int) -> int:
    """The next power of two that a product on tensor cores takes."""
    return max(16, 1 << (width - 1).bit_length())


NO_MIXTURE = MixtureWeights(np.zeros((0, 0), np.float32), np.zeros(0), np.zeros(0), np.zeros(0))


@dataclass(frozen=True)
class PackedWeights:
    """A WaveNet's weights as the kernel reads them, widths padded with zeros.

    ``residual``, ``gated``, ``skip`` and ``logits`` in shapes are padded widths; matrices are float32 or bfloat16, all
    else float32.

    Attributes:
        start_rows: ``(start_kernel - 1 + hop, residual)``, see :func:`descant.sampling.graph.start_rows`.
        start_tables: ``(start_kernel, classes + 1, residual)``; the last row, of zeros, for no class.
        filters: ``(layers, kernel, residual, gated)``.
        gates: like ``filters``.
        filter_bias: ``(layers, gated)``.
        gate_bias: like ``filter_bias``.
        residual: ``(layers, gated, residual)``; the top layer's is zero.
        residual_bias: ``(layers, residual)``.
        skip: ``(layers, gated, skip)``.
        skip_bias: ``(skip,)``.
        head: ``(skip, skip)``.
        head_bias: ``(skip,)``.
        logits: ``(skip, logits)``.
        logits_bias: ``(logits,)``, minus infinity where there is no class.
        inputs: ``(3, residual)``: see :class:`descant.sampling.weights.MixtureWeights`; this and what follows are empty
            without linear prediction.
        outputs: ``(skip, outputs)``, of the mixture's parts.
        outputs_bias: ``(outputs,)``.
        log_weights: ``(parts + 1,)``.
        widths: ``(parts,)``.
        edges: ``(classes + 1,)``.
    """

    start_rows: Tensor
    start_tables: Tensor
    filters: Tensor
    gates: Tensor
    filter_bias: Tensor
    gate_bias: Tensor
    residual: Tensor
    residual_bias: Tensor
    skip: Tensor
    skip_bias: Tensor
    head: Tensor
    head_bias: Tensor
    logits: Tensor
    logits_bias: Tensor
    inputs: Tensor
    outputs: Tensor
    outputs_bias: Tensor
    log_weights: Tensor
    widths: Tensor
    edges: Tensor


def packed_weights(weights: StepWeights, dtype: torch.dtype, device: torch.device) -> PackedWeights:
    """Pad and convert; matrices become ``dtype``."""
    layers, kernel, residual, gate = weights.convolution.shape
    half, skip = gate // 2, len(weights.head)
    wide, gated, wide_skip, logits = (padded_width(width) for width in (residual, half, skip, weights.classes))
    rows = start_rows(weights)

    def pad(array: npt.NDArray[np.floating], *shape: int, fill: float = 0.0) -> Tensor:
        padded = np.full(shape, fill, np.float32)
        padded[tuple(slice(0, size) for size in array.shape)] = array
        return torch.from_numpy(padded).to(device)

    def matrix(array: npt.NDArray[np.floating], *shape: int) -> Tensor:
        return pad(array, *shape).to(dtype)

    mixture, classes = weights.prediction or NO_MIXTURE, weights.classes
    outputs = weights.logits[:, classes:]
    wide_outputs = padded_width(outputs.shape[1])

    return PackedWeights(
        start_rows=pad(rows, len(rows), wide),
        start_tables=pad(weights.start_tables, weights.start_kernel, weights.classes + 1, wide),
        filters=matrix(weights.convolution[..., :half], layers, kernel, wide, gated),
        gates=matrix(weights.convolution[..., half:], layers, kernel, wide, gated),
        filter_bias=pad(weights.convolution_bias[:, :half], layers, gated),
        gate_bias=pad(weights.convolution_bias[:, half:], layers, gated),
        residual=matrix(weights.residual, layers, gated, wide),
        residual_bias=pad(weights.residual_bias, layers, wide),
        skip=matrix(weights.skip, layers, gated, wide_skip),
        skip_bias=pad(weights.skip_bias, wide_skip),
        head=matrix(weights.head, wide_skip, wide_skip),
        head_bias=pad(weights.head_bias, wide_skip),
        logits=matrix(weights.logits[:, :classes], wide_skip, logits),
        logits_bias=pad(weights.logits_bias[:classes], logits, fill=-np.inf),
        inputs=pad(mixture.inputs, len(mixture.inputs), wide),
        outputs=matrix(outputs, wide_skip, wide_outputs),
        outputs_bias=pad(weights.logits_bias[classes:], wide_outputs),
        log_weights=pad(mixture.log_weights, len(mixture.log_weights)),
        widths=pad(mixture.widths, len(mixture.widths)),
        edges=pad(mixture.edges, len(mixture.edges)),
    )


class TritonEngine:
    """Draws inside one kernel, a program a tile of sequences.

    Args:
        wavenet: with its weights, on its device.
        batch: sequences drawn side by side.
        settings: temperature and nucleus.
        precision: with ``bfloat16_weights`` the weights must be bfloat16 values, see
            :func:`descant.sampling.weights.rounded_weights`; they are stored in 16 bits. ``bfloat16`` also rounds
            what they are multiplied with.

    Raises:
        EngineError: without a GPU or Triton, for a model too large, or when the kernel cannot be compiled.
    """

    def __init__(self, wavenet: WaveNet, batch: int, settings: DrawSettings, precision: Precision) -> None:
        device = wavenet.start.linear.weight.device
        _check_size(wavenet, 4 if precision == "float32" else 2)
        weights = step_weights(wavenet)
        self.kernel, self.operands = _kernel_and_operands(device)
        self.weights = packed_weights(weights, torch.float32 if precision == "float32" else torch.bfloat16, device)
        self.classes, self.hop = weights.classes, weights.hop
        self.layers, self.taps, _, gate = weights.convolution.shape
        self.half, self.start_taps = gate // 2, weights.start_kernel
        self.batch, self.device = batch, device
        self.conditioned, self.nucleus = wavenet.condition is not None, settings.top_p < 1
        self.parts = 1 if precision == "bfloat16" else 3
        self.settings = torch.tensor([settings.temperature, settings.top_p], dtype=torch.float64, device=device)

        self.programs = -(-batch // TILE)
        lengths = np.array(weights.delays) + 1
        self.dilations = torch.tensor(weights.dilations, dtype=torch.int32, device=device)
        self.offsets = torch.from_numpy(np.append(0, lengths.cumsum()).astype(np.int32)).to(device)
        wide, wide_skip = self.weights.residual.shape[2], len(self.weights.head)
        self.step = 0
        # class number `classes` stands for none, before the first step
        rows = self.programs * TILE
        self.history = torch.full((rows, self.start_taps), self.classes, dtype=torch.int32, device=device)
        self.rings = torch.zeros(rows, int(lengths.sum()), wide, device=device)
        self.widest = max(wide_skip, self.weights.residual.shape[1])
        self.scratch = torch.zeros(self.programs, 2, TILE, self.widest, device=device)
        self.samples = torch.from_numpy(mulaw.SAMPLES).to(device)
        predictor = wavenet.predictor(batch)
        self.prediction = None if predictor is None else DevicePrediction(predictor, device)
        self.order = 0 if predictor is None else predictor.settings.order
        # of two, one fetches the next layer's weights ahead
        self.stages = 2
        self._compile()

    @property
    def name(self) -> EngineName:
        """See :class:`descant.sampling.engine.Engine`."""
        return "triton"

    def generate(self, uniforms: Tensor, conditioning: Tensor | None) -> Tensor:
        """See :class:`descant.sampling.engine.Engine`."""
        given = torch.zeros(0, dtype=torch.int64, device=self.device)
        logits = torch.zeros(0, device=self.device)
        drawn = torch.zeros(uniforms.shape, dtype=torch.int64, device=self.device)
        self._walk(uniforms.shape[1], conditioning, uniforms.to(self.device).contiguous(), drawn, given, logits, False)
        return drawn.cpu()

    def follow(self, steps: Tensor, conditioning: Tensor | None) -> Tensor:
        """See :class:`descant.sampling.engine.Engine`."""
        uniforms = torch.zeros(0, dtype=torch.float64, device=self.device)
        drawn = torch.zeros(0, dtype=torch.int64, device=self.device)
        logits = torch.zeros(*steps.shape, self.classes, device=self.device)
        self._walk(steps.shape[1], conditioning, uniforms, drawn, steps.to(self.device).contiguous(), logits, True)
        return logits.cpu()

    def state(self) -> dict[str, Tensor]:
        """See :class:`descant.sampling.engine.Engine`."""
        history, rings = self.history[: self.batch].clone(), self.rings[: self.batch].clone()
        state = {"step": torch.tensor(self.step), "history": history, "rings": rings}
        return state if self.prediction is None else state | self.prediction.state()

    def load_state(self, state: dict[str, Tensor]) -> None:
        """See :class:`descant.sampling.engine.Engine`."""
        self.step = int(state["step"])
        self.history[: self.batch].copy_(state["history"])
        self.rings[: self.batch].copy_(state["rings"])
        if self.prediction is not None:
            self.prediction.load_state(state)

    def _compile(self) -> None:
        """Compile by a walk of no steps, with less fetched ahead where shared memory does not hold it.

        Raises:
            EngineError: when it cannot be compiled or loaded.
        """
        from triton.errors import TritonError  # type: ignore[import-untyped]
        from triton.runtime.errors import OutOfResources  # type: ignore[import-untyped]

        none = torch.zeros(self.batch, 0, dtype=torch.float64)
        try:
            try:
                self.generate(none, None)
            except OutOfResources:
                self.stages = 1
                self.generate(none, None)
        except (TritonError, RuntimeError, OSError, subprocess.SubprocessError) as error:
            raise EngineError(
                f"the sampling kernel cannot be compiled or loaded on this machine: {error}",
                "set sampling.engine to graph, or see that a C compiler and Python.h (python3-dev) are installed and "
                "Triton's cache is writable",
            ) from error

    def _walk(
        self,
        count: int,
        conditioning: Tensor | None,
        uniforms: Tensor,
        drawn: Tensor,
        given: Tensor,
        logits: Tensor,
        follows: bool,
    ) -> None:
        if conditioning is None:
            conditioning = torch.zeros(self.batch, 0, device=self.device)
        held = conditioning.to(self.device, torch.float32).contiguous()
        for begin, end in self._pieces(count):
            self._call(begin, end, count, held, uniforms, drawn, given, logits, follows)

    def _pieces(self, count: int) -> Iterator[tuple[int, int]]:
        """Cut the next steps where a linear predictor's blocks end, since its coefficients change between calls."""
        if self.prediction is None or not count:
            yield 0, count
            self.step += count
            return
        begin, every = 0, self.prediction.every
        while begin < count:
            if self.step % every == 0:
                self.prediction.begin_block()
            end = min(count, begin + every - self.step % every)
            yield begin, end
            self.step += end - begin
            begin = end

    def _call(
        self,
        begin: int,
        end: int,
        stride: int,
        held: Tensor,
        uniforms: Tensor,
        drawn: Tensor,
        given: Tensor,
        logits: Tensor,
        follows: bool,
    ) -> None:
        weights, prediction = self.weights, self.prediction
        nothing = torch.zeros(0, device=self.device)
        memory = dict.fromkeys(Memory._fields, nothing) if prediction is None else prediction.memory
        with torch.cuda.device_of(self.rings):  # type: ignore[no-untyped-call]
            self.kernel[(self.programs,)](
                weights.start_rows,
                weights.start_tables,
                weights.filters,
                weights.gates,
                weights.filter_bias,
                weights.gate_bias,
                weights.residual,
                weights.residual_bias,
                weights.skip,
                weights.skip_bias,
                weights.head,
                weights.head_bias,
                weights.logits,
                weights.logits_bias,
                self.dilations,
                self.offsets,
                self.history,
                self.rings,
                self.scratch,
                weights.inputs,
                weights.outputs,
                weights.outputs_bias,
                weights.log_weights,
                weights.widths,
                weights.edges,
                self.samples,
                memory["past"],
                memory["coefficients"],
                memory["scales"],
                memory["last"],
                held,
                self.settings,
                uniforms,
                drawn,
                given,
                logits,
                int(follows),
                self.batch,
                self.step,
                begin,
                end,
                stride,
                held.shape[1],
                CONDITIONED=self.conditioned,
                NUCLEUS=self.nucleus,
                CLASSES=self.classes,
                HOP=self.hop,
                HALF=self.half,
                LAYERS=self.layers,
                TAPS=self.taps,
                START_TAPS=self.start_taps,
                TILE=TILE,
                RESIDUAL=weights.residual.shape[2],
                GATED=weights.residual.shape[1],
                SKIP=len(weights.head),
                LOGITS=len(weights.logits_bias),
                MIXTURE=len(weights.widths),
                OUTPUTS=len(weights.outputs_bias),
                ORDER=self.order,
                ORDER_WIDE=padded_width(self.order),
                EVERY=1 if prediction is None else prediction.every,
                WINDOW=0 if prediction is None else prediction.window,
                BLOCK=min(BLOCK, len(weights.head), *weights.residual.shape[1:]),
                WIDEST=self.widest,
                IN_BLOCKS=max(weights.residual.shape[1:]) > MOST_AT_ONCE,
                PARTS=self.parts,
                OPERANDS=self.operands,
                num_warps=WARPS,
                num_stages=self.stages,
            )


def _kernel_and_operands(device: torch.device) -> tuple[Any, Any]:
    """The kernel, and the type in which it multiplies bfloat16 numbers.

    Raises:
        EngineError: when it cannot run here.
    """
    try:
        import triton.language as tl  # type: ignore[import-untyped]
        from triton import knobs

        from descant.sampling import triton_kernel
    except ImportError as error:
        raise EngineError(
            f"Triton cannot be imported: {error}",
            "install the CUDA build of torch, which brings it, or set sampling.engine to graph",
        ) from error
    if knobs.runtime.interpret:
        # Triton's interpreter multiplies bfloat16 by its bits, as integers
        return triton_kernel.walk, tl.float32
    if device.type != "cuda" or torch.cuda.get_device_capability(device) < (8, 0):
        raise EngineError(
            "the triton engine needs a GPU with bfloat16 (NVIDIA compute capability 8.0)", "set sampling.engine to auto"
        )
    return triton_kernel.walk, tl.bfloat16


def _check_size(wavenet: WaveNet, weight_bytes: int) -> None:
    megabytes = 1e-6 * weight_bytes * wavenet.multiplications
    if megabytes > MOST_MEGABYTES:
        raise EngineError(
            f"the model's weights take {megabytes:.0f} MB; the triton engine takes up to {MOST_MEGABYTES:g}",
            "set sampling.engine to graph, or sampling.precision to bfloat16_weights, which halves them",
        )
    if wavenet.classes > MOST_CLASSES:
        raise EngineError(
            f"a step has {wavenet.classes} classes; the triton engine draws from up to {MOST_CLASSES}",
            "set sampling.engine to graph",
        )
