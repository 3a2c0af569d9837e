"""Processes that do not pay for imports: see ``fork_server.py``, of which each process of the tests has one."""

import atexit
import functools
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Forking:
    """A fork server at work.

    Attributes:
        python: what stands for ``python -m`` in a command line.
        bash: a file for the variable ``BASH_ENV``, by which ``python -m`` in the shells of rules is that too.
    """

    python: tuple[str, ...]
    bash: Path


@functools.cache
def forking() -> Forking:
    """Start the fork server of this process; it ends with it."""
    folder = Path(tempfile.mkdtemp(prefix="descant-fork-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "socket"
    command = [sys.executable, str(HERE / "fork_server.py"), str(path)]
    # as Snakemake sets them for a job of one thread: libraries read them when they are imported
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    server = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/", env=environment
    )
    if server.stdout is None or server.stdout.readline() != "listening\n":
        raise AssertionError("the fork server did not start")
    atexit.register(server.communicate)
    python = (sys.executable, "-IS", str(HERE / "fork_client.py"), str(path))
    bash = folder / "functions.sh"
    bash.write_text(
        f'python() {{\n    if [ "$1" = -m ]; then shift; {shlex.join(python)} "$@"; else command python "$@"; fi\n}}\n'
    )
    return Forking(python, bash)
