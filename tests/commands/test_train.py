"""The training command refuses, before anything is trained, what it cannot read."""

from pathlib import Path

import pytest

from descant.commands.options import open_streams
from descant.commands.train import train
from descant.errors import ConfigError, SequenceError


@pytest.mark.parametrize("given", ["steps", "steps=", "=folder", ""])
def test_an_input_is_a_name_and_a_folder(given: str) -> None:
    with pytest.raises(ConfigError, match="not of the form NAME=FOLDER"):
        open_streams([given])


def test_a_name_is_given_once_and_a_folder_may_hold_equals_signs(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="twice"):
        open_streams(["steps=a", "steps=b"])
    with pytest.raises(SequenceError, match="a=b holds no readable sequence"):
        open_streams([f"steps={tmp_path}/a=b"])


def test_a_kind_that_is_not_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--kind is transformer") as refused:
        train("transformer", "{}", ["steps=nowhere"], tmp_path / "model", tmp_path / "metrics.csv")
    assert "ada, wavenet" in refused.value.cure
