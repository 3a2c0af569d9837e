"""The run directory: where a training keeps its state between attempts. It is never an output of a rule."""

import fcntl
import hashlib
import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from descant.errors import RunError

# a step of the largest networks, or a validation, is over within it
PATIENCE = 120.0
log = logging.getLogger(__name__)


def run_name(settings: Mapping[str, Any], data_fingerprint: str) -> str:
    """Name of a run: 16 hex digits of a hash over all that determines its result."""
    text = json.dumps({"settings": settings, "data": data_fingerprint}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _taken(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def locked(folder: Path, patience: float = 0.0) -> Iterator[None]:
    """Hold a run directory; the kernel lets go of it on any death.

    Args:
        folder: run directory.
        patience: seconds to wait for its holder: a job whose workflow was killed ends its step and lets go.

    Raises:
        RunError: when another process goes on holding it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        deadline = time.monotonic() + patience
        while not _taken(lock):
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            if time.monotonic() >= deadline:
                raise RunError(
                    f"run directory {folder.name} is in use by process {holder}",
                    "wait for that process to end, or end it; its progress is kept",
                )
            log.info("run directory %s is in use by process %s: waiting for it", folder.name, holder)
            time.sleep(min(1.0, patience))
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
