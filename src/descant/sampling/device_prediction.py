"""Linear prediction on the device that draws; the coefficients come from the compiled loops."""

import torch
from torch import Tensor

from descant.layers.prediction import PredictionMixture
from descant.prediction.constants import LEAST_SCALE, SCALE_RATE, SCALE_SHARE
from descant.prediction.predictor import Predictor


class DevicePrediction:
    """What a predictor remembers, in tensors that never move.

    Args:
        predictor: whose coefficients are computed on the CPU, between what an engine draws in one go.
        device: that the sequences are drawn on.

    Attributes:
        memory: as :class:`descant.prediction.kernels.Memory` has it, by name.
    """

    def __init__(self, predictor: Predictor, device: torch.device) -> None:
        self.predictor = predictor
        self.every, self.window = predictor.settings.every, predictor.settings.window
        self.memory = {name: tensor.to(device, copy=True) for name, tensor in predictor.tensors().items()}

    def begin_block(self) -> None:
        """Compute the coefficients of the block that begins."""
        own = self.predictor.tensors()
        own["past"].copy_(self.memory["past"])
        self.predictor.begin_block()
        for name in ("past", "coefficients"):
            self.memory[name].copy_(own[name])

    def state(self) -> dict[str, Tensor]:
        """What the next steps depend on."""
        return {f"prediction.{name}": tensor.clone() for name, tensor in self.memory.items()}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Stand where :meth:`state` was taken."""
        for name, tensor in self.memory.items():
            tensor.copy_(state[f"prediction.{name}"])


class GraphPrediction(DevicePrediction):
    """Predicts and learns one step of all sequences, so that a graph can hold it.

    Args:
        mixture: of the network, on its device.
        predictor: see above.
        step: number of the step, int64 ``(1,)``, which the engine counts.
    """

    def __init__(self, mixture: PredictionMixture, predictor: Predictor, step: Tensor) -> None:
        super().__init__(predictor, step.device)
        self.mixture, self.step = mixture, step
        self.seen = torch.arange(-predictor.settings.order, 0, device=step.device)
        self.predicted = torch.zeros(len(self.memory["last"]), 2, device=step.device)

    def predict(self) -> Tensor:
        """Predict the step, into ``predicted``; what the network sees of it, ``(batch, 3)``."""
        seen = self.memory["past"].index_select(1, self._place() + self.seen)
        sample = (seen.double() * self.memory["coefficients"].double()).sum(1).clamp(-1, 1)
        self.predicted.copy_(torch.stack([sample.float(), self.memory["scales"].float()], dim=1))
        return self.mixture.step_features(self.predicted, self.memory["last"])

    def learn(self, classes: Tensor) -> None:
        """Learn what the step was, ``(batch,)``."""
        samples = self.mixture.samples[classes]
        self.memory["past"].index_copy_(1, self._place(), samples[:, None])
        errors = (samples.double() - self.predicted[:, 0].double()).float()
        self.memory["last"].copy_(errors / self.predicted[:, 1])
        scales = self.memory["scales"]
        scales += ((errors.double().abs() * SCALE_SHARE).clamp(min=LEAST_SCALE) - scales) * SCALE_RATE

    def _place(self) -> Tensor:
        return self.window + self.step % self.every
