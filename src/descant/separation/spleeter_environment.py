"""Makes spleeter's own Python environment, from wheels whose hashes a lock file pins.

Spleeter 2.4.2 needs TensorFlow 2.12, which shares no environment with current torch. Standard library only: with
``--sdm conda`` this runs on the Python that conda brings, which has nothing else.
"""

import hashlib
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from descant.errors import DescantError

# TensorFlow 2.12 has wheels up to this one
PYTHON = (3, 11)
STAMP = "complete"
# -I: no PYTHONPATH and no user's packages
ISOLATED = ("-I", "-m", "pip")
PIP_OPTIONS = ("--no-input", "--disable-pip-version-check", "--progress-bar", "off")
NO_TENSORFLOW = "or set separation.backend: torch, the same network and weights without this environment"


class SpleeterSetupError(DescantError):
    """Spleeter's environment or weights cannot be made."""


def is_supported() -> bool:
    """Whether this Python, on this machine, can have spleeter's environment: CPython 3.11 on Linux x86-64."""
    return sys.version_info[:2] == PYTHON and (sys.platform, platform.machine()) == ("linux", "x86_64")


def spleeter_python(lock: Path, folder: Path) -> Path:
    """Find or make the environment that a lock file describes.

    Where the Python that runs this has the lock's spleeter and TensorFlow already, it is that Python, and nothing is
    made. An environment that was made whole from the same lock is kept; anything else in the folder is replaced.

    Args:
        lock: requirements with hashes.
        folder: of the environment, made when missing.

    Returns:
        Path of its interpreter, relative if ``folder`` is.

    Raises:
        SpleeterSetupError: when this Python does not suit, or pip fails.
    """
    pins = _read_pins(lock)
    if all(_installed(name) == pins[name] for name in ("spleeter", "tensorflow-cpu")):
        return Path(sys.executable)
    if not is_supported():
        version = ".".join(map(str, sys.version_info[:2]))
        raise SpleeterSetupError(
            f"spleeter's TensorFlow has wheels for Python 3.11 on Linux x86-64; "
            f"this is Python {version} on {platform.system()} {platform.machine()}",
            f"run the pipeline on Python 3.11, or with --sdm conda, which brings one; {NO_TENSORFLOW}",
        )
    python = folder / "bin" / "python"
    if _is_whole(folder, lock) and _runs(python, "pass"):
        return python
    _make(lock, folder, python)
    return python


def _read_pins(lock: Path) -> dict[str, str]:
    try:
        text = lock.read_text(encoding="utf-8")
    except OSError as error:
        raise SpleeterSetupError(
            f"{lock} cannot be read: {error.strerror}", "restore it from version control"
        ) from error
    pins = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))
    if not {"spleeter", "tensorflow-cpu"} <= pins.keys():
        raise SpleeterSetupError(f"{lock} pins no spleeter or no tensorflow-cpu", "restore it from version control")
    return pins


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _stamp_text(lock: Path) -> str:
    return f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {platform.python_version()}\n"


def _is_whole(folder: Path, lock: Path) -> bool:
    stamp = folder / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == _stamp_text(lock)


def _runs(python: Path, program: str) -> bool:
    """Whether an interpreter, which may have been removed, ends a program well; what it prints goes to stderr."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    try:
        return subprocess.run([python, "-I", "-c", program], stdout=2, env=environment, check=False).returncode == 0
    except OSError:
        return False


def _make(lock: Path, folder: Path, python: Path) -> None:
    # the stamp is written last: what has none was interrupted
    shutil.rmtree(folder, ignore_errors=True)
    try:
        venv.EnvBuilder(with_pip=True).create(folder)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SpleeterSetupError(
            f"no environment can be made in {folder}: {error}",
            f"install Python's venv module (Debian: python3-venv) and free 1.5 GB; {NO_TENSORFLOW}",
        ) from error
    run_pip(python, "install", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", str(lock))
    if not _runs(python, "import tensorflow, spleeter"):
        raise SpleeterSetupError(
            "spleeter's environment is made, but TensorFlow does not start in it; its own words are above",
            f"it needs a processor with AVX; {NO_TENSORFLOW}",
        )
    (folder / STAMP).write_text(_stamp_text(lock), encoding="utf-8")


def run_pip(python: Path | str, action: str, *arguments: str) -> None:
    """Run pip apart from the caller's packages; what it says goes to stderr.

    Args:
        python: interpreter whose pip it is.
        action: ``install`` or ``download``.
        arguments: of the action.

    Raises:
        SpleeterSetupError: when it fails.
    """
    done = subprocess.run([python, *ISOLATED, action, *PIP_OPTIONS, *arguments], stdout=2, check=False)
    if done.returncode:
        raise SpleeterSetupError(
            f"pip {action} ended with exit code {done.returncode}; its own words are above",
            "run it where the package index can be reached, once: what it makes stays in resources/spleeter; "
            "if hashes do not match, the index gives other files than those that were tried, and they are not used",
        )
