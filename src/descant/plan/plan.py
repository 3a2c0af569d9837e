"""From the checked configuration to the plan."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from descant.audio import mulaw
from descant.config.root import Config
from descant.errors import ConfigError
from descant.plan import jukebox, mel2mel, part_models, stack
from descant.plan.parts import AUDIO, Likelihood, Part, Rendering, Route, Sequence, Training

# of the configuration, a row's name and section, of one class a family, and the audio
Family = Callable[[Config, str, Any, Sequence], Part]
FAMILIES: Mapping[str, Family] = {
    "stack": stack.plan_row,
    "jukebox": jukebox.plan_row,
    "mel2mel": mel2mel.plan_row,
    "parts": part_models.plan_row,
}
Named = TypeVar("Named", Sequence, Training, Likelihood, Rendering)


@dataclass(frozen=True)
class Plan:
    """All that a configuration asks for, or that can be asked for by name.

    Attributes:
        sequences: by name, each after the one that it is encoded from.
        trainings: by name, each after those whose codes it is trained on, and after the one that does its first steps.
        likelihoods: by name.
        routes: by row, in the order of the table.
        renderings: by name, in the order of the rows.
    """

    sequences: Mapping[str, Sequence]
    trainings: Mapping[str, Training]
    likelihoods: Mapping[str, Likelihood]
    routes: Mapping[str, Route]
    renderings: Mapping[str, Rendering]

    @property
    def encoded(self) -> tuple[Sequence, ...]:
        """The sequences that the rows need and a network encodes, each after the one below."""
        needed = {name for route in self.routes.values() for name in route.sequences}
        return tuple(sequence for name, sequence in self.sequences.items() if name in needed and sequence.encoded_by)

    @property
    def trained(self) -> tuple[Training, ...]:
        """The trainings that the rows need, each after those whose codes it is trained on."""
        needed = {name for route in self.routes.values() for name in route.trainings}
        for training in reversed(list(self.trainings.values())):
            if training.name in needed and training.before:
                needed.add(training.before)
        return tuple(training for name, training in self.trainings.items() if name in needed)

    @property
    def beside(self) -> tuple[Sequence, ...]:
        """The sequences that the rows' trainings and vocoders read, beside the corpus's and those of codes."""
        needed = {name for training in self.trained for name in training.inputs.values()}
        needed |= {rendering.frames for rendering in self.renderings.values() if rendering.frames}
        return tuple(
            made for name, made in self.sequences.items() if name in needed and made.depth and not made.encoded_by
        )

    def learnt(self, training: Training) -> Sequence:
        """The sequence that a training learns: its first input."""
        return self.sequences[next(iter(training.inputs.values()))]

    def decoders(self, sequence: str) -> tuple[Training, ...]:
        """The trainings whose networks turn a sequence back into audio, top first; none for the audio."""
        at = self.sequences[sequence]
        if at.encoded_by is None or at.encoded_from is None:
            return ()
        return (self.trainings[at.encoded_by], *self.decoders(at.encoded_from))


def make_plan(config: Config) -> Plan:
    """Plan a configuration: a pure function, the same plan for the same configuration."""
    audio = Sequence(AUDIO, 1, mulaw.CLASSES)
    rows = [FAMILIES[model.kind](config, name, model, audio) for name, model in config.models.items()]
    parts = [*rows, stack.plan_on_request(config, audio)]
    sequences = _by_name(sequence for part in parts for sequence in part.sequences)
    sequences = {audio.name: audio} | dict(sorted(sequences.items(), key=lambda item: (item[1].depth, item[0])))
    trainings = _by_name(training for part in parts for training in part.trainings)

    def order(training: Training) -> tuple[bool, int, str, int]:
        depth = sequences[training.encodes].depth if training.encodes else 0
        return training.encodes is None, depth, training.run or training.name, training.last

    return Plan(
        sequences,
        {training.name: training for training in sorted(trainings.values(), key=order)},
        _by_name(likelihood for part in parts for likelihood in part.likelihoods),
        {part.route.model: part.route for part in rows if part.route},
        _heard_by_title(_by_name(rendering for part in rows for rendering in part.renderings)),
    )


def _by_name(parts: Iterable[Named]) -> dict[str, Named]:
    """What rows share, once. Of renderings the first: only what they are called may differ between rows."""
    named: dict[str, Named] = {}
    for part in parts:
        if named.setdefault(part.name, part) != part and not isinstance(part, Rendering):
            raise ConfigError(
                f"models: two rows make {part.name} with different settings",
                "give both the same, or let them name different networks",
            )
    return named


def _heard_by_title(renderings: Mapping[str, Rendering]) -> Mapping[str, Rendering]:
    """Renderings, of which no two are called the same: measures and pages know them by their titles."""
    titles = [rendering.title for rendering in renderings.values()]
    if twice := [title for title in titles if titles.count(title) > 1]:
        raise ConfigError(
            f"models: two rows would both be shown as {twice[0]!r}", "give each row of the kind mel2mel another title"
        )
    return renderings
