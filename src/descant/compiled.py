"""How loops are compiled by numba, and the arrays that they take.

Every sum runs in the order in which it is written (floats are contracted to fused multiply-adds, never reordered), so
NaN and infinity come out as they are, and no number depends on what is computed beside it.
"""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from numba.core.caching import IndexDataCacheFile

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

compiled = njit(nogil=True, fastmath={"contract"}, error_model="numpy")
kept_on_disk = njit(nogil=True, fastmath={"contract"}, error_model="numpy", cache=True)


def _save(self: Any, key: object, data: object) -> None:
    """Keep machine code under a name that follows from the types it was compiled for.

    Numba numbers its files: processes that compile a function for different types at once take the same number, and a
    later one runs the wrong code. Here the worst is that one of them is compiled once more.
    """
    name = self._data_name(int.from_bytes(hashlib.sha256(self._dump(key)).digest()[:8], "big"))
    self._save_data(name, data)
    self._save_index({**self._load_index(), key: name})


IndexDataCacheFile.save = _save  # type: ignore[method-assign]
