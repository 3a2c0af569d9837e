"""What a model file says of itself, in its metadata. Nothing here imports torch."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open

from descant import __version__
from descant.errors import ModelFileError, mistakes
from descant.sequencefacts import Unit
from descant.sequences import PackedSequence

KEY = "descant"
# beside the facts: sha256 of them and of the weights
DIGEST_KEY = "sha256"
FORMAT: Literal[2] = 2
# what is printed of a file that may be a stranger's: no control characters
NAME = r"^[^\x00-\x1f\x7f-\x9f]*$"


class LabelFacts(BaseModel):
    """What a model knows of one label of its tracks.

    Attributes:
        names: the label's values in the train split, sorted, then those that were added later; value ``n`` has id
            ``n + 1``, and 0 is for all others.
        digest: sha256 of every track's value, which the sequence's fingerprint leaves out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    names: tuple[str, ...] = Field(max_length=1 << 20)
    digest: str


class Input(BaseModel):
    """A sequence that a model reads.

    Attributes:
        stream: what the system calls it, such as ``steps``.
        name: of the sequence: ``audio`` or a stack.
        classes: values a step can take; 0: its values are real.
        channels: values of a step; 0: a step is a scalar.
        hop: ticks to one step: audio samples for what comes from audio.
        sample_rate: ticks a unit: Hz for what comes from audio.
        unit: of time.
        fingerprint: of the sequence.
        labels: those of its tracks that the model uses.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stream: str = Field(max_length=100, pattern=NAME)
    name: str = Field(max_length=1000, pattern=NAME)
    classes: int = Field(ge=0, le=1 << 16)
    channels: int = Field(ge=0, le=1 << 16)
    hop: int = Field(ge=1, le=1 << 31)
    sample_rate: int = Field(ge=1, le=1 << 31)
    unit: Unit = "second"
    fingerprint: str = Field(max_length=100, pattern=NAME)
    labels: dict[str, LabelFacts] = Field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Steps a second, or a quarter note."""
        return self.sample_rate / self.hop

    @classmethod
    def of(cls, stream: str, sequence: PackedSequence, labels: Sequence[str] = ()) -> Self:
        """What there is to know of a sequence.

        Args:
            stream: what the system calls it.
            sequence: the sequence.
            labels: those of its tracks that the system uses.
        """
        return cls(
            stream=stream,
            name=sequence.name,
            classes=sequence.classes,
            channels=sequence.channels,
            hop=sequence.hop,
            sample_rate=sequence.sample_rate,
            unit=sequence.unit,
            fingerprint=sequence.fingerprint,
            labels={label: _label_facts(sequence, label) for label in labels},
        )


def _label_facts(sequence: PackedSequence, label: str) -> LabelFacts:
    names = sorted(set(sequence.split("train")[label]) - {""})
    given = sequence.index[["track", label]].to_csv(index=False)
    return LabelFacts(names=tuple(names), digest=hashlib.sha256(given.encode()).hexdigest())


class ModelFacts(BaseModel):
    """What a model file says of itself.

    Attributes:
        format: version of this form.
        kind: which system: a name of :data:`descant.systems.registry.KINDS`.
        settings: the resolved section of the configuration it was built from.
        inputs: the sequences it was trained on; what it learnt is the first.
        steps: optimizer steps.
        start: sha256 of the model file whose weights it began from; None for fresh ones.
        loudest: level of the music that it learnt, see :func:`descant.prediction.loudness.loudest_level`; None where
            it has no linear predictor, and in older files.
        version: of the code that wrote it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[2] = FORMAT
    kind: str = Field(max_length=100, pattern=NAME)
    settings: dict[str, Any]
    inputs: tuple[Input, ...] = Field(min_length=1, max_length=100)
    steps: int = Field(ge=0)
    start: str | None = None
    loudest: float | None = Field(None, gt=0, le=1)
    version: str = __version__

    @property
    def learnt(self) -> Input:
        """The sequence that it learnt."""
        return self.inputs[0]

    @property
    def by_stream(self) -> dict[str, Input]:
        """The sequences by what the system calls them."""
        return {given.stream: given for given in self.inputs}


def read_facts(path: Path) -> ModelFacts:
    """Read what a model file says of itself; its weights are not loaded.

    Raises:
        ModelFileError: when it is missing, torn, not one of ours, or of another version.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata()
    except (OSError, SafetensorError) as error:
        raise unreadable(path, error) from error
    return parse_facts(path, metadata)[0]


def unreadable(path: Path, error: Exception) -> ModelFileError:
    """The error of a model file that is missing or torn."""
    return ModelFileError(f"{path} cannot be read: {error}", "delete it and run snakemake again")


def parse_facts(path: Path, metadata: Mapping[str, str] | None) -> tuple[ModelFacts, str, str]:
    """Check what a model file's metadata say.

    Args:
        path: for errors.
        metadata: of the safetensors file.

    Returns:
        The facts; the same as JSON text, keys sorted; and the digest that the file states of both it and its weights.

    Raises:
        ModelFileError: when it is not one of ours, or of another version.
    """
    cure = "give a model.safetensors that this version wrote; in a run's own results, delete it and run snakemake again"
    try:
        raw = json.loads((metadata or {})[KEY])
    except (KeyError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{path} is no model file of this pipeline", cure) from error
    if not isinstance(raw, dict) or "kind" not in raw:
        raise ModelFileError(f"{path} is no model file of this pipeline", cure)
    # the first form did not number itself
    version = raw.get("format", 1)
    if version != FORMAT:
        raise ModelFileError(f"{path} is a model file of form {version!r:.20}, this version reads form {FORMAT}", cure)
    digest = str(raw.pop(DIGEST_KEY, ""))
    try:
        text = json.dumps(raw, sort_keys=True)
        return ModelFacts.model_validate(raw), text, digest
    except RecursionError as error:
        raise ModelFileError(f"{path} is no model file of this pipeline", cure) from error
    except ValidationError as error:
        raise ModelFileError(f"{path} does not say what it holds: {mistakes(error)}", cure) from error
