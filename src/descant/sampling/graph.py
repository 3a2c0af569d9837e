"""The graph engine: a cached step on tensors that never move, so that a GPU replays many steps as one CUDA graph.

A step of a small model is bound by its launches, not by its arithmetic; a CUDA graph (PyTorch's ``torch.cuda.graph``)
launches them all at once. All past taps of all layers are one product ahead of the layers, as none of them waits for
this step.
"""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from descant.config.models import EngineName, Precision
from descant.errors import EngineError
from descant.layers.wavenet import WaveNet
from descant.sampling.device_prediction import GraphPrediction
from descant.sampling.draw import draw
from descant.sampling.engine import STEPS_PER_REPLAY, DrawSettings
from descant.sampling.weights import FloatArray, StepWeights, step_weights


def start_rows(weights: StepWeights) -> FloatArray:
    """Bias and position of the first convolution by step, ``(start_kernel - 1 + hop, residual)``.

    The first ``start_kernel - 1`` rows are of the steps of that number, of which some taps lie before the first step;
    the later ones repeat with the hop.
    """
    early = weights.start_kernel - 1
    rows = np.tile(weights.start_bias, (early + weights.hop, 1))
    if weights.position_tables is not None:
        for step, row in enumerate(rows):
            for tap in range(max(0, early - step), weights.start_kernel):
                row += weights.position_tables[tap, (step - early + tap) % weights.hop]
    return rows


