import sys

import pytest

from descant.errors import ModelFileError
from descant.evaluation.wheels import wheel_file


def test_a_file_is_found_without_importing_its_package() -> None:
    loaded = "musicnn" in sys.modules
    assert wheel_file("musicnn", "MSD_musicnn/checkpoint").is_file()
    assert ("musicnn" in sys.modules) == loaded


@pytest.mark.parametrize(("package", "name"), [("musicnn", "no_such_model"), ("no_such_package", "file")])
def test_what_is_not_installed_is_reported_with_its_cure(package: str, name: str) -> None:
    with pytest.raises(ModelFileError, match="pip install --no-deps"):
        wheel_file(package, name)
