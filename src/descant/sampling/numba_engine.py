"""The numba engine: the fastest on a CPU where no compiler is installed; numba brings its own (LLVM)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from descant.config.models import EngineName, Precision
from descant.errors import EngineError
from descant.layers.wavenet import WaveNet
from descant.sampling.compiling import compile_alone
from descant.sampling.engine import DrawSettings
from descant.sampling.weights import FloatArray, StepWeights, step_weights

try:
    from descant.prediction.kernels import Analysis, no_memory
    from descant.prediction.predictor import Predictor
    from descant.sampling.numba_draw import Mixture
    from descant.sampling.numba_kernels import TILE, Sequences, TiledWeights, Tiles, advance
except ImportError as error:
    raise EngineError(f"numba cannot be imported: {error}", "install it as pinned in envs/requirements.txt") from error
except RuntimeError as error:
    raise EngineError(
        f"numba finds no folder for its machine code: {error}", "set NUMBA_CACHE_DIR to a folder that can be written"
    ) from error


class NumbaEngine:
    """Draws from a WaveNet in loops compiled by numba.

    The machine code is made on first use, within seconds, and kept on disk for all later jobs.

    Args:
        wavenet: with its weights.
        batch: sequences drawn side by side.
        draw: temperature and nucleus.
        precision: ``float32``, or ``bfloat16_weights`` for a model whose matrices are rounded already.
        threads: to which the sequences are dealt.

    Raises:
        EngineError: when the precision is not offered, or the machine code cannot be kept.
    """

    def __init__(self, wavenet: WaveNet, batch: int, draw: DrawSettings, precision: Precision, threads: int) -> None:
        if precision == "bfloat16":
            raise EngineError("the numba engine does not compute in bfloat16", "choose precision: bfloat16_weights")
        weights = step_weights(wavenet)
        self.predictor = wavenet.predictor(batch)
        self.memory = no_memory(batch) if self.predictor is None else self.predictor.memory
        kept = torch.float32 if precision == "float32" else torch.bfloat16
        self.weights = _tiled(weights, kept, self.predictor)
        self.settings = draw
        self.threads = min(threads, batch)
        self.classes = weights.classes
        self.hop = weights.hop
        self.step = 0
        self.rings = torch.zeros(batch, sum(weights.delays), len(self.weights.start_bias))
        self.recent = torch.zeros(batch, weights.start_kernel, dtype=torch.int64)
        self.unconditioned = torch.zeros(batch, 0, *weights.convolution_bias.shape)
        compile_alone(advance, lambda: self.follow(torch.zeros(batch, 0, dtype=torch.int64), None))

    @property
    def name(self) -> EngineName:
        """See :class:`descant.sampling.engine.Engine`."""
        return "numba"

    def generate(self, uniforms: Tensor, conditioning: Tensor | None) -> Tensor:
        """See :class:`descant.sampling.engine.Engine`."""
        steps = torch.zeros(uniforms.shape, dtype=torch.int64)
        self._advance(steps, uniforms, torch.zeros(len(steps), 0, self.classes), conditioning, drawing=True)
        return steps

    def follow(self, steps: Tensor, conditioning: Tensor | None) -> Tensor:
        """See :class:`descant.sampling.engine.Engine`."""
        logits = torch.zeros(*steps.shape, self.classes)
        unused = torch.zeros(len(steps), 0, dtype=torch.float64)
        self._advance(steps, unused, logits, conditioning, drawing=False)
        return logits

    def _advance(
        self, steps: Tensor, uniforms: Tensor, logits: Tensor, conditioning: Tensor | None, drawing: bool
    ) -> None:
        """Deal the sequences to the threads."""
        batch, count = steps.shape
        hops = -(-count // self.hop)
        held = self.unconditioned if conditioning is None else conditioning[:, :hops].float().cpu()
        # compiled loops do not look whether an index lies inside its array
        assert batch == len(self.recent) and ((steps >= 0) & (steps < self.classes)).all()
        assert conditioning is None or held.shape == (batch, hops, *self.unconditioned.shape[2:])
        tensors = (self.rings, self.recent, held, steps, uniforms, logits)
        arrays = [tensor.detach().contiguous().numpy() for tensor in tensors]
        first, settings = self.step, self.settings

        def part(thread: int) -> None:
            own = slice(batch * thread // self.threads, batch * (thread + 1) // self.threads)
            parts: list[Any] = [*(array[own] for array in arrays), self.memory.part(own)]
            advance(self.weights, Sequences(*parts), first, drawing, float(settings.temperature), float(settings.top_p))

        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(part, range(self.threads)))
        self.step += count

    def state(self) -> dict[str, Tensor]:
        """See :class:`descant.sampling.engine.Engine`."""
        state = {"step": torch.tensor(self.step), "rings": self.rings.clone(), "recent": self.recent.clone()}
        return state if self.predictor is None else state | self.predictor.state()

    def load_state(self, state: dict[str, Tensor]) -> None:
        """See :class:`descant.sampling.engine.Engine`."""
        self.step = int(state["step"])
        self.rings.copy_(state["rings"])
        self.recent.copy_(state["recent"])
        if self.predictor is not None:
            self.predictor.load_state(state, self.step)


def _tiled(weights: StepWeights, kept: torch.dtype, predictor: Predictor | None) -> TiledWeights:
    """Pad and tile the weights; matrices are kept in float32 or bfloat16."""
    layers, kernel, residual, gate = weights.convolution.shape
    # filter and gate are padded each for itself
    convolution = padded(weights.convolution.reshape(layers, kernel, residual, 2, gate // 2), 2, 4)
    top = np.zeros((1, gate // 2, residual), np.float32)
    residual_skip = torch.cat(
        [padded(np.concatenate([weights.residual, top]), 1, 2), padded(weights.skip, 1, 2)], dim=2
    )
    residual_bias = np.concatenate([weights.residual_bias, np.zeros((1, residual), np.float32)])
    positions = weights.position_tables
    if positions is None:
        positions = np.zeros((weights.start_kernel, weights.hop, residual), np.float32)
    return TiledWeights(
        dilations=np.array(weights.dilations, np.int64),
        start_tables=padded(weights.start_tables, 2).numpy(),
        position_tables=padded(positions, 2).numpy(),
        start_bias=padded(weights.start_bias, 0).numpy(),
        convolution=tiles(convolution.flatten(3, 4).flatten(1, 2), kept),
        convolution_bias=padded(weights.convolution_bias.reshape(layers, 2, -1), 2).flatten(1).numpy(),
        residual_skip=tiles(residual_skip, kept),
        residual_bias=padded(residual_bias, 1).numpy(),
        skip_bias=padded(weights.skip_bias, 0).numpy(),
        head=tiles(padded(weights.head, 0, 1), kept),
        head_bias=padded(weights.head_bias, 0).numpy(),
        logits=tiles(padded(weights.logits, 0, 1), kept),
        logits_bias=padded(weights.logits_bias, 0).numpy(),
        mixture=_mixture(weights),
        analysis=Analysis(np.zeros(0), 0.0) if predictor is None else predictor.analysis,
    )


def _mixture(weights: StepWeights) -> Mixture:
    mixture = weights.prediction
    if mixture is None:
        return Mixture(np.zeros((0, 0), np.float32), np.zeros(0), np.zeros(0), np.zeros(0))
    return Mixture(padded(mixture.inputs, 1).numpy(), mixture.log_weights, mixture.widths, mixture.edges)


def padded(array: FloatArray, *axes: int) -> Tensor:
    """Zeros added at the end of these axes, to multiples of the tile."""
    ends = [-size % TILE if axis in axes else 0 for axis, size in enumerate(array.shape)]
    return F.pad(torch.from_numpy(array), [number for end in reversed(ends) for number in (0, end)])


def tiles(matrices: Tensor, kept: torch.dtype) -> Tiles:
    """``(..., in, out)`` as ``(..., out / TILE, in, TILE)``, in float32 or the bits of bfloat16."""
    tiles = matrices.reshape(*matrices.shape[:-1], -1, TILE).transpose(-3, -2).to(kept).contiguous()
    array: Tiles = (tiles if kept == torch.float32 else tiles.view(torch.uint16)).numpy()
    return array
