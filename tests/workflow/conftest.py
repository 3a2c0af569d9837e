from pathlib import Path

import pytest
from pipeline import run


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the tiny pipeline ran to its end."""
    folder = tmp_path_factory.mktemp("tiny")
    run(folder, "--cores", "2", "all")
    return folder
