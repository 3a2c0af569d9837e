"""Drawn sequences on disk, and the run directory of a draw."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from descant.modelfile import ModelFile, digest
from descant.runs.folder import run_name
from descant.steps import open_steps


def read_steps(path: Path, classes: int) -> Tensor:
    """Read drawn steps as int64 ``(batch, steps)``.

    Raises:
        SamplingError: as :func:`open_steps`.
    """
    return torch.from_numpy(open_steps(path, classes).astype(np.int64))


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
