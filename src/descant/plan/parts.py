"""What a plan is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from descant.config.network_sections import NetworkSection
from descant.config.networks import ADA, LinearPrediction, Perturbation
from descant.config.population import Population
from descant.plan.size import Size

if TYPE_CHECKING:
    # it imports pandas, which a plan does without
    from descant.sequencefacts import Unit

AUDIO = "audio"


@dataclass(frozen=True)
class Sequence:
    """Steps in time on disk: the audio, the codes of what lies below, frames of it, or what training sees beside it.

    Attributes:
        name: key of the plan, and folder in the results.
        hop: audio samples to one step; of scores, ticks.
        classes: how many values a step can take; 0: its values are real.
        depth: how many encodings lie between it and the audio: 0 for the audio itself.
        encoded_from: the sequence that it is made from; None for what the corpus gives.
        encoded_by: the training whose network encodes it; None for what no network encodes.
        predicted_by: the linear predictor that makes it, where one does.
        performed_by: the training whose network plays it from a score, where one does.
        perturbed_by: the noise that makes it, where it is a past to learn from.
        channels: values of a step; 0: a step is a scalar.
        step_bytes: of a step on disk, about.
        unit: of time: ``second``, or ``quarter`` for scores.
    """

    name: str
    hop: int
    classes: int
    depth: int = 0
    encoded_from: str | None = None
    encoded_by: str | None = None
    predicted_by: LinearPrediction | None = None
    performed_by: str | None = None
    perturbed_by: Perturbation | None = None
    channels: int = 0
    step_bytes: int = 1
    unit: "Unit" = "second"


@dataclass(frozen=True)
class Training:
    """One network that is trained.

    Attributes:
        name: key of the plan, and folder in the results.
        title: what people call it.
        kind: of its system, as in the registry of systems.
        inputs: the sequences that it is trained on, by the names that its kind gives its streams.
        settings: its slice of the configuration.
        size: of its network.
        encodes: the sequence that its network makes; None for one that encodes nothing.
        starts_from: the training whose weights it begins with; None where the settings say it, or nothing does.
        file: of the weights that it begins with, where a folder of trained networks has one for it.
        first: steps of it that another training of the plan does, in the same run.
        until: the step that it pauses at, whose weights a row may draw from; None: its end.
        before: the training that does its first steps.
        run: the training that ends the run; None for one that does.
    """

    name: str
    title: str
    kind: str
    inputs: Mapping[str, str]
    settings: NetworkSection
    size: Size
    encodes: str | None = None
    starts_from: str | None = None
    file: Path | None = None
    first: int = 0
    until: int | None = None
    before: str | None = None
    run: str | None = None

    @property
    def last(self) -> int:
        """The step whose weights it leaves."""
        return self.until or self.settings.training.steps

    @property
    def start(self) -> Path | None:
        """The model file that it begins from, where it is none that this run makes for it."""
        return self.settings.training.start_from or self.file

    @property
    def begins_trained(self) -> bool:
        """Whether it begins from a trained network."""
        return bool(self.start or self.starts_from)

    @property
    def population(self) -> Population | None:
        """The population that trains it; None for one plain training."""
        return self.settings.population if isinstance(self.settings, ADA) else None


@dataclass(frozen=True)
class Likelihood:
    """Bits of held-out tracks under one network.

    Attributes:
        name: key of the plan, and file in the results.
        training: whose network scores.
        scored: the sequence whose steps are scored.
        given: the sequence that they are scored given; None for one scored by itself.
        shuffled: whether each track's codes are put in random order first, which shows what they are worth.
    """

    name: str
    training: str
    scored: str
    given: str | None = None
    shuffled: bool = False


@dataclass(frozen=True)
class Draw:
    """One level of a row drawn.

    Attributes:
        level: encodings above the audio: 0 is the audio.
        training: whose network draws it.
        steps: length of each sequence: as many as cover the audio that is asked for.
        given: the level that it is drawn given; None for the top, which a prior draws.
    """

    level: int
    training: str
    steps: int
    given: int | None = None


@dataclass(frozen=True)
class Route:
    """One row: its networks, its way from prior to audio, and what its figures are.

    Attributes:
        model: its name in the configuration.
        trainings: every network of the row, in the order in which they draw.
        draws: its levels in the order in which they are drawn, top first, the audio last. Empty where none is.
        sequences: of its levels, the finest first.
        likelihoods: of its levels, the finest first: where that is the audio, their sum bounds its bits.
        receptive_field: of its prior, in audio samples; None for a row without one.
        decoder: the training whose network makes the audio of the last level drawn; None where that is the audio.
        candidates: beginnings of the top level, drawn to choose from; None for a row that has none.
    """

    model: str
    trainings: tuple[str, ...]
    draws: tuple[Draw, ...] = ()
    sequences: tuple[str, ...] = ()
    likelihoods: tuple[str, ...] = ()
    receptive_field: int | None = None
    decoder: str | None = None
    candidates: Draw | None = None

    @property
    def top(self) -> str:
        """The sequence that its prior is trained on."""
        return self.sequences[-1]

    def draw(self, level: int) -> Draw:
        """What is drawn at a level."""
        return next(draw for draw in self.draws if draw.level == level)


@dataclass(frozen=True)
class Rendering:
    """Excerpts of test tracks as they sound once they were mel spectrograms or codes, or through mu-law alone.

    Attributes:
        name: key of the plan, and folder in the results.
        title: what people call it.
        frames: the sequence of mel spectrograms, or of codes; None for mu-law alone.
        vocoder: the training whose network makes sound of them; None for Griffin & Lim's iteration.
        of_true_frames: the rendering that the same vocoder makes of the recordings' own frames; None for such a one.
        row: of the models, whose Mel2Mel predicted the frames; None for true ones.
        of_codes: whether it is made of codes.
    """

    name: str
    title: str
    frames: str | None
    vocoder: str | None
    of_true_frames: str | None = None
    row: str | None = None
    of_codes: bool = False


@dataclass(frozen=True)
class Part:
    """What one row adds to the plan.

    Attributes:
        route: of the row; None for what is planned on request only.
        sequences: that it needs, the audio left out.
        trainings: that it needs.
        likelihoods: that can be asked of them.
        renderings: that its networks are judged by.
    """

    route: Route | None
    sequences: tuple[Sequence, ...]
    trainings: tuple[Training, ...]
    likelihoods: tuple[Likelihood, ...]
    renderings: tuple[Rendering, ...] = ()
