"""The run directory: where a training keeps its state between attempts. It is never an output of a rule."""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from descant.errors import RunError


def run_name(settings: Mapping[str, Any], data_fingerprint: str) -> str:
    """Name of a run: 16 hex digits of a hash over all that determines its result."""
    text = json.dumps({"settings": settings, "data": data_fingerprint}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run directory; the kernel lets go of it on any death.

    Raises:
        RunError: when another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise RunError(
                f"run directory {folder.name} is in use by process {holder}",
                "wait for that process to end, or end it; its progress is kept",
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
