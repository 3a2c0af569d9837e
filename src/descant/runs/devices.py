"""A device of its own for every job of a workstation: leases that the kernel ends on any death."""

import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from descant.errors import RunError

VISIBLE = "CUDA_VISIBLE_DEVICES"
log = logging.getLogger(__name__)


def lease_folder() -> Path:
    """Where this user's leases of this machine lie; never on a network file system, which may not lock.

    Raises:
        RunError: when somebody else owns it.
    """
    folder = Path(tempfile.gettempdir()) / f"descant-devices-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise RunError(f"{folder} belongs to somebody else", "set TMPDIR to a folder of your own on this machine")
    return folder


@contextmanager
def leased(devices: Sequence[str], count: int, folder: Path, patience: float) -> Iterator[tuple[str, ...]]:
    """Hold so many devices that no other lease holds; the kernel ends a lease with its process.

    All are taken or none: two jobs that each hold half of what they need would wait for one another for ever.

    Args:
        devices: names of this machine's devices, such as ``0`` and ``1``.
        count: how many are wanted.
        folder: of the lock files.
        patience: seconds to wait for them.

    Yields:
        The devices' names, in the order of ``devices``.

    Raises:
        RunError: when there are fewer, or they stay taken.
    """
    if count > len(devices):
        raise RunError(
            f"gpus_per_job is {count} but this machine has {len(devices)}",
            f"set gpus_per_job to at most {len(devices)}",
        )
    deadline = time.monotonic() + patience
    waiting = False
    while True:
        with ExitStack() as stack:
            held = []
            for device in devices:
                file = stack.enter_context((folder / f"device-{device}.lock").open("a"))
                if len(held) < count and _taken(file):
                    held.append(device)
            if len(held) == count:
                yield tuple(held)
                return
        if time.monotonic() >= deadline:
            raise RunError(
                f"{count} of this machine's devices ({', '.join(devices)}) did not become free in {patience:g} s",
                "give Snakemake as many as there are: --resources gpu=N; or end what holds them",
            )
        if not waiting:
            log.info("waiting for %d of the devices %s", count, ", ".join(devices))
            waiting = True
        time.sleep(min(1.0, max(0.01, patience)))


def _taken(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def visible(devices: Sequence[str], count: int, patience: float) -> Iterator[None]:
    """Let this process, and its children, see only devices of its own.

    Where ``CUDA_VISIBLE_DEVICES`` is set, a scheduler or a person has dealt them already: it is left as it is.
    It must be entered before CUDA is first used.

    Args:
        devices: names of this machine's devices.
        count: how many are wanted.
        patience: seconds to wait for them.

    Raises:
        RunError: when they cannot be had.
    """
    if VISIBLE in os.environ:
        yield
        return
    with leased(devices, count, lease_folder(), patience) as held:
        os.environ[VISIBLE] = ",".join(held)
        try:
            yield
        finally:
            del os.environ[VISIBLE]
