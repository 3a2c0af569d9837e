"""The reference engine: a cached step in plain torch, to which every other engine is held.

Fast WaveNet generation (Le Paine et al. 2016): each convolution keeps the inputs its taps will see again in a ring,
so a step costs its layers once and no recomputation.
"""

import torch
from torch import Tensor

from descant.config.models import EngineName
from descant.layers.wavenet import CausalConvolution, WaveNet
from descant.sampling.draw import draw
from descant.sampling.engine import DrawSettings

# in a state before the first step, of which no class is the previous one
NONE_YET = -1


class _Ring:
    """The last inputs of one causal convolution, ``(batch, longest delay, channels)``; zeros before the first step."""

    def __init__(self, convolution: CausalConvolution, batch: int) -> None:
        self.delays = convolution.delays
        self.length = max(self.delays)
        weight = convolution.linear.weight
        self.inputs = weight.new_zeros(batch, self.length, weight.shape[1] // convolution.kernel)
        self.linear = convolution.linear

    def push(self, hidden: Tensor, step: int) -> Tensor:
        """Convolution's output ``(batch, channels_out)`` of a step's input ``(batch, channels_in)``."""
        if not self.length:
            out: Tensor = self.linear(hidden)
            return out
        taps = [self.inputs[:, (step - delay) % self.length] for delay in self.delays[:-1]]
        out = self.linear(torch.cat([*taps, hidden], dim=-1))
        # the oldest tap is read before it is overwritten: both lie in the same slot
        self.inputs[:, step % self.length] = hidden
        return out


class ReferenceEngine:
    """Draws from a WaveNet in plain torch.

    Args:
        wavenet: with its weights, on its device.
        batch: sequences drawn side by side.
        settings: temperature and nucleus.
    """

    def __init__(self, wavenet: WaveNet, batch: int, settings: DrawSettings) -> None:
        self.wavenet = wavenet
        self.settings = settings
        self.step = 0
        self.previous: Tensor | None = None
        self.batch = batch
        self.predictor = wavenet.predictor(batch)
        self.start = _Ring(wavenet.start, batch)
        self.rings = [_Ring(layer.convolution, batch) for layer in wavenet.gated_layers]

    @property
    def name(self) -> EngineName:
        """See :class:`descant.sampling.engine.Engine`."""
        return "reference"

    @torch.inference_mode()
    def generate(self, uniforms: Tensor, conditioning: Tensor | None) -> Tensor:
        """See :class:`descant.sampling.engine.Engine`."""
        drawn = []
        given = uniforms.to(self.start.inputs.device)
        for count in range(uniforms.shape[1]):
            logits = self.next_logits(self._held(conditioning, count))
            drawn.append(draw(logits, given[:, count], self.settings.temperature, self.settings.top_p))
            self._go_past(drawn[-1])
        return torch.stack(drawn, dim=1).cpu()

    @torch.inference_mode()
    def follow(self, steps: Tensor, conditioning: Tensor | None) -> Tensor:
        """See :class:`descant.sampling.engine.Engine`."""
        logits = []
        given = steps.to(self.start.inputs.device)
        for count in range(steps.shape[1]):
            logits.append(self.next_logits(self._held(conditioning, count)))
            self._go_past(given[:, count])
        return torch.stack(logits, dim=1).float().cpu()

    def _go_past(self, classes: Tensor) -> None:
        self.previous = classes
        if self.predictor is not None:
            self.predictor.learn(classes.cpu().numpy())

    def _predicted(self) -> tuple[Tensor, Tensor]:
        """What is predicted of the next step ``(batch, 2)``, and of what the network sees of that."""
        mixture, predictor = self.wavenet.prediction, self.predictor
        assert mixture is not None and predictor is not None
        device = self.start.inputs.device
        predicted = torch.from_numpy(predictor.next()).to(device)
        return predicted, mixture.step_features(predicted, torch.from_numpy(predictor.memory.last).to(device))

    def _held(self, conditioning: Tensor | None, count: int) -> Tensor | None:
        return None if conditioning is None else conditioning[:, count // self.wavenet.hop]

    @torch.inference_mode()
    def next_logits(self, held: Tensor | None) -> Tensor:
        """Logits ``(batch, classes)`` of the next step, given ``previous`` and its conditioning."""
        wavenet, step = self.wavenet, self.step
        if self.previous is None:
            hidden = wavenet.start.linear.weight.new_zeros(
                self.batch, self.start.linear.in_features // wavenet.start.kernel
            )
        else:
            hidden = wavenet.embedding(self.previous)
        if wavenet.position is not None:
            hidden = hidden + wavenet.position.weight[step % wavenet.hop]
        hidden = self.start.push(hidden, step)
        predicted = None
        if wavenet.prediction is not None:
            predicted, features = self._predicted()
            hidden = hidden + wavenet.prediction.inputs(features)
        gated = []
        for number, (layer, ring) in enumerate(zip(wavenet.gated_layers, self.rings, strict=True)):
            activation = ring.push(hidden, step)
            if held is not None:
                activation = activation + held[:, number]
            gated.append(layer.gate(activation))
            hidden = layer.pass_on(hidden, gated[-1])
        self.step += 1
        return wavenet.read_out(torch.cat(gated, dim=-1), predicted)

    def state(self) -> dict[str, Tensor]:
        """See :class:`descant.sampling.engine.Engine`."""
        tensors = {f"ring.{number}": ring.inputs for number, ring in enumerate([self.start, *self.rings])}
        none_yet = torch.full((self.batch,), NONE_YET, device=self.start.inputs.device)
        tensors["previous"] = none_yet if self.previous is None else self.previous
        if self.predictor is not None:
            tensors |= self.predictor.state()
        return {"step": torch.tensor(self.step), **{name: tensor.clone() for name, tensor in tensors.items()}}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """See :class:`descant.sampling.engine.Engine`."""
        self.step = int(state["step"])
        previous = state["previous"].to(self.start.inputs.device)
        self.previous = previous if self.step else None
        for number, ring in enumerate([self.start, *self.rings]):
            ring.inputs.copy_(state[f"ring.{number}"])
        if self.predictor is not None:
            self.predictor.load_state(state, self.step)
