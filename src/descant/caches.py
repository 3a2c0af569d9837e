"""Where compiled programs and fonts' lists are kept: one folder for all libraries, and one that can be written."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

# what each library reads its folder from, and ours below the common one; librosa's compiled loops are numba's
NUMBA = "NUMBA_CACHE_DIR"
VARIABLES = {
    NUMBA: "numba",
    "MPLCONFIGDIR": "matplotlib",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
    "TRITON_CACHE_DIR": "triton",
}
# files of compiled loops that call those of other files, and what else is compiled into them
COMPILED = ("compiled.py", "audio/mulaw.py", "layers/prediction.py", "prediction/*.py", "sampling/numba_*.py")


def cache_folder(name: str) -> Path | None:
    """The folder of one cache: in the first common one that can be made, written, and is nobody else's to write.

    The common one is ``$XDG_CACHE_HOME/descant``, else ``~/.cache/descant``, else one of this user's among temporary
    files.

    Args:
        name: of the cache.

    Returns:
        The folder, which is there; None where no such one can be had.
    """
    return next((folder / name for folder in _candidates() if _is_ours(folder) and _is_ours(folder / name)), None)


def _candidates() -> Iterator[Path]:
    home = os.environ.get("XDG_CACHE_HOME", "")
    if Path(home).is_absolute():
        yield Path(home) / "descant"
    else:
        yield Path(os.path.expanduser("~/.cache")) / "descant"  # noqa: PTH111 - which raises for a user without a home
    yield Path(tempfile.gettempdir()) / f"descant-{os.geteuid()}"


def _is_ours(folder: Path) -> bool:
    if not folder.is_absolute():
        return False
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return False
    # programs are loaded from it
    is_safe = status.st_uid == os.geteuid() and not status.st_mode & 0o022
    return is_safe and os.access(folder, os.W_OK | os.X_OK)


def prepare_caches() -> None:
    """Set the environment of the libraries that keep something, before they are imported; what is set stays.

    Numba has a folder for each state of our compiled loops: it compiles a function anew when the function's own file
    has changed, and not when another has whose functions it calls. All programs share it, as what they keep goes by its
    types (:mod:`descant.compiled`): librosa alone takes a quarter of a minute to compile.
    """
    for variable, name in VARIABLES.items():
        if variable not in os.environ and (folder := cache_folder(name)) is not None:
            own = folder / compiled_digest(Path(__file__).parent) if variable == NUMBA else folder
            os.environ[variable] = str(own)


def compiled_digest(package: Path) -> str:
    """A name of all that our compiled loops are made of.

    Args:
        package: folder of the package.
    """
    digest = hashlib.sha256()
    for path in sorted(path for pattern in COMPILED for path in package.glob(pattern)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