class GraphEngine:
    """Draws by replaying a CUDA graph of several steps; on a CPU the same steps simply run.

    Args:
        wavenet: with its weights, on its device.
        batch: sequences drawn side by side.
        settings: temperature and nucleus.
        precision: ``bfloat16`` computes all but the logits and the draw in it; the others are one here.

    Raises:
        EngineError: when a GPU cannot capture the steps.
    """

    def __init__(self, wavenet: WaveNet, batch: int, settings: DrawSettings, precision: Precision) -> None:
        weights = step_weights(wavenet)
        layers, kernel, residual, gate = weights.convolution.shape
        self.batch, self.settings, self.hop, self.classes = batch, settings, weights.hop, weights.classes
        self.device = wavenet.start.linear.weight.device
        self.dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self.start_tables = self._on_device(np.pad(weights.start_tables, ((0, 0), (0, 1), (0, 0))))
        self.start_rows = self._on_device(start_rows(weights))
        self.past_taps = self._on_device(weights.convolution[:, :-1].reshape(layers, (kernel - 1) * residual, gate))
        self.present_tap = self._on_device(weights.convolution[:, -1])
        self.convolution_bias = self._on_device(weights.convolution_bias[:, None])
        # nothing reads the residual path after the top layer
        to_residual = np.pad(weights.residual, ((0, 1), (0, 0), (0, 0)))
        self.residual_and_skip = self._on_device(np.concatenate([to_residual, weights.skip], axis=2))
        self.residual_bias = self._on_device(weights.residual_bias.cumsum(axis=0))
        self.skip_bias = self._on_device(weights.skip_bias).expand(batch, -1)
        self.head, self.head_bias = self._on_device(weights.head), self._on_device(weights.head_bias)
        self.logits = self._on_device(weights.logits).float()
        self.logits_bias = self._on_device(weights.logits_bias).float()

        lengths = torch.tensor(weights.delays)
        delays = torch.tensor(weights.dilations)[:, None] * torch.arange(kernel - 1, 0, -1)
        self.lengths, self.delays = lengths.to(self.device), delays.to(self.device)
        self.offsets = (lengths.cumsum(0) - lengths).to(self.device)
        self.start_taps = torch.arange(weights.start_kernel, device=self.device)[:, None]

        # what a replay reads and writes keeps its address
        self.step = torch.zeros(1, dtype=torch.int64, device=self.device)
        # class number `classes` stands for none, before the first step
        self.history = torch.full((weights.start_kernel, batch), weights.classes, device=self.device)
        self.rings = torch.zeros(int(lengths.sum()), batch, residual, dtype=self.dtype, device=self.device)
        self.uniforms = torch.zeros(STEPS_PER_REPLAY, batch, dtype=torch.float64, device=self.device)
        self.drawn = torch.zeros(STEPS_PER_REPLAY, batch, dtype=torch.int64, device=self.device)
        self.held: Tensor | None = None
        if wavenet.condition is not None:
            hops = (STEPS_PER_REPLAY - 1) // self.hop + 2
            self.held = torch.zeros(hops, layers, batch, gate, dtype=self.dtype, device=self.device)
        self.done = 0
        self.prediction: GraphPrediction | None = None
        predictor = wavenet.predictor(batch)
        if predictor is not None and wavenet.prediction is not None:
            self.prediction = GraphPrediction(wavenet.prediction, predictor, self.step)
            self.prediction_inputs = wavenet.prediction.inputs.weight.detach().T.to(self.dtype)
        self.graph = self._capture() if self.device.type == "cuda" else None

    @property
    def name(self) -> EngineName:
        """See :class:`descant.sampling.engine.Engine`."""
        return "graph"

    @torch.inference_mode()
    def generate(self, uniforms: Tensor, conditioning: Tensor | None) -> Tensor:
        """See :class:`descant.sampling.engine.Engine`."""
        count = uniforms.shape[1]
        given = uniforms.T.contiguous().to(self.device)
        drawn = torch.empty(count, self.batch, dtype=torch.int64, device=self.device)
        for start, size in self._pieces(count):
            self._hold(conditioning, start, size)
            self.uniforms[:size] = given[start : start + size]
            if self.graph is not None and size == STEPS_PER_REPLAY:
                self.graph.replay()
            else:
                self._draw(size)
            drawn[start : start + size] = self.drawn[:size]
        return drawn.T.contiguous().cpu()

    @torch.inference_mode()
    def follow(self, steps: Tensor, conditioning: Tensor | None) -> Tensor:
        """See :class:`descant.sampling.engine.Engine`."""
        count = steps.shape[1]
        given = steps.T.contiguous().to(self.device)
        logits = []
        for start, size in self._pieces(count):
            self._hold(conditioning, start, size)
            first_hop = self.step // self.hop
            for step in range(start, start + size):
                logits.append(self._next_logits(first_hop))
                self._remember(given[step])
        return torch.stack(logits, dim=1).cpu()

    def _pieces(self, count: int) -> Iterator[tuple[int, int]]:
        """Cut the next steps into replays: where each begins in the call, and its size.

        A linear predictor's coefficients change between replays, so these end where its blocks do.
        """
        start = 0
        while start < count:
            size = min(STEPS_PER_REPLAY, count - start)
            if self.prediction is not None:
                if self.done % self.prediction.every == 0:
                    self.prediction.begin_block()
                within = self.done % self.prediction.every
                size = min(size, STEPS_PER_REPLAY - within % STEPS_PER_REPLAY, self.prediction.every - within)
            yield start, size
            start += size
            self.done += size

    def state(self) -> dict[str, Tensor]:
        """See :class:`descant.sampling.engine.Engine`."""
        state = {"step": self.step.clone(), "history": self.history.clone(), "rings": self.rings.clone()}
        return state if self.prediction is None else state | self.prediction.state()

    def load_state(self, state: dict[str, Tensor]) -> None:
        """See :class:`descant.sampling.engine.Engine`."""
        self.step.copy_(state["step"])
        self.history.copy_(state["history"])
        self.rings.copy_(state["rings"])
        self.done = int(state["step"])
        if self.prediction is not None:
            self.prediction.load_state(state)

    def _on_device(self, array: FloatArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device, self.dtype)

    @torch.inference_mode()
    def _capture(self) -> torch.cuda.CUDAGraph:
        """Record a graph of :meth:`_draw`, and stand before the first step again."""
        fresh = self.state()
        graph = torch.cuda.CUDAGraph()
        stream = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        try:
            with torch.cuda.device(self.device):
                # libraries set themselves up on first use, which a capture must not see
                stream.wait_stream(torch.cuda.current_stream())
                with torch.cuda.stream(stream):
                    self._draw(1)
                torch.cuda.current_stream().wait_stream(stream)
                with torch.cuda.graph(graph):
                    self._draw(STEPS_PER_REPLAY)
        except RuntimeError as error:
            raise EngineError(
                f"{STEPS_PER_REPLAY} steps of {self.batch} sequences cannot be captured as a CUDA graph: {error}",
                "draw fewer sequences at once, or set sampling.engine to reference",
            ) from error
        self.load_state(fresh)
        return graph

    def _hold(self, conditioning: Tensor | None, start: int, size: int) -> None:
        """Lay down the conditioning of a call's steps from ``start`` on, from that step's hop on."""
        if self.held is not None and conditioning is not None:
            hops = conditioning[:, start // self.hop : (start + size - 1) // self.hop + 1]
            self.held[: hops.shape[1]] = hops.permute(1, 2, 0, 3)

    def _draw(self, count: int) -> None:
        """Draw so many steps with ``uniforms`` and the conditioning held, into ``drawn``."""
        first_hop = self.step // self.hop
        for number in range(count):
            logits = self._next_logits(first_hop)
            drawn = draw(logits, self.uniforms[number], self.settings.temperature, self.settings.top_p)
            self.drawn[number] = drawn
            self._remember(drawn)

    def _remember(self, classes: Tensor) -> None:
        self.history.copy_(torch.cat([self.history[1:], classes[None]]))
        if self.prediction is not None:
            self.prediction.learn(classes)
        self.step += 1

    def _next_logits(self, first_hop: Tensor) -> Tensor:
        """Logits of the next step float32 ``(batch, classes)``; ``first_hop`` is that of the first entry held."""
        layers, residual = len(self.present_tap), self.rings.shape[2]
        early = len(self.start_taps) - 1
        row = torch.where(self.step < early, self.step, early + (self.step - early) % self.hop)
        hidden = self.start_tables[self.start_taps, self.history].sum(0) + self.start_rows.index_select(0, row)
        if self.prediction is not None:
            hidden = hidden + self.prediction.predict().to(self.dtype) @ self.prediction_inputs

        slots = self.offsets[:, None] + (self.step - self.delays) % self.lengths[:, None]
        past = self.rings.index_select(0, slots.flatten()).view(layers, -1, self.batch, residual)
        past = past.transpose(1, 2).reshape(layers, self.batch, -1)
        activations = torch.baddbmm(self.convolution_bias, past, self.past_taps)
        if self.held is not None:
            activations += self.held.index_select(0, self.step // self.hop - first_hop)[0]

        inputs = [hidden]
        # sums of the residual path, its biases left out, and of the skip path, side by side
        sums = torch.cat([hidden, self.skip_bias], dim=1)
        for layer, activation in enumerate(activations):
            activation.addmm_(inputs[-1], self.present_tap[layer])
            filter_half, _ = activation.chunk(2, dim=-1)
            filter_half.tanh_()
            sums.addmm_(F.glu(activation), self.residual_and_skip[layer])
            if layer < layers - 1:
                inputs.append(sums[:, :residual] + self.residual_bias[layer])
        self.rings.index_copy_(0, self.offsets + self.step % self.lengths, torch.stack(inputs))

        head = torch.addmm(self.head_bias, sums[:, residual:].relu(), self.head).relu()
        logits = torch.addmm(self.logits_bias, head.float(), self.logits)
        if self.prediction is None:
            return logits
        mixture, predicted = self.prediction.mixture, self.prediction.predicted
        return mixture.log_probabilities(logits[:, : self.classes], logits[:, self.classes :], predicted)
