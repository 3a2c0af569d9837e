"""Everything here reads a real checkpoint: spleeter's weights."""

import contextlib
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from descant.separation.separator import SeparationError
from descant.separation.spleeter_network import load_networks
from descant.separation.tensorflow_checkpoint import latest_checkpoint, read_checkpoint

pytestmark = pytest.mark.slow
DATA = "model.data-00000-of-00001"
READ_BY_TENSORFLOW = """
import sys, numpy, tensorflow
reader = tensorflow.train.load_checkpoint(sys.argv[1])
names = reader.get_variable_to_shape_map()
numpy.savez(sys.argv[2], **{name.replace("/", "|"): reader.get_tensor(name) for name in names})
"""


@pytest.fixture
def copied(weights: Path, tmp_path: Path) -> Path:
    """A model whose index may be written to."""
    (tmp_path / "model.index").write_bytes((weights / "2stems" / "model.index").read_bytes())
    (tmp_path / DATA).symlink_to(weights / "2stems" / DATA)
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "somewhere/else/model"\n')
    return tmp_path


def test_all_tensors_are_those_that_tensorflow_reads(weights: Path, interpreter: Path, tmp_path: Path) -> None:
    prefix = latest_checkpoint(weights / "2stems")
    python = interpreter.read_text().strip()
    subprocess.run([python, "-c", READ_BY_TENSORFLOW, prefix, tmp_path / "all.npz"], check=True, capture_output=True)
    ours = read_checkpoint(prefix)
    with np.load(tmp_path / "all.npz", allow_pickle=False) as theirs:
        assert {name.replace("|", "/") for name in theirs} == set(ours) and len(ours) > 100
        for name in theirs:
            np.testing.assert_array_equal(ours[name.replace("|", "/")], theirs[name])


def test_the_path_of_another_machine_is_not_followed(copied: Path) -> None:
    assert latest_checkpoint(copied) == copied / "model"
    assert read_checkpoint(copied / "model")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.data())
def test_damage_is_told_or_harmless(copied: Path, data: st.DataObject) -> None:
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
        load_networks(read_checkpoint(copied / "model"))
    except SeparationError:
        pass
    finally:
        index.write_bytes(whole)


def test_a_flipped_bit_is_told_or_harmless_wherever_it_is(copied: Path) -> None:
    index = copied / "model.index"
    whole = index.read_bytes()
    for place in range(101, 141):
        # 56 makes bytes of a number's kind and back
        index.write_bytes(whole[:place] + bytes([whole[place] ^ 56]) + whole[place + 1 :])
        with contextlib.suppress(SeparationError):
            load_networks(read_checkpoint(copied / "model"))


def test_what_is_missing_is_told(copied: Path, weights: Path) -> None:
    whole = (weights / "2stems" / DATA).read_bytes()
    (copied / DATA).unlink()
    with pytest.raises(SeparationError, match="cannot be read"):
        read_checkpoint(copied / "model")
    (copied / DATA).write_bytes(whole[:-1])
    with pytest.raises(SeparationError, match="cut short"):
        read_checkpoint(copied / "model")
    (copied / "checkpoint").write_text("nothing")
    with pytest.raises(SeparationError, match="names no checkpoint"):
        latest_checkpoint(copied)
    (copied / "checkpoint").unlink()
    with pytest.raises(SeparationError, match="holds no model"):
        latest_checkpoint(copied)


def test_another_model_is_refused(weights: Path) -> None:
    tensors = dict(read_checkpoint(latest_checkpoint(weights / "2stems")))
    lacking = {name: tensor for name, tensor in tensors.items() if name != "conv2d_9/kernel"}
    with pytest.raises(SeparationError, match="lacks conv2d_9/kernel"):
        load_networks(lacking)
    with pytest.raises(SeparationError, match="has the shape"):
        load_networks({**tensors, "conv2d_9/kernel": tensors["conv2d_8/kernel"]})
