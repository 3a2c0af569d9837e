"""The yardstick: the cached WaveNet step in eager torch, as well as it can be written, with torch's own draw."""

import numpy as np
import torch
from torch import Tensor

from descant.sampling.weights import StepWeights


class EagerStep:
    """One product for all taps and one for residual and skip a layer; rings are read and written in place.

    Args:
        weights: of the WaveNet.
        batch: sequences side by side.
        device: to run on.
    """

    def __init__(self, weights: StepWeights, batch: int, device: torch.device) -> None:
        self.weights, self.batch, self.step = weights, batch, 0

        def of(array: np.ndarray) -> Tensor:
            return torch.from_numpy(array).to(device)

        layers, kernel, residual, gate = weights.convolution.shape
        self.residual, self.half = residual, gate // 2
        # x @ (in, out) is faster than F.linear's (out, in) for few rows
        self.convolution = [of(layer.reshape(kernel * residual, gate)) for layer in weights.convolution]
        self.bias = [of(bias) for bias in weights.convolution_bias]
        skip = of(weights.skip)
        self.onward = [torch.cat([of(weights.residual[n]), skip[n]], 1) for n in range(layers - 1)] + [skip[-1]]
        no_bias = torch.zeros(skip.shape[2], device=device)
        self.onward_bias = [torch.cat([of(weights.residual_bias[n]), no_bias]) for n in range(layers - 1)]
        self.skip_bias = of(weights.skip_bias)
        self.head, self.head_bias = of(weights.head), of(weights.head_bias)
        self.logits, self.logits_bias = of(weights.logits), of(weights.logits_bias)
        self.start, self.start_bias = of(weights.start_tables), of(weights.start_bias)
        self.position = None if weights.position_tables is None else of(weights.position_tables)
        self.rings = [torch.zeros(delay, batch, residual, device=device) for delay in weights.delays]
        self.previous: list[Tensor] = []

    @torch.inference_mode()
    def generate(self, count: int, conditioning: Tensor | None) -> Tensor:
        """Draw int64 ``(batch, count)``."""
        drawn = []
        for number in range(count):
            held = None if conditioning is None else conditioning[:, number // self.weights.hop]
            probabilities = torch.softmax(self.next_logits(held), -1)
            drawn.append(torch.multinomial(probabilities, 1)[:, 0])
            self.previous = [*self.previous, drawn[-1]][-len(self.start) :]
        return torch.stack(drawn, 1)

    def next_logits(self, held: Tensor | None) -> Tensor:
        weights, step = self.weights, self.step
        hidden = self.start_bias.expand(self.batch, -1)
        for delay in range(min(len(self.start), step + 1)):
            if self.position is not None:
                hidden = hidden + self.position[-1 - delay, (step - delay) % weights.hop]
            if delay < len(self.previous):
                hidden = hidden + self.start[-1 - delay][self.previous[-1 - delay]]
        skip = self.skip_bias
        for number, (ring, dilation) in enumerate(zip(self.rings, weights.dilations, strict=True)):
            delays = [(weights.kernel - 1 - tap) * dilation for tap in range(weights.kernel - 1)]
            taps = [ring[(step - delay) % len(ring)] for delay in delays]
            activation = torch.addmm(self.bias[number], torch.cat([*taps, hidden], 1), self.convolution[number])
            if held is not None:
                activation = activation + held[:, number]
            gated = torch.tanh(activation[:, : self.half]) * torch.sigmoid(activation[:, self.half :])
            ring[step % len(ring)] = hidden
            if number < len(self.onward_bias):
                onward = torch.addmm(self.onward_bias[number], gated, self.onward[number])
                hidden, skip = hidden + onward[:, : self.residual], skip + onward[:, self.residual :]
            else:
                skip = torch.addmm(skip, gated, self.onward[number])
        self.step += 1
        head = torch.relu(torch.addmm(self.head_bias, torch.relu(skip), self.head))
        return torch.addmm(self.logits_bias, head, self.logits)
