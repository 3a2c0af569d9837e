"""A model file that opens by itself: safetensors weights, and in its metadata all that rebuilds the model."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from descant.errors import ModelFileError
from descant.modelfacts import DIGEST_KEY, KEY, ModelFacts, parse_facts, unreadable
from descant.sequences import PackedSequence


@dataclass(frozen=True)
class ModelFile:
    """A model file.

    Attributes:
        facts: what it says of itself.
        weights: tensors by name.
    """

    facts: ModelFacts
    weights: Mapping[str, Tensor]


def digest(tensors: Mapping[str, Tensor]) -> str:
    """Sha256 over names, types, shapes and bytes."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        total.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)}".encode())
        # bfloat16 has no numpy type: hash the bytes
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()


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
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = model.facts.model_dump(mode="json")
    # within the one entry: safetensors writes several in an order of its own
    whole = {**facts, DIGEST_KEY: _digest_of_all(json.dumps(facts, sort_keys=True), model.weights)}
    write_durably(path, model.weights, {KEY: json.dumps(whole, sort_keys=True)})


def _digest_of_all(facts: str, weights: Mapping[str, Tensor]) -> str:
    return hashlib.sha256(f"{facts}\n{digest(weights)}".encode()).hexdigest()


def read_model(path: Path) -> ModelFile:
    """Read a model file, and see that its bytes are those that were written.

    Raises:
        ModelFileError: when it is missing, torn or changed, not one of ours, or of another version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            facts, text, stated = parse_facts(path, file.metadata())
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise unreadable(path, error) from error
    if stated != _digest_of_all(text, weights):
        raise ModelFileError(
            f"{path} is not what was written: its bytes have changed",
            "copy it again; in a run's own results, delete it and run snakemake again",
        )
    return ModelFile(facts, weights)


def check_streams(model: ModelFile, streams: Mapping[str, PackedSequence]) -> None:
    """Refuse to use a model on other sequences than it was trained on.

    Args:
        model: the model file.
        streams: sequences by what the system calls them; those that are not given are not checked.

    Raises:
        ModelFileError: when the model reads no such stream, or the fingerprints differ.
    """
    facts, known = model.facts, model.facts.by_stream
    for stream, sequence in streams.items():
        if stream not in known:
            raise ModelFileError(
                f"the {facts.kind} reads no {stream}", f"it reads {', '.join(known)}: give the other model's file"
            )
        if known[stream].fingerprint != sequence.fingerprint:
            raise ModelFileError(
                f"the {facts.kind} of {known[stream].name} was trained on other data than it is given",
                "run snakemake again: it trains what is out of date",
            )
