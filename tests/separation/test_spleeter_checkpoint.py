"""Spleeter's weights, read by us and by TensorFlow."""

import contextlib
import subprocess
from pathlib import Path

import numpy as np
import pytest

from descant.errors import ModelFileError
from descant.separation.separator import SeparationError
from descant.separation.spleeter_network import load_networks
from descant.tensorflow_checkpoint import read_checkpoint

pytestmark = pytest.mark.slow
READ_BY_TENSORFLOW = """
import sys, numpy, tensorflow
reader = tensorflow.train.load_checkpoint(sys.argv[1])
names = reader.get_variable_to_shape_map()
numpy.savez(sys.argv[2], **{name.replace("/", "|"): reader.get_tensor(name) for name in names})
"""


def test_all_tensors_are_those_that_tensorflow_reads(weights: Path, interpreter: Path, tmp_path: Path) -> None:
    prefix = weights / "2stems" / "model"
    python = interpreter.read_text().strip()
    subprocess.run([python, "-c", READ_BY_TENSORFLOW, prefix, tmp_path / "all.npz"], check=True, capture_output=True)
    ours = read_checkpoint(weights / "2stems")
    with np.load(tmp_path / "all.npz", allow_pickle=False) as theirs:
        assert {name.replace("|", "/") for name in theirs} == set(ours) and len(ours) > 100
        for name in theirs:
            np.testing.assert_array_equal(ours[name.replace("|", "/")], theirs[name])


def test_a_flipped_bit_is_reported_or_harmless_wherever_it_is(weights: Path, tmp_path: Path) -> None:
    for name in ("checkpoint", "model.data-00000-of-00001"):
        (tmp_path / name).symlink_to(weights / "2stems" / name)
    whole = (weights / "2stems" / "model.index").read_bytes()
    for place in range(101, 141):
        # 56 makes bytes of a number's kind and back
        (tmp_path / "model.index").write_bytes(whole[:place] + bytes([whole[place] ^ 56]) + whole[place + 1 :])
        with contextlib.suppress(SeparationError, ModelFileError):
            load_networks(read_checkpoint(tmp_path))


def test_another_model_is_refused(weights: Path) -> None:
    tensors = dict(read_checkpoint(weights / "2stems"))
    lacking = {name: tensor for name, tensor in tensors.items() if name != "conv2d_9/kernel"}
    with pytest.raises(SeparationError, match="lacks conv2d_9/kernel"):
        load_networks(lacking)
    with pytest.raises(SeparationError, match="has the shape"):
        load_networks({**tensors, "conv2d_9/kernel": tensors["conv2d_8/kernel"]})
