"""What is true of a whole packed sequence, and whether its two files agree with it (:mod:`descant.sequences`)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from descant.errors import SequenceError

REAL_TYPES = ("int16", "float16", "float32")
# an index is read into memory as a whole: far more than any corpus has, far less than a machine
MOST_TRACKS = 1_000_000
MOST_INDEX_BYTES = 1 << 29

Unit = Literal["second", "quarter"]


def smallest_dtype(classes: int) -> np.dtype[Any]:
    """The smallest unsigned type that holds the integers 0 … classes - 1."""
    return np.dtype(np.min_scalar_type(classes - 1))


class Facts(BaseModel):
    """What is true of a whole sequence.

    Attributes:
        classes: how many values a step can take; 0: its values are real.
        hop: ticks to one step: audio samples for what comes from audio.
        sample_rate: ticks a unit: the audio's sample rate in Hz for what comes from audio.
        channels: values of a step; 0: a step is a scalar.
        unit: of time: a ``second``, or a ``quarter`` note for scores, which have no tempo.
        steps: of all tracks together.
        fingerprint: sha256 of the data, and of the index without the labels, which change no step.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    classes: int = Field(ge=0, le=1 << 16)
    hop: int = Field(ge=1, le=1 << 31)
    sample_rate: int = Field(ge=1, le=1 << 31)
    channels: int = Field(0, ge=0, le=1 << 16)
    unit: Unit = "second"
    steps: int = Field(ge=0)
    fingerprint: str = Field(pattern="^[0-9a-f]{64}$")


def cure_of(folder: Path) -> str:
    """What to do about a sequence that is not what it says."""
    return f"delete {folder} and run snakemake again"


def check_data(folder: Path, data: npt.NDArray[Any], facts: Facts) -> None:
    """Refuse data of another type, shape or length than the facts state.

    Raises:
        SequenceError: saying what differs.
    """
    known = (smallest_dtype(facts.classes).name,) if facts.classes else REAL_TYPES
    form = f"steps of {facts.channels} channels" if facts.channels else "scalar steps"
    wrong = None
    if data.dtype.name not in known:
        wrong = f"is of type {data.dtype}, not {' or '.join(known)}"
    elif data.ndim == 0 or data.shape[1:] != ((facts.channels,) if facts.channels else ()):
        wrong = f"has shape {data.shape}, but its index says {form}"
    elif not data.flags.c_contiguous:
        wrong = "lies channel by channel, not step by step"
    elif len(data) != facts.steps:
        wrong = f"has {len(data)} steps but its index says {facts.steps}"
    if wrong:
        raise SequenceError(f"{folder}/data.npy {wrong}", cure_of(folder))


def check_index(folder: Path, index: pd.DataFrame, texts: Sequence[str], steps: int) -> None:
    """Refuse tracks that do not lie one after another and fill the data.

    Args:
        folder: for errors.
        index: a row a track.
        texts: its columns that hold text.
        steps: of the data.

    Raises:
        SequenceError: saying what differs.
    """
    wrong, lengths = None, index["length"].to_numpy()
    if no_texts := [column for column in texts if not all(isinstance(value, str) for value in index[column])]:
        wrong = f"a {no_texts[0]} that is no text"
    elif index["offset"].dtype != np.int64 or lengths.dtype != np.int64:
        wrong = "offsets or lengths that are no whole numbers"
    # before they are added up: a sum of lengths that are too large would wrap around
    elif len(lengths) and not 0 <= lengths.min() <= lengths.max() <= steps:
        wrong = f"a track of {lengths.min()} or {lengths.max()} steps, but data of {steps}"
    elif not np.array_equal(index["offset"].to_numpy(), np.cumsum(lengths) - lengths) or lengths.sum() != steps:
        wrong = "tracks that do not lie one after another in the data"
    if wrong:
        raise SequenceError(f"{folder}/index.parquet has {wrong}", cure_of(folder))
