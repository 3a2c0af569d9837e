"""Drawn sequences on disk, and the run directory of a draw."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from descant.errors import SamplingError
from descant.modelfile import ModelFile
from descant.runs.checkpoint import digest
from descant.runs.folder import run_name


def write_steps(path: Path, steps: npt.NDArray[Any]) -> None:
    """Write drawn steps, unsigned ``(batch, steps)``, beside their place and renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        np.save(file, np.ascontiguousarray(steps), allow_pickle=False)
    temporary.replace(path)


def read_steps(path: Path, classes: int) -> Tensor:
    """Read drawn steps as int64 ``(batch, steps)``.

    Raises:
        SamplingError: when the file is torn or holds a class that is not among the classes.
    """
    cure = f"delete {path} and run snakemake again"
    try:
        steps = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise SamplingError(f"{path} cannot be read: {error}", cure) from error
    if steps.ndim != 2 or not steps.size or int(steps.max()) >= classes:
        raise SamplingError(f"{path} does not hold (batch, steps) of {classes} classes", cure)
    return torch.from_numpy(steps.astype(np.int64))


def draw_folder(runs: Path, settings: Mapping[str, Any], model: ModelFile, codes: Tensor | None = None) -> Path:
    """The run directory of a draw, named by all that determines what is drawn."""
    given = "" if codes is None else hashlib.sha256(codes.numpy().tobytes()).hexdigest()
    return runs / run_name({**settings, "codes": given}, digest(model.weights))
