"""The training command refuses, before anything is trained, what it cannot read."""

import json
from pathlib import Path

import numpy as np
import pytest

from descant.commands.options import open_streams
from descant.commands.train import train
from descant.errors import ConfigError, SequenceError
from descant.sequences import Labels, SequenceWriter


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
    with pytest.raises(ConfigError, match="--kind is songbird") as refused:
        train("songbird", "{}", ["steps=nowhere"], tmp_path / "model", tmp_path / "metrics.csv")
    assert "ada, " in refused.value.cure and "wavenet, " in refused.value.cure


def test_a_byte_that_changed_is_found_before_anything_is_trained(tmp_path: Path) -> None:
    with SequenceWriter(tmp_path / "audio", classes=4, hop=1, sample_rate=8000) as writer:
        writer.add("a", "train", Labels(), [np.arange(1000) % 4])
    whole = (tmp_path / "audio/data.npy").read_bytes()
    (tmp_path / "audio/data.npy").write_bytes(whole[:-1] + b"\2")
    settings = {
        "wavenet": {"stacks": 1, "layers_per_stack": 2, "residual_channels": 4, "gate_channels": 4, "skip_channels": 4},
        "training": {"steps": 1, "batch": 1, "window": 8},
    }
    inputs, runs = [f"steps={tmp_path}/audio"], tmp_path / "runs"
    with pytest.raises(SequenceError, match="are not those that were written"):
        train("wavenet", json.dumps(settings), inputs, tmp_path / "model", tmp_path / "metrics.csv", runs)
    assert not runs.exists() and not (tmp_path / "model").exists()
