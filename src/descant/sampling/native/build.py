"""Builds the native kernel on first use and keeps it in the user's cache folder."""

import ctypes
import hashlib
import logging
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from descant.caches import cache_folder
from descant.errors import EngineError

log = logging.getLogger(__name__)

SOURCE = Path(__file__).with_name("wavenet.cpp")
INCLUDED = Path(__file__).with_name("prediction.hpp")
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

    The compiler is ``$CXX``, else the first found of c++, g++ and clang++; ``$DESCANT_CXXFLAGS`` comes last on its
    command line (``$CXXFLAGS``, which environments set for the sake of old machines, does not come at all). What is
    built lies in ``$XDG_CACHE_HOME/descant/native`` (or below ``~/.cache``) under a hash of the source, the command
    line, and all that the compiler predefines: its version and this CPU's instruction sets are among it. Where that
    folder cannot be written, :func:`descant.caches.cache_folder` names another.

    Returns:
        The loaded library; calls into it release the interpreter's lock.

    Raises:
        EngineError: no compiler, it fails, or the cache folder cannot be used.
    """
    command = [*(_words("CXX") or _found()), *FLAGS, *_words("DESCANT_CXXFLAGS")]
    source = SOURCE.read_bytes() + INCLUDED.read_bytes()
    predefined = _run([*command, "-dM", "-E", "-x", "c++", os.devnull])
    key = hashlib.sha256(b"\0".join([source, shlex.join(command).encode(), predefined])).hexdigest()
    folder = cache_folder("native")
    if folder is None:
        raise EngineError(
            "the native engine cannot be kept: no cache folder can be written, or others may write to it",
            "set XDG_CACHE_HOME to a folder of yours",
        )
    try:
        path = folder / f"{key[:32]}.so"
        if not _is_whole(path):
            _build(command, path)
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise EngineError(
            f"the native engine cannot be kept or loaded: {error}",
            "set XDG_CACHE_HOME to a folder of yours on a disk that allows programs",
        ) from error
    library.tile_vectors.argtypes = [ctypes.c_int64]
    for function in (library.tile_vectors, library.vector_lanes, library.has_bfloat16_products, library.go_along):
        function.restype = ctypes.c_int64
    return library


def _words(variable: str) -> list[str]:
    """An environment variable as words of a command line; none where it is not set.

    Raises:
        EngineError: when its quotes do not match.
    """
    try:
        return shlex.split(os.environ.get(variable, ""))
    except ValueError as error:
        raise EngineError(f"the environment variable {variable} is no command line: {error}", "mend it") from error


def _found() -> list[str]:
    """The first compiler that is found.

    Raises:
        EngineError: when none is.
    """
    for name in COMPILERS:
        if shutil.which(name):
            return [name]
    raise EngineError(
        f"no C++ compiler: {' or '.join(COMPILERS)} is not found",
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
    for left in path.parent.glob("building-*"):
        if time.time() - left.stat().st_mtime > PATIENCE:
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="building-") as name:
        built = Path(name) / path.name
        _run([*command, str(SOURCE), "-o", str(built)])
        with built.open("rb+") as file:
            file.write(hashlib.sha256(file.read()).digest())
            file.flush()
            os.fsync(file.fileno())
        built.replace(path)
    log.info("built the native engine: %s", path)
