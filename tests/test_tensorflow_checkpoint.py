"""Everything here reads a real checkpoint: musicnn's weights. Spleeter's are compared with TensorFlow's reading of them
in tests/separation/test_spleeter_checkpoint.py.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from descant.errors import ModelFileError
from descant.tensorflow_checkpoint import read_checkpoint

DATA = "model.data-00000-of-00001"


@pytest.fixture(scope="module")
def model() -> Path:
    """Folder of a model whose checkpoint has an empty name, as some have."""
    found = importlib.util.find_spec("musicnn")
    assert found is not None and found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "MSD_musicnn"


@pytest.fixture
def copied(model: Path, tmp_path: Path) -> Path:
    """The same model under a name, its index free to be written to."""
    (tmp_path / "model.index").write_bytes((model / ".index").read_bytes())
    (tmp_path / DATA).symlink_to(model / ".data-00000-of-00001")
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "somewhere/else/model"\n')
    return tmp_path


def test_tensors_are_where_the_index_says(model: Path) -> None:
    tensors = read_checkpoint(model)
    assert tensors["conv2d/kernel"].shape == (7, 38, 1, 204) and tensors["conv2d/kernel"].dtype == np.float32
    assert all(np.isfinite(tensor).all() for tensor in tensors.values())
    assert (tensors["batch_normalization_9/moving_variance"] >= 0).all()
    # Adam's own constants, 0.9 and 0.999 to the power of the steps taken
    assert 0 <= tensors["beta1_power"] <= tensors["beta2_power"] <= 1


def test_the_path_of_another_machine_is_not_followed(model: Path, copied: Path) -> None:
    ours, theirs = read_checkpoint(copied), read_checkpoint(model)
    assert set(ours) == set(theirs)
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.data())
def test_damage_is_reported_or_harmless(copied: Path, data: st.DataObject) -> None:
    """Whatever the bytes, nothing is raised but our own error."""
    index = copied / "model.index"
    whole = index.read_bytes()
    damaged = bytearray(whole)
    if data.draw(st.booleans()):
        damaged = damaged[: data.draw(st.integers(0, len(whole) - 1))]
    else:
        damaged[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    index.write_bytes(damaged)
    try:
        read_checkpoint(copied)
    except ModelFileError:
        pass
    finally:
        index.write_bytes(whole)


def test_what_is_missing_is_reported(copied: Path, model: Path) -> None:
    whole = (model / ".data-00000-of-00001").read_bytes()
    (copied / DATA).unlink()
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_checkpoint(copied)
    (copied / DATA).write_bytes(whole[:-1])
    with pytest.raises(ModelFileError, match="cut short"):
        read_checkpoint(copied)
    (copied / "checkpoint").write_text("nothing")
    with pytest.raises(ModelFileError, match="names no checkpoint"):
        read_checkpoint(copied)
    (copied / "checkpoint").unlink()
    with pytest.raises(ModelFileError, match="holds no model"):
        read_checkpoint(copied)
