"""A model file that opens by itself: safetensors weights, and in its metadata all that rebuilds the model."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from descant import __version__
from descant.errors import ModelFileError
from descant.sequences import PackedSequence

KEY = "descant"


@dataclass(frozen=True)
class ModelFile:
    """What a model file holds.

    Attributes:
        kind: which system: ``wavenet`` or ``ada``.
        settings: the resolved section of the configuration it was built from.
        classes: values a step of its sequence can take.
        sequence: name of the sequence it was trained on: ``audio`` or a stack.
        sequence_hop: audio samples to a step of that sequence.
        sample_rate: of the audio, Hz.
        data_fingerprint: fingerprint of that sequence.
        steps: optimizer steps.
        weights: tensors by name.
        version: of the code that wrote it.
    """

    kind: str
    settings: dict[str, Any]
    classes: int
    sequence: str
    sequence_hop: int
    sample_rate: int
    data_fingerprint: str
    steps: int
    weights: Mapping[str, Tensor]
    version: str = __version__


def temporary_of(path: Path) -> Path:
    """The folder beside a file in which it is written; a killed writer leaves it there."""
    return path.with_name(f".{path.name}.tmp")


def write_durably(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write safetensors beside their place, sync, rename, sync the folder.

    Raises:
        OSError: whatever the file system says; the file that stood there before is untouched.
    """
    temporary = temporary_of(path)
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        # safetensors writes under names of its own, which nobody would clear away, and for its owner's eyes alone
        temporary.mkdir()
        written, readable = temporary / "written", temporary / "readable"
        readable.touch()
        save_file(
            {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, written, dict(metadata)
        )
        shutil.copymode(readable, written)
        with written.open("rb") as file:
            os.fsync(file.fileno())
        written.replace(path)
    except SafetensorError as error:
        # a full disk comes as this error, with the system's words in its text
        raise OSError(str(error)) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_model(path: Path, model: ModelFile) -> None:
    """Write a model file; see :func:`write_durably`."""
    facts = {name: value for name, value in vars(model).items() if name != "weights"}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, model.weights, {KEY: json.dumps(facts, sort_keys=True)})


def read_model(path: Path) -> ModelFile:
    """Read a model file.

    Raises:
        ModelFileError: when it is missing, torn, or not one of ours.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelFileError(f"{path} cannot be read: {error}", "delete it and run snakemake again") from error
    try:
        return ModelFile(weights=weights, **json.loads(metadata[KEY]))
    except (KeyError, ValueError, TypeError) as error:
        raise ModelFileError(
            f"{path} is no model file of this pipeline", "give a model.safetensors that this version wrote"
        ) from error


def check_fingerprint(model: ModelFile, sequence: PackedSequence) -> None:
    """Refuse to use a model on another sequence than it was trained on.

    Raises:
        ModelFileError: when the fingerprints differ.
    """
    if model.data_fingerprint != sequence.fingerprint:
        raise ModelFileError(
            f"the {model.kind} of {model.sequence} was trained on other data than it is given",
            "run snakemake again: it trains what is out of date",
        )
