"""Model files: what goes in comes out, what is torn or foreign is told, what fails leaves the old one."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from descant.errors import ModelFileError
from descant.modelfile import ModelFile, check_fingerprint, read_model, write_durably, write_model
from descant.sequences import PackedSequence

WEIGHTS = {
    "a": torch.arange(6.0).view(2, 3),
    "b.c": torch.tensor(3, dtype=torch.int64),
    "turned": torch.arange(6.0).view(2, 3).T,
    "half": torch.ones(3, dtype=torch.bfloat16),
    "empty": torch.zeros(2, 0),
}
MODEL = ModelFile("wavenet", {"wavenet": {"stacks": 2}, "näme": [1, None]}, 16, "audio", 1, 1000, "ab", 12, WEIGHTS)


@contextmanager
def no_file_longer_than(limit: int) -> Iterator[None]:
    """A full disk, as the kernel can make one: a write that goes over the limit fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_round_trip(tmp_path: Path) -> None:
    write_model(tmp_path / "not there yet" / "model.safetensors", MODEL)
    back = read_model(tmp_path / "not there yet" / "model.safetensors")
    assert replace(back, weights={}) == replace(MODEL, weights={})
    assert back.weights.keys() == WEIGHTS.keys()
    for name, tensor in WEIGHTS.items():
        assert back.weights[name].dtype == tensor.dtype
        assert torch.equal(back.weights[name], tensor)
    assert [path.name for path in (tmp_path / "not there yet").iterdir()] == ["model.safetensors"]


def test_the_same_model_makes_the_same_bytes(tmp_path: Path) -> None:
    write_model(tmp_path / "one", MODEL)
    write_model(tmp_path / "two", replace(MODEL, settings=dict(reversed(MODEL.settings.items()))))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "model.safetensors"
    write_model(path, MODEL)
    return path.read_bytes()


@given(share=st.floats(0, 1, exclude_max=True))
def test_a_torn_file_is_told(whole: bytes, tmp_path_factory: pytest.TempPathFactory, share: float) -> None:
    path = tmp_path_factory.mktemp("torn") / "model.safetensors"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_model(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_model(tmp_path / "nothing.safetensors")


@pytest.mark.parametrize(
    "metadata", [None, {"format": "pt"}, {"descant": "no json"}, {"descant": "[]"}, {"descant": '{"kind": "later"}'}]
)
def test_a_foreign_file_is_refused(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    save_file({"weight": torch.zeros(2)}, tmp_path / "foreign", metadata)
    with pytest.raises(ModelFileError, match="no model file of this pipeline"):
        read_model(tmp_path / "foreign")


@pytest.mark.parametrize("place", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    path = tmp_path / "model.safetensors"
    write_model(path, MODEL)
    before = path.read_bytes()

    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync") if place == "fsync" else (Path, "replace")), fail)
    with pytest.raises(OSError, match="No space left"):
        write_model(path, replace(MODEL, steps=13))
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path], "the torn new one is cleared away"


def test_a_full_disk_is_an_os_error_and_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_durably(path, {"weight": torch.zeros(4)}, {})
    before = path.read_bytes()
    with no_file_longer_than(10_000), pytest.raises(OSError, match="File too large"):
        write_durably(path, {"weight": torch.zeros(100_000)}, {})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_model_of_other_data_is_refused(tiny_sequence: PackedSequence) -> None:
    check_fingerprint(replace(MODEL, data_fingerprint=tiny_sequence.fingerprint), tiny_sequence)
    with pytest.raises(ModelFileError, match="other data"):
        check_fingerprint(MODEL, tiny_sequence)
