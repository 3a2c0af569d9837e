"""Builds the native kernel on first use and keeps it in the user's cache folder."""

import ctypes
import hashlib
import logging
import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from descant.errors import EngineError

log = logging.getLogger(__name__)

SOURCE = Path(__file__).with_name("wavenet.cpp")
COMPILERS = ("c++", "g++", "clang++")
# sums are fused alike wherever they stand, and nothing is reordered
FLAGS = (
    *("-std=c++17", "-O3", "-fPIC", "-shared"),
    *("-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"),
    "-march=native",
)
PATIENCE = 300.0
DIGEST_BYTES = hashlib.sha256().digest_size


def load_kernel() -> ctypes.CDLL:
    """The kernel for this CPU, built if it is not in the cache.

    The compiler is ``$CXX``, else the first found of c++, g++ and clang++; ``$CXXFLAGS`` comes last on its command
    line. What is built lies in ``$XDG_CACHE_HOME/descant/native`` (or below ``~/.cache``) under a hash of the source,
    the command line, and all that the compiler predefines: its version and this CPU's instruction sets are among it.

    Returns:
        The loaded library; calls into it release the interpreter's lock.

    Raises:
        EngineError: no compiler, it fails, or the cache folder cannot be used.
    """
    command = [*_compiler(), *FLAGS, *shlex.split(os.environ.get("CXXFLAGS", ""))]
    source = SOURCE.read_bytes()
    predefined = _run([*command, "-dM", "-E", "-x", "c++", os.devnull])
    key = hashlib.sha256(b"\0".join([source, shlex.join(command).encode(), predefined])).hexdigest()
    try:
        path = _cache() / f"{key[:32]}.so"
        if not _is_whole(path):
            _build(command, path)
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise EngineError(
            f"the native engine cannot be kept or loaded: {error}",
            "set XDG_CACHE_HOME to a folder of yours on a disk that allows programs",
        ) from error


def _compiler() -> list[str]:
    """The compiler's command.

    Raises:
        EngineError: when none is found.
    """
    chosen = shlex.split(os.environ.get("CXX", ""))
    for command in [chosen] if chosen else [[name] for name in COMPILERS]:
        if shutil.which(command[0]):
            return command
    raise EngineError(
        f"no C++ compiler: {' or '.join(chosen[:1] or COMPILERS)} is not found",
        "install g++ or clang++, or set CXX to one, or set sampling.engine to another",
    )


def _run(command: list[str]) -> bytes:
    """What a compiler writes to its standard output.

    Raises:
        EngineError: when it fails.
    """
    try:
        return subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE).stdout
    except subprocess.CalledProcessError as error:
        said = "\n".join(error.stderr.decode(errors="replace").splitlines()[-10:])
        problem = f"the native engine does not build: {shlex.join(command)}\n{said}"
    except (OSError, subprocess.TimeoutExpired) as error:
        problem = f"the native engine does not build: {error}"
    raise EngineError(problem, "set CXX to a C++17 compiler (g++ 9 or clang++ 12 on), or sampling.engine to another")


def _cache() -> Path:
    """The folder of built kernels, ours alone.

    Raises:
        EngineError: when others may write to it.
        OSError: when it cannot be made.
    """
    home = os.environ.get("XDG_CACHE_HOME", "")
    folder = (Path(home) if Path(home).is_absolute() else Path("~/.cache").expanduser()) / "descant" / "native"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise EngineError(
            f"others may write to {folder}, from which programs would be loaded",
            f"make it yours alone (chmod 700 {folder}), or set XDG_CACHE_HOME to another folder",
        )
    return folder


def _is_whole(path: Path) -> bool:
    """Whether a kernel is there and ends in the digest of the rest."""
    if not path.is_file():
        return False
    content = path.read_bytes()
    whole = hashlib.sha256(content[:-DIGEST_BYTES]).digest() == content[-DIGEST_BYTES:]
    if not whole:
        log.warning("%s is torn and is built again", path)
    return whole


def _build(command: list[str], path: Path) -> None:
    """Build beside the place and rename; a loader ignores the digest after the library's end."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="building-") as name:
        built = Path(name) / path.name
        _run([*command, str(SOURCE), "-o", str(built)])
        with built.open("rb+") as file:
            file.write(hashlib.sha256(file.read()).digest())
            file.flush()
            os.fsync(file.fileno())
        built.replace(path)
    log.info("built the native engine: %s", path)
