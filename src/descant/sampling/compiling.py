"""Machine code of numba, made by one process after the other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from descant.errors import EngineError, RunError
from descant.runs.folder import PATIENCE, locked


def compile_alone(kernel: Any, first_call: Callable[[], object]) -> None:
    """Compile a loop by its first call, or load what was compiled: numba's own index of it is not locked.

    Args:
        kernel: compiled by numba, with its code kept on disk.
        first_call: calls it with the types that it is used with.

    Raises:
        EngineError: when the code cannot be kept.
    """
    cache = kernel.stats.cache_path
    assert cache is not None
    try:
        with locked(Path(cache), PATIENCE):
            first_call()
    except (OSError, RunError) as error:
        raise EngineError(
            f"the machine code of the numba engine cannot be kept: {error}",
            "set NUMBA_CACHE_DIR to a folder that can be written",
        ) from error
