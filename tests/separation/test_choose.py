from pathlib import Path

import pytest
from pydantic import ValidationError

from descant.config.corpus import Separation
from descant.errors import ModelFileError
from descant.separation.choose import backend, separator
from descant.separation.separator import SeparationError


@pytest.mark.parametrize(
    ("wanted", "has_tensorflow", "found"),
    [
        ("auto", True, "tensorflow"),
        ("auto", False, "torch"),
        ("torch", True, "torch"),
        ("tensorflow", True, "tensorflow"),
    ],
)
def test_backend(wanted: str, has_tensorflow: bool, found: str) -> None:
    assert backend(Separation(method="spleeter", backend=wanted), has_tensorflow) == found


def test_tensorflow_where_it_cannot_be_had_is_reported() -> None:
    with pytest.raises(SeparationError, match=r"cure: .*torch"):
        backend(Separation(method="spleeter", backend="tensorflow"), False)


def test_what_is_missing_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SeparationError, match="weights"):
        separator(Separation(method="spleeter"), None, None, 1)
    with pytest.raises(ModelFileError, match="holds no model"):
        separator(Separation(method="spleeter", backend="torch", weights=str(tmp_path)), None, None, 1)
    with pytest.raises(SeparationError, match="no folder"):
        separator(Separation(method="stems", stems_folder=str(tmp_path / "none")), None, None, 1)


def test_tensorflow_needs_its_python(tmp_path: Path) -> None:
    with pytest.raises(SeparationError, match="backend is tensorflow"):
        separator(Separation(method="spleeter", backend="tensorflow"), tmp_path, None, 1)
    # whatever this Python is, auto takes torch where no environment is handed over
    with pytest.raises(ModelFileError, match="holds no model"):
        separator(Separation(method="spleeter"), tmp_path, None, 1)


def test_stems_need_a_folder() -> None:
    with pytest.raises(ValidationError, match="stems_folder is empty"):
        Separation(method="stems")
