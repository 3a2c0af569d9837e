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


def draw_folder(runs: Path, settings: Mapping[str, Any], model: ModelFile, codes: Tensor | None = None) -> Path:
    """The run directory of a draw, named by all that determines what is drawn."""
    given = "" if codes is None else hashlib.sha256(codes.numpy().tobytes()).hexdigest()
    return runs / run_name({**settings, "codes": given}, digest(model.weights))
