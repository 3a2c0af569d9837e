"""Drawn sequences on disk, and the run directory of a draw."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from descant.modelfile import ModelFile, digest
from descant.runs.folder import PATIENCE, locked, run_name
from descant.steps import open_steps, write_steps


def read_steps(path: Path, classes: int) -> Tensor:
    """Read drawn steps as int64 ``(batch, steps)``.

    Raises:
        SamplingError: as :func:`open_steps`.
    """
    return torch.from_numpy(open_steps(path, classes).astype(np.int64))


def write_drawn(output: Path, drawn: npt.NDArray[Any], folder: Path) -> None:
    """Write what was drawn in a run directory, which is held meanwhile.

    A job that outlived its workflow and its rerun may end together; they write one after the other, and neither begins
    the drawing anew while the other still reads it.

    Args:
        output: ``.npy`` to write.
        drawn: unsigned ``(batch, steps)``, as mapped from the folder.
        folder: the run directory.

    Raises:
        RunError: when another process goes on holding it.
    """
    with locked(folder, PATIENCE):
        write_steps(output, drawn)


def draw_folder(
    runs: Path, settings: Mapping[str, Any], model: ModelFile, tensors: Mapping[str, Tensor | None]
) -> Path:
    """The run directory of a draw, named by all that determines what is drawn.

    Args:
        runs: folder of run directories.
        settings: that determine it.
        model: that draws.
        tensors: steps that it is given, by what they are; None where there are none.
    """
    digests = {name: None if steps is None else _digest(steps) for name, steps in tensors.items()}
    return runs / run_name({**settings, **digests}, digest(model.weights))


def _digest(steps: Tensor) -> str:
    return hashlib.sha256(f"{tuple(steps.shape)}".encode() + steps.contiguous().numpy().tobytes()).hexdigest()
