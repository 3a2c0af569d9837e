"""A transformer as a system: a prior of codes, or an upsampler from the codes of the level above (Jukebox)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from descant.config.transformers import Transformer as Settings
from descant.errors import ModelFileError
from descant.layers.bits import LOG2, bits_per_step
from descant.layers.conditions import Conditioner, Timing
from descant.layers.convolution import Reach
from descant.layers.transformer import Transformer
from descant.modelfacts import Input
from descant.systems.base import STEPS, UPPER, Batch, ParameterGroup, StepLoss
from descant.systems.drawable import Drawable

# the windows' places, as descant.training.windows gives them
POSITION, TRACK_LENGTH = "position", "track_length"
# the id of every value of a label that is not known
UNKNOWN = 0


@dataclass(frozen=True)
class Asked:
    """What is asked of tracks that are drawn or scored, beside the level above.

    Attributes:
        length: of the tracks, in steps.
        labels: ids int64 ``(batch,)``, or ``(1,)`` for all alike, by the label's name; what is missing is unknown.
    """

    length: int
    labels: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Above:
    """The level above.

    Attributes:
        classes: values that a code of it can take.
        ratio: steps to one of its codes.
    """

    classes: int
    ratio: int


class TransformerSystem(Drawable):
    """Maximum likelihood of a sequence of codes, given what else is known of it.

    Labels are added at every step and not, as in Jukebox, at the first alone, which a cache that rolls on would forget.

    Args:
        settings: the network's section.
        classes: values a step can take.
        rate: steps a second.
        above: the level above; None for a prior.
        labels: how many values each label has, by its name, the unknown one not counted.
    """

    def __init__(
        self, settings: Settings, classes: int, rate: float, above: Above | None, labels: Mapping[str, int]
    ) -> None:
        super().__init__()
        width = settings.width
        self.rate, self.above, self.label_dropout = rate, above, settings.label_dropout
        conditioned = above is not None or settings.timing or bool(labels)
        self.transformer = Transformer(
            classes,
            width,
            settings.layers,
            settings.heads,
            settings.attention_width,
            settings.mlp_width,
            settings.block,
            settings.blocks,
            conditioned,
        )
        shape = settings.conditioner
        self.conditioner = (
            None if above is None else Conditioner(above.classes, shape.channels, shape.blocks, width, above.ratio)
        )
        self.timing = Timing(width) if settings.timing and above is None else None
        self.labels = nn.ModuleDict({label: nn.Embedding(count + 1, width) for label, count in labels.items()})
        self.places = self.timing is not None
        self.added = tuple(settings.added)
        if self.added:
            self._freeze()

    def _freeze(self) -> None:
        """Let nothing learn but the last row of each table to which a value was added."""
        self.requires_grad_(False)
        for label in self.added:
            table = self.labels[label]
            assert isinstance(table, nn.Embedding)
            table.weight.requires_grad_(True)
            table.weight.register_hook(_of_last_row)  # type: ignore[no-untyped-call]

    def taken_over(self, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """See :class:`descant.systems.base.System`; an added value begins as the unknown one."""
        names = [f"labels.{label}.weight" for label in self.added]
        grown = {
            name: torch.cat([weights[name], weights[name][UNKNOWN : UNKNOWN + 1]]) for name in names if name in weights
        }
        return {**weights, **grown}

    @property
    def network(self) -> Transformer:
        """See :class:`descant.systems.drawable.Drawable`."""
        return self.transformer

    @property
    def given_classes(self) -> int:
        """An upsampler draws given the level above, a prior given nothing."""
        return self.above.classes if self.above else 0

    @property
    def hop(self) -> int:
        """See :class:`descant.systems.drawable.Drawable`."""
        return self.above.ratio if self.above else 1

    @property
    def reach(self) -> Reach:
        """See :class:`descant.systems.drawable.Drawable`."""
        return self.conditioner.reach if self.conditioner else Reach(0, 0)

    def parameter_groups(self) -> list[ParameterGroup]:
        """Matrices, which the training's weight decay acts on, and all else, which it does not (as GPT-2)."""
        tables = {id(part.weight) for part in self.modules() if isinstance(part, nn.Embedding)}
        groups: dict[bool, list[nn.Parameter]] = {True: [], False: []}
        for parameter in self.parameters():
            groups[parameter.dim() > 1 and id(parameter) not in tables].append(parameter)
        return [ParameterGroup(groups[True]), ParameterGroup(groups[False], weight_decay=0.0)]

    def conditioning(self, given: Tensor, start: int, stop: int) -> Tensor:
        """See :class:`descant.systems.drawable.Drawable`; of a track of that length whose labels are unknown."""
        asked = Asked(given.shape[1] * self.hop)
        conditioning = self.conditions(given, start, stop, asked)
        assert conditioning is not None
        return conditioning

    def conditions(self, given: Tensor | None, start: int, stop: int, asked: Asked) -> Tensor | None:
        """What the network is given of a stretch of tracks, equal to the same stretch of the whole.

        Args:
            given: codes of the level above int64 ``(batch, all codes)``; None for a prior.
            start: first code of the stretch; of a prior, first step.
            stop: one past its last.
            asked: what else is known.

        Returns:
            ``(batch, (stop - start) * hop, channels)``, the batch 1 where nothing given differs; None where nothing is
            given.
        """
        vectors = None
        if self.conditioner is not None and given is not None:
            reach = self.reach
            left, right = max(0, start - reach.left), min(given.shape[1], stop + reach.right)
            vectors = self.conditioner(given[:, left:right])[:, (start - left) * self.hop : (stop - left) * self.hop]
        device = self.transformer.device
        positions = torch.arange(start * self.hop, stop * self.hop, device=device)[None]
        lengths = torch.full((1,), asked.length, device=device)
        labels = {label: ids.to(device) for label, ids in asked.labels.items()}
        return self._sum(vectors, labels, positions, lengths)

    def _sum(
        self, vectors: Tensor | None, labels: Mapping[str, Tensor], positions: Tensor, lengths: Tensor
    ) -> Tensor | None:
        """The level above, where it is in the track (positions ``(batch, time)``, lengths ``(batch,)``), its labels."""
        conditions = [] if vectors is None else [vectors]
        if self.timing is not None:
            conditions.append(self.timing(positions / self.rate, lengths / self.rate))
        unknown = torch.full((1,), UNKNOWN, device=positions.device)
        conditions += [table(labels.get(label, unknown))[:, None] for label, table in self.labels.items()]
        total = sum(conditions[1:], conditions[0]) if conditions else None
        # labels alone are the same at every step
        return None if total is None else total.expand(-1, positions.shape[1], -1)

    def _conditions(self, batch: Batch, upper: Tensor | None, labels: Mapping[str, Tensor]) -> Tensor | None:
        steps = batch[STEPS]
        positions = torch.arange(steps.shape[1], device=steps.device)[None]
        lengths = torch.full((1,), steps.shape[1], device=steps.device)
        if self.timing is not None:
            positions, lengths = positions + batch[POSITION][:, None], batch[TRACK_LENGTH]
        vectors = None if upper is None or self.conditioner is None else self.conditioner(upper)
        return self._sum(vectors, labels, positions, lengths)

    def _bits(self, batch: Batch, upper: Tensor | None, labels: Mapping[str, Tensor]) -> Tensor:
        """Mean bits a step of a batch."""
        logits = self.transformer(batch[STEPS], self._conditions(batch, upper, labels))
        return bits_per_step(logits, batch[STEPS]).mean()

    def forward(self, batch: Batch, noise: torch.Generator) -> StepLoss:
        """Mean bits a code, in nats for the loss; a share of the windows does not see its labels."""
        labels = {label: batch[label] for label in self.labels}
        if labels and self.label_dropout:
            labelled = torch.rand(len(batch[STEPS]), generator=noise) >= self.label_dropout
            labels = {label: torch.where(labelled.to(ids.device), ids, UNKNOWN) for label, ids in labels.items()}
        bits = self._bits(batch, batch.get(UPPER), labels)
        return StepLoss(bits * LOG2, {"bits": bits.detach()})

    def validate(self, batch: Batch, noise: torch.Generator) -> dict[str, Tensor]:
        """Bits a code; of an upsampler also given codes in random order, and the gap: what they are worth."""
        labels, upper = {label: batch[label] for label in self.labels}, batch.get(UPPER)
        figures = {"bits": self._bits(batch, upper, labels)}
        if upper is not None:
            order = torch.randperm(upper.numel(), generator=noise).to(upper.device)
            wrong = self._bits(batch, upper.flatten()[order].view_as(upper), labels)
            figures |= {"bits_shuffled": wrong, "gap": wrong - figures["bits"]}
        return figures


def _of_last_row(gradient: Tensor) -> Tensor:
    """A table's gradient with that of all other rows left out."""
    return torch.cat([torch.zeros_like(gradient[:-1]), gradient[-1:]])


def build_transformer(settings: Settings, inputs: Mapping[str, Input]) -> TransformerSystem:
    """The prior, or with an input ``upper`` the upsampler, of a section, with fresh weights.

    Raises:
        ModelFileError: when a code of the level above is no whole number of steps.
    """
    steps, upper = inputs[STEPS], inputs.get(UPPER)
    if upper is not None and (upper.hop < steps.hop or upper.hop % steps.hop):
        raise ModelFileError(
            f"a code of {upper.name} stands for {upper.hop} samples, no multiple of the {steps.hop} of {steps.name}",
            "give the level above as the input upper",
        )
    above = None if upper is None else Above(upper.classes, upper.hop // steps.hop)
    labels: dict[str, int] = {label: len(steps.labels[label].names) for label in settings.labels}
    return TransformerSystem(settings, steps.classes, steps.rate, above, labels)
