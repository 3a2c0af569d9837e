"""A device of its own for every job of a workstation: leases that the kernel ends on any death."""

import fcntl
import logging
import os
import random
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from descant.errors import RunError

VISIBLE = "CUDA_VISIBLE_DEVICES"
# a job before this one may have a day to go: Snakemake, given the number of GPUs, never lets it come to that
PATIENCE = 600.0
# of `nvidia-smi -L`: a card, or beneath it its parts
LISTED = re.compile(r"(GPU|\s+(?P<part>MIG)) .*\(UUID: (?P<name>[^)]+)\)")
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


@dataclass(frozen=True)
class Lease:
    """Devices that no other lease holds.

    Attributes:
        devices: their names.
        descriptors: of the open lock files.
    """

    devices: tuple[str, ...]
    descriptors: tuple[int, ...]

    def end(self) -> None:
        """Let go; a lease that is never ended lasts until its process ends, by whatever death."""
        for descriptor in self.descriptors:
            os.close(descriptor)


def lease(devices: Sequence[str], count: int, folder: Path, patience: float) -> Lease:
    """Hold so many devices that no other lease holds.

    All are taken or none: two jobs that each hold half of what they need would wait for one another for ever.

    Args:
        devices: names of this machine's devices.
        count: how many are wanted.
        folder: of the lock files.
        patience: seconds to wait for them.

    Raises:
        RunError: when there are fewer, or they stay taken.
    """
    if count > len(devices):
        raise RunError(
            f"gpus_per_job is {count}, but the devices to be had are {len(devices)}",
            f"set gpus_per_job to at most {len(devices)}",
        )
    deadline = time.monotonic() + patience
    log_once = True
    while True:
        held: dict[str, int] = {}
        for device in devices:
            descriptor = _take(folder / f"device-{device}.lock") if len(held) < count else None
            if descriptor is not None:
                held[device] = descriptor
        found = Lease(tuple(held), tuple(held.values()))
        if len(held) == count:
            return found
        found.end()
        if time.monotonic() >= deadline:
            raise RunError(
                f"{count} of this machine's devices ({', '.join(devices)}) did not become free in {patience:g} s",
                "give Snakemake as many as there are: --resources gpu=N; or end what holds them",
            )
        if log_once:
            log.info("waiting for %d of the devices %s", count, ", ".join(devices))
            log_once = False
        # not in step with another job that waits
        time.sleep(random.uniform(0.05, 0.5) if patience >= 1 else 0.01)


def _take(path: Path) -> int | None:
    # children do not inherit it: their parent's death must end the lease
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def nvidia_devices(patience: float = 60.0) -> tuple[str, ...]:
    """UUIDs of the GPUs that the driver shows, found without starting CUDA in this process; empty without a driver.

    Of a card that is divided (MIG) its parts are devices, and the card itself is none.

    Args:
        patience: seconds that the driver's program may take.

    Raises:
        RunError: when it takes longer.
    """
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    try:
        answer = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=patience, check=False)
    except subprocess.TimeoutExpired as error:
        raise RunError(
            f"nvidia-smi did not answer in {patience:g} s: the driver or a GPU hangs",
            "see what `nvidia-smi -L` prints; restart the machine",
        ) from error
    found: list[str] = []
    for line in answer.stdout.splitlines() if answer.returncode == 0 else ():
        if match := LISTED.match(line):
            if match["part"] and found and found[-1].startswith("GPU-"):
                found.pop()
            found.append(match["name"])
    return tuple(found)


def see_only_leased(devices: Sequence[str], count: int, folder: Path, patience: float) -> Lease | None:
    """Let this process, and its children, see only devices of its own until it ends.

    Where ``CUDA_VISIBLE_DEVICES`` shows as many as are wanted, a scheduler has dealt them, and it is left as it is;
    where it shows more, the lease is among these. It must come before the first use of CUDA.

    Args:
        devices: names of this machine's devices, in the driver's order; with none there is nothing to lease.
        count: how many are wanted.
        folder: of the lock files.
        patience: seconds to wait for them.

    Returns:
        The lease, if one was taken.

    Raises:
        RunError: when they cannot be had.
    """
    given = os.environ.get(VISIBLE)
    if given is None and not devices:
        return None
    shown = list(devices) if given is None else [name.strip() for name in given.split(",") if name.strip()]
    if given is not None and len(shown) in (0, count):
        return None
    # of one device one lock, whether it is shown by number or by name
    locks = {_name_of(name, devices): name for name in shown}
    held = lease(list(locks), count, folder, patience)
    os.environ[VISIBLE] = ",".join(locks[name] for name in held.devices)
    return held


def _name_of(shown: str, devices: Sequence[str]) -> str:
    whole = not any(name.startswith("MIG-") for name in devices)
    return devices[int(shown)] if whole and shown.isdecimal() and int(shown) < len(devices) else shown
