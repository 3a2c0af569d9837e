"""The two files that define a listening test: the manifest of its stimuli and the design of who hears what.

Both are JSON, and both are for the server and the analysis: they name systems, which a rater's browser never learns.

The systems of a test are the models of the table; beside them stand ``real`` (held-out music), ``anchor_fidelity`` and
``anchor_musicality`` (low anchors), ``control_noise`` and ``control_real`` (clips with a known answer) and
``training_good``, ``training_fidelity``, ``training_musicality`` (examples that the page shows with their labels; the
good one also serves to set the volume). A stimulus that stands on two pages of one list is there to see whether a
rater agrees with himself: only its first rating counts for the system.
"""

from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from descant.corpus.outputs import whole_file
from descant.errors import ListeningError

REAL = "real"
SCALES = {"mos": ("fidelity", "musicality"), "ab": ("preference",)}

TestType = Literal["mos", "ab"]
Kind = Literal["system", "real", "anchor", "control", "training"]
Name = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
F = TypeVar("F", bound=BaseModel)


class _Part(BaseModel):
    """A part of a file: frozen, and strict about its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Stimulus(_Part):
    """One clip.

    Attributes:
        name: opaque; all that a rater's browser sees of it.
        kind: its part in the test.
        system: a model's name, or one of those that the module names.
        item: clips of one item are compared; None for those that stand outside: controls and training.
        file: in the folder of stimuli.
        sha256: of the file.
        lufs: loudness (ITU-R BS.1770-4) measured from the file; None for silence.
        loudness: how it was measured: ``integrated`` with gating; ``block`` for a clip under 0.4 s, as one block;
            ``silent`` where nothing is above -70 LUFS.
        true_peak_dbtp: measured from the file at four times its rate, dB re full scale; None for digital silence.
        expected: of a control, by scale: lowest and highest rating of someone who listens. Of two controls in a pair,
            the one with the higher ratings is the one to prefer.
        label: of a training example, by scale: the rating that it is an example of.
    """

    name: Name
    kind: Kind
    system: str
    item: int | None
    file: str
    sha256: Sha256
    lufs: float | None
    loudness: Literal["integrated", "block", "silent"]
    true_peak_dbtp: float | None
    expected: dict[str, tuple[int, int]] | None = None
    label: dict[str, int] | None = None

    @model_validator(mode="after")
    def _file_is_its_name(self) -> Self:
        if self.file != f"{self.name}.flac":
            raise ValueError(f"file is {self.file!r}, not {self.name}.flac")
        return self


class Manifest(_Part):
    """What there is to hear.

    Attributes:
        version: of this form.
        design: sha256 of everything that defines the test; the same in the design, and kept with every rating.
        seconds: length of every clip.
        sample_rate: Hz.
        scales: what is asked of each clip, or for ``ab`` of each pair.
        stimuli: in no order that means anything.
    """

    version: Literal[1] = 1
    design: Sha256
    seconds: float = Field(gt=0)
    sample_rate: int = Field(gt=0)
    scales: tuple[str, ...]
    stimuli: tuple[Stimulus, ...]

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        if len({stimulus.name for stimulus in self.stimuli}) != len(self.stimuli):
            raise ValueError("two stimuli have one name")
        return self

    def by_name(self) -> dict[str, Stimulus]:
        """Every stimulus by its opaque name."""
        return {stimulus.name: stimulus for stimulus in self.stimuli}

    def of_kind(self, *kinds: Kind) -> list[Stimulus]:
        """The stimuli of these kinds, in the manifest's order."""
        return [stimulus for stimulus in self.stimuli if stimulus.kind in kinds]


class MosPage(_Part):
    """A page with one clip and all scales. Pages of a list count from 0, which is the order they are heard in."""

    page: int = Field(ge=0)
    stimulus: Name


class ABPage(_Part):
    """A page with two clips, of which one is preferred; ``a`` comes first."""

    page: int = Field(ge=0)
    a: Name
    b: Name


class RaterList(_Part):
    """What one rater hears, in this order."""

    list: int = Field(ge=0)
    pages: tuple[MosPage | ABPage, ...]


class Power(_Part):
    """What the planned test can find, by simulation.

    Attributes:
        draws: simulated tests.
        level: of the interval with which two rows are compared.
        assumed: standard deviations that went in, in points: between raters, between clips of a row, and residual.
        ratings_per_row: fewest and most ratings of a row (for ``ab``, a pair of rows) when every list is rated once.
        ratings_per_stimulus: fewest and most of a clip (for ``ab``, a pair of clips).
        half_width: half of the interval of a row's mean, in points, in half of the simulated tests; None for ``ab``,
            and where no interval is defined.
        detectable: the smallest true difference between two rows that four of five tests find: in points, or for
            ``ab`` as the share that prefers the better one; None when no difference on the scale is found as often.
        false_alarms: share of the simulated tests that find a difference where there is none; None where no interval
            is defined.
    """

    draws: int
    level: float
    assumed: dict[str, float]
    ratings_per_row: tuple[int, int]
    ratings_per_stimulus: tuple[int, int]
    half_width: float | None
    detectable: float | None
    false_alarms: float | None


class Design(_Part):
    """Who hears what, in which order.

    Attributes:
        version: of this form.
        design: as in the manifest.
        type: ``mos`` or ``ab``.
        lists: one for each planned rater; when more come, lists are used again, the least used first.
        raters_planned: how many.
        power: what that many can find.
    """

    version: Literal[1] = 1
    design: Sha256
    type: TestType
    lists: tuple[RaterList, ...]
    raters_planned: int = Field(ge=1)
    power: Power


def write_json(path: Path, content: Manifest | Design) -> None:
    """Write a manifest or design beside its place, then rename it; the same content gives the same bytes."""
    with whole_file(path) as temporary:
        temporary.write_text(content.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read_manifest(path: Path) -> Manifest:
    """Read ``manifest.json``.

    Raises:
        ListeningError: when it is missing, torn or of another form.
    """
    return _read(path, Manifest)


def read_design(path: Path) -> Design:
    """Read ``design.json``.

    Raises:
        ListeningError: when it is missing, torn or of another form.
    """
    return _read(path, Design)


def _read(path: Path, form: type[F]) -> F:
    cure = "make it with: snakemake --cores all listening"
    try:
        return form.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ListeningError(f"{path} cannot be read: {error.strerror}", cure) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise ListeningError(f"{path} is no {form.__name__.lower()}: {place}: {first['msg']}", cure) from error
