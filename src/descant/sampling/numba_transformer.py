"""The numba engine of transformers: what the reference keeps, gone along in compiled loops."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor, nn

from descant.config.models import EngineName, Precision
from descant.errors import EngineError
from descant.layers.attention import WAYS
from descant.layers.transformer import Transformer
from descant.sampling.compiling import compile_alone
from descant.sampling.engine import DrawSettings
from descant.sampling.transformer_engine import TransformerEngine
from descant.sampling.transformer_weights import folded

try:
    from descant.sampling.numba_attention import Kept, Rows, TransformerWeights, advance_transformer
    from descant.sampling.numba_engine import padded, tiles
    from descant.sampling.numba_kernels import Tiles
except ImportError as error:
    raise EngineError(f"numba cannot be imported: {error}", "install it as pinned in envs/requirements.txt") from error


class NumbaTransformerEngine(TransformerEngine):
    """Draws from a transformer in loops compiled by numba; on a CPU.

    A long prime is gone along in torch, whole blocks at once, but for its end.

    Args:
        network: with its weights.
        batch: sequences drawn side by side.
        settings: temperature, nucleus and guidance.
        precision: ``float32``, or ``bfloat16_weights`` for a model whose matrices are rounded already.
        threads: to which the sequences are dealt.

    Raises:
        EngineError: when the network is on a GPU, or the machine code cannot be kept.
    """

    def __init__(
        self, network: Transformer, batch: int, settings: DrawSettings, precision: Precision, threads: int
    ) -> None:
        if network.device.type != "cpu":
            raise EngineError("the numba engine draws on a CPU", "set sampling.engine to auto")
        super().__init__(network, batch, settings)
        self.weights = _weights(network, torch.float32 if precision == "float32" else torch.bfloat16)
        self.batch, self.threads = batch, min(threads, batch)
        nothing = torch.zeros(batch, 0, dtype=torch.int64)
        compile_alone(advance_transformer, lambda: self._advance(nothing, None, None))

    @property
    def name(self) -> EngineName:
        """See :class:`descant.sampling.engine.Engine`."""
        return "numba"

    def generate(self, uniforms: Tensor, conditioning: Tensor | None) -> Tensor:
        """See :class:`descant.sampling.engine.Engine`."""
        steps = torch.zeros(uniforms.shape, dtype=torch.int64)
        self._advance(steps, uniforms.double(), conditioning)
        return steps

    def follow(self, steps: Tensor, conditioning: Tensor | None) -> Tensor:
        """See :class:`descant.sampling.engine.Engine`."""
        count, block = steps.shape[1], self.network.block
        # up to a block's first step, of which not a whole block follows
        in_torch = max(0, (self.walk.step + count - 1) // block * block - self.walk.step)
        parts = []
        if in_torch:
            parts.append(super().follow(steps[:, :in_torch], conditioning))
        later = None if conditioning is None else conditioning[:, in_torch:]
        parts.append(self._advance(steps[:, in_torch:].clone(), None, later))
        return torch.cat(parts, dim=1)

    def _advance(self, steps: Tensor, uniforms: Tensor | None, conditioning: Tensor | None) -> Tensor:
        """Draw into ``steps``, or without uniform numbers follow them; logits of those that are followed."""
        walk, (batch, count) = self.walk, steps.shape
        channels, copies = self.network.channels, self.copies
        conditions = torch.zeros(1, 0, channels) if conditioning is None else conditioning[:, :count].float()
        # compiled loops do not look whether an index lies inside its array
        assert batch == self.batch and ((steps >= 0) & (steps < self.network.classes)).all()
        assert conditioning is None or conditions.shape[1:] == (count, channels)
        rows_given = conditions.expand(copies * batch, -1, -1).detach().contiguous().numpy()
        previous = walk.previous[::copies].contiguous()
        logits = torch.zeros(batch, count if uniforms is None else 0, self.network.classes)
        given = torch.zeros(batch, 0, dtype=torch.float64) if uniforms is None else uniforms
        turned = self.network.turned(torch.arange(walk.step, walk.step + count))
        angles = torch.stack([torch.stack(turned[way]) for way in WAYS])[..., 0, :].contiguous().numpy()
        kept = [tensor[way].numpy() for way in WAYS for tensor in (walk.keys, walk.values)]
        settings, first, of_sequences = self.settings, walk.step, [previous, steps, given, logits]
        arrays = [tensor.contiguous().numpy() for tensor in of_sequences]

        def part(thread: int) -> None:
            start, stop = (batch * edge // self.threads for edge in (thread, thread + 1))
            own, both = slice(start, stop), slice(copies * start, copies * stop)
            before, seen, numbers, said = (array[own] for array in arrays)
            advance_transformer(
                self.weights,
                Kept(*(array[both] for array in kept)),
                Rows(before, rows_given[both], seen, numbers, said, angles),
                first,
                uniforms is not None,
                float(settings.temperature),
                float(settings.top_p),
                float(settings.guidance),
                settings.top_k,
            )

        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(part, range(self.threads)))
        steps.copy_(torch.from_numpy(arrays[1]))
        walk.step += count
        walk.previous = torch.from_numpy(arrays[0]).repeat_interleave(copies)
        return logits


@torch.inference_mode()
def _weights(network: Transformer, kept: torch.dtype) -> TransformerWeights:
    """Fold the norms into the matrices after them, pad and tile; matrices are kept in float32 or bfloat16."""
    copied = folded(network)
    layers = copied.each_layer

    def matrices(linears: list[nn.Linear]) -> Tiles:
        stacked = torch.stack([linear.weight.T for linear in linears])
        # what comes in is padded too, where it goes out of another of these
        return tiles(padded(stacked.float().numpy(), 1, 2), kept)

    def biases(linears: list[nn.Linear]) -> np.ndarray:
        return padded(torch.stack([linear.bias for linear in linears]).float().numpy(), 1).numpy()

    projects, outs = [each.attention.project for each in layers], [each.attention.out for each in layers]
    wides, narrows = [each.wide for each in layers], [each.narrow for each in layers]
    sizes = (copied.channels, copied.heads, copied.head_width, copied.block)
    return TransformerWeights(
        sizes=np.array(sizes, np.int64),
        embedding=padded(copied.embedding.weight.float().numpy(), 1).numpy(),
        start=padded(copied.start.detach().float().numpy(), 0).numpy(),
        project=matrices(projects),
        project_bias=biases(projects),
        out=matrices(outs),
        out_bias=biases(outs),
        wide=matrices(wides),
        wide_bias=biases(wides),
        narrow=matrices(narrows),
        narrow_bias=biases(narrows),
        logits=matrices([copied.logits])[0],
        logits_bias=biases([copied.logits])[0],
    )
