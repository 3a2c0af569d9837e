"""What training and evaluation may ask of a system, and nothing more."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

# the stream of a system that reads one sequence, and of one that learns a sequence given others
STEPS = "steps"
# what a linear predictor says of these steps, for a system that has one inside
PREDICTED = "predicted"
# what it sees as their past, where that is perturbed; predictions are then made from it
PAST = "past"
# the codes of the level above, given which finer ones are learnt
UPPER = "upper"
# the 16-bit samples of a recording
WAVEFORM = "waveform"

# streams by name, int64 classes or float32 real values ``(batch, time)`` or ``(batch, time, channels)``; where a system
# asks for them also the windows' places and labels: see :class:`descant.training.windows.Windows`
Batch = Mapping[str, Tensor]


@dataclass
class StepLoss:
    """What one batch gives; not frozen, since Fabric refuses frozen outputs of a forward pass.

    Attributes:
        loss: scalar to descend.
        metrics: scalars worth a curve, detached; the system's headline figure is the first of them.
        observed: what :meth:`System.finish_step` is given of all batches of a step, rows first, detached.
    """

    loss: Tensor
    metrics: dict[str, Tensor] = field(default_factory=dict)
    observed: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that the optimizer treats alike.

    Attributes:
        parameters: each in one group only.
        rate: their learning rate, as a share of the scheduled one.
        weight_decay: their own; None takes the training's.
    """

    parameters: Sequence[nn.Parameter]
    rate: float = 1.0
    weight_decay: float | None = None


class System(nn.Module, ABC):
    """A trainable model of one sequence or several.

    Attributes:
        headline: the figure by which trainings of this system are watched and compared; lower is better.
        align: windows begin at multiples of so many steps of the finest stream within their track.
        places: whether batches say where in its track a window lies.
    """

    headline: str = "bits"
    align: int = 1
    places: bool = False

    @property
    def codes(self) -> int:
        """How many codes it turns a sequence into; 0 where it makes none."""
        return 0

    @abstractmethod
    def forward(self, batch: Batch, noise: torch.Generator) -> StepLoss:
        """Loss of a batch; ``noise`` is the only source of randomness."""

    def parameter_groups(self) -> list[ParameterGroup]:
        """All parameters, each in one group."""
        return [ParameterGroup(list(self.parameters()))]

    def taken_over(self, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Weights of the network that a training starts from, as this one takes them over; what is new is added."""
        return weights

    def finish_step(self, observed: Mapping[str, Tensor], noise: torch.Generator) -> None:
        """Update what is not learnt by gradient, once a step.

        Args:
            observed: :attr:`StepLoss.observed` of the step's batches, one after another, those of all processes.
            noise: the only source of randomness.
        """

    @abstractmethod
    def validate(self, batch: Batch, noise: torch.Generator) -> dict[str, Tensor]:
        """Figures of a batch, each a scalar mean, the headline first; called without gradients."""
