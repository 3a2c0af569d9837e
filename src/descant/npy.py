"""Opening a ``.npy`` file that may be a stranger's."""

from pathlib import Path
from typing import Any

import numpy as np


def map_array(path: Path) -> "np.memmap[Any, Any]":
    """Map an array; nothing of it is read, and no pickle is.

    Raises:
        OSError: when it cannot be opened.
        ValueError: when it is no such file, or does not hold what its header says.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # numpy reads the header with Python's own parser, whose errors are of many kinds
        raise ValueError(f"{path.name} holds no array: {error}") from error
    if not isinstance(array, np.memmap):
        raise ValueError(f"{path.name} holds no array, but several")
    return array
