"""How loops are compiled by numba, and the arrays that they take.

Every sum runs in the order in which it is written (floats are contracted to fused multiply-adds, never reordered), so
NaN and infinity come out as they are, and no number depends on what is computed beside it.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

compiled = njit(nogil=True, fastmath={"contract"}, error_model="numpy")
kept_on_disk = njit(nogil=True, fastmath={"contract"}, error_model="numpy", cache=True)
