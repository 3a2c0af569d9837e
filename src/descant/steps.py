"""Drawn steps on disk: ``.npy`` files of unsigned integers ``(batch, steps)``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from descant.errors import SamplingError
from descant.npy import map_array


def write_steps(path: Path, steps: npt.NDArray[Any]) -> None:
    """Write drawn steps, unsigned ``(batch, steps)``, beside their place and renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        np.save(file, np.ascontiguousarray(steps), allow_pickle=False)
    temporary.replace(path)


def open_steps(path: Path, classes: int) -> npt.NDArray[np.unsignedinteger]:
    """Open drawn steps ``(batch, steps)``, mapped and not read into memory.

    Raises:
        SamplingError: when the file is missing, torn or holds a class that is not among the classes.
    """
    cure = f"delete {path} and run snakemake again"
    try:
        steps: npt.NDArray[np.unsignedinteger] = map_array(path)
    except (OSError, ValueError) as error:
        raise SamplingError(f"{path} cannot be read: {error}", cure) from error
    if steps.ndim != 2 or steps.dtype.kind != "u" or not steps.size or int(steps.max()) >= classes:
        raise SamplingError(f"{path} does not hold (batch, steps) of {classes} classes", cure)
    return steps


def read_waveforms(path: Path, batch: int, most: int, picked: Sequence[int] = ()) -> npt.NDArray[np.int16]:
    """Read the 16-bit samples that a batch of sequences begins with.

    Args:
        path: of the ``.npy`` file.
        batch: sequences; the file holds a row for each, or one for all.
        most: samples of a sequence.
        picked: numbers of these sequences among those that the file holds; empty where it holds no others.

    Raises:
        SamplingError: when the file is missing, torn or does not hold these.
    """
    cure = f"delete {path.parent} and run snakemake again"
    try:
        samples = map_array(path)
    except (OSError, ValueError) as error:
        raise SamplingError(f"{path} cannot be read: {error}", cure) from error
    rows = range(max(picked) + 1, len(samples) + 1) if picked else (batch,)
    if samples.dtype != np.int16 or samples.ndim != 2 or len(samples) not in (1, *rows) or samples.shape[1] > most:
        raise SamplingError(f"{path} does not hold 16-bit samples (1, samples) or ({batch}, samples)", cure)
    return np.asarray(samples if len(samples) == 1 or not picked else samples[list(picked)])
