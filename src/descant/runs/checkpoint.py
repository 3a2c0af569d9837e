"""Checkpoints that survive any death: written beside their place, verified when read, the one before kept."""

import json
import logging
import os
import re
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from descant.errors import RunError
from descant.modelfile import digest, temporary_of, write_durably

NAME = re.compile(r"step-(\d{9})\.safetensors")
# what reading a file raises that is not whole, or not one of ours
TORN = (OSError, SafetensorError, ValueError, KeyError, TypeError, RecursionError)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """State of a training after so many steps.

    Attributes:
        step: optimizer steps done.
        tensors: everything that the next step depends on, by name.
    """

    step: int
    tensors: Mapping[str, Tensor]


def save(folder: Path, checkpoint: Checkpoint, keep: int, always: Collection[int] = ()) -> None:
    """Write a checkpoint durably, then prune all but the newest ``keep``, and those of steps that are ``always`` kept.

    Raises:
        OSError: when it cannot be written; those before it are untouched.
    """
    write(folder / _name(checkpoint.step), checkpoint)
    names = {_name(step) for step in always}
    for old in [path for path in _newest_first(folder) if path.name not in names][keep:]:
        old.unlink()


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write one checkpoint durably to a path of any name.

    Raises:
        OSError: when it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = {"step": checkpoint.step, "digest": digest(checkpoint.tensors)}
    write_durably(path, checkpoint.tensors, {"checkpoint": json.dumps(facts)})


def read(path: Path) -> Checkpoint:
    """Read one checkpoint.

    Raises:
        RunError: when it is missing or torn.
    """
    try:
        return _load(path)
    except TORN as error:
        raise RunError(f"{path} holds no whole state: {error}", "delete it and run snakemake again") from error


def stated_digest(path: Path) -> str:
    """The digest that a checkpoint says its tensors have, which :func:`read` checks.

    Raises:
        RunError: when it is missing or torn in its header.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return str(_facts(file.metadata())["digest"])
    except TORN as error:
        raise RunError(f"{path} holds no whole state: {error}", "delete it and run snakemake again") from error


def publish(folder: Path, checkpoint: Checkpoint, path: Path) -> None:
    """Put a finished run's last checkpoint at a path too, and delete those before it.

    Both names are of one file where the file system has hard links, so that the state takes its room once and the run,
    asked for again, is found done.

    Args:
        folder: where the run keeps its checkpoints.
        checkpoint: the last of them.
        path: where it shall be found.

    Raises:
        OSError: when it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    try:
        path.hardlink_to(folder / _name(checkpoint.step))
        # an output is as new as the job that gave it
        os.utime(path)
    except OSError as error:
        log.info("%s is written anew: no hard link (%s)", path.name, error.strerror)
        write(path, checkpoint)
    for old in _newest_first(folder)[1:]:
        old.unlink()


def check_space(folder: Path, size: int, keep: int) -> None:
    """Refuse to begin what the disk cannot hold: all checkpoints that are kept, and the next one beside them.

    Args:
        folder: of the checkpoints; it must exist, or the folder above it.
        size: bytes of one checkpoint.
        keep: how many are kept.

    Raises:
        RunError: naming the bytes that are needed and those that are free.
    """
    held = sum(path.stat().st_size for path in _newest_first(folder))
    needed = max(size, (keep + 1) * size - held)
    free = shutil.disk_usage(folder if folder.exists() else folder.parent).free
    if free < needed:
        raise RunError(
            f"checkpoints need {needed:,} bytes more ({keep + 1} of {size:,}, less those there), the disk has {free:,}",
            "free disk space, or put the run on another disk (--directory)",
        )


def load_latest(folder: Path, until: int | None = None) -> Checkpoint | None:
    """The newest checkpoint that is whole, or None; a torn one is logged, passed over and deleted.

    So is what a killed process was still writing: whoever holds the run directory is alone in it.

    Args:
        folder: of the checkpoints.
        until: step whose checkpoint is wanted and none of a later one; None for the newest of all.

    Raises:
        RunError: when the run is past that step and has not kept it.
    """
    for torn in folder.glob(temporary_of(Path("step-*")).name):
        shutil.rmtree(torn, ignore_errors=True)
    paths = _newest_first(folder)
    if until is not None and paths and paths[0].name > _name(until):
        paths = [path for path in paths if path.name == _name(until)]
    for path in paths:
        try:
            found = _load(path)
            if path.name != _name(found.step):
                raise ValueError(f"it is of step {found.step}")
            return found
        except TORN as error:
            log.warning("checkpoint %s is torn (%s): falling back to the one before", path.name, error)
            # it must not be counted among those that are kept
            path.unlink(missing_ok=True)
    if until is not None and any(path.name > _name(until) for path in _newest_first(folder)):
        raise RunError(
            f"{folder} is past step {until} and has not kept it", f"delete {folder.parent}; it is trained anew"
        )
    return None


def _load(path: Path) -> Checkpoint:
    with safe_open(path, framework="pt") as file:
        facts = _facts(file.metadata())
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if digest(tensors) != facts["digest"]:
        raise ValueError("its bytes do not match its digest")
    return Checkpoint(facts["step"], tensors)


def _facts(metadata: dict[str, str] | None) -> dict[str, Any]:
    return dict(json.loads((metadata or {})["checkpoint"]))


def _name(step: int) -> str:
    return f"step-{step:09d}.safetensors"


def _newest_first(folder: Path) -> list[Path]:
    return sorted((path for path in folder.glob("step-*.safetensors") if NAME.fullmatch(path.name)), reverse=True)
