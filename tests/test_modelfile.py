"""Model files: what goes in comes out, what is torn or foreign is shown, what fails leaves the old one."""

import json
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from small_models import input_of, model_file

from descant.errors import ModelFileError
from descant.modelfacts import read_facts
from descant.modelfile import ModelFile, check_streams, read_model, write_durably, write_model
from descant.sequences import PackedSequence

WEIGHTS = {
    "a": torch.arange(6.0).view(2, 3),
    "b.c": torch.tensor(3, dtype=torch.int64),
    "turned": torch.arange(6.0).view(2, 3).T,
    "half": torch.ones(3, dtype=torch.bfloat16),
    "empty": torch.zeros(2, 0),
}
MODEL = model_file("wavenet", {"wavenet": {"stacks": 2}, "näme": [1, None]}, WEIGHTS)


def with_facts(**over: Any) -> ModelFile:
    """The same model with other facts."""
    return replace(MODEL, facts=MODEL.facts.model_copy(update=over))


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
    assert back.facts == MODEL.facts == read_facts(tmp_path / "not there yet" / "model.safetensors")
    assert back.weights.keys() == WEIGHTS.keys()
    for name, tensor in WEIGHTS.items():
        assert back.weights[name].dtype == tensor.dtype
        assert torch.equal(back.weights[name], tensor)
    assert [path.name for path in (tmp_path / "not there yet").iterdir()] == ["model.safetensors"]


def test_the_same_model_makes_the_same_bytes(tmp_path: Path) -> None:
    write_model(tmp_path / "one", MODEL)
    write_model(tmp_path / "two", with_facts(settings=dict(reversed(MODEL.facts.settings.items()))))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "model.safetensors"
    write_model(path, MODEL)
    return path.read_bytes()


@given(share=st.floats(0, 1, exclude_max=True))
def test_a_torn_file_is_reported(whole: bytes, tmp_path_factory: pytest.TempPathFactory, share: float) -> None:
    path = tmp_path_factory.mktemp("torn") / "model.safetensors"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_model(path)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_model(tmp_path / "nothing.safetensors")


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {"format": "pt"},
        {"descant": "no json"},
        {"descant": "[]"},
        {"descant": '{"format": 2}'},
        {"descant": "[" * 100_000},
    ],
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
        write_model(path, with_facts(steps=13))
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
    own = with_facts(inputs=(input_of(fingerprint=tiny_sequence.fingerprint), input_of("mel")))
    check_streams(own, {"steps": tiny_sequence})
    for streams in ({"mel": tiny_sequence}, {"steps": tiny_sequence, "mel": tiny_sequence}):
        with pytest.raises(ModelFileError, match="other data"):
            check_streams(own, streams)
    with pytest.raises(ModelFileError, match="reads no codes"):
        check_streams(own, {"codes": tiny_sequence})


def test_a_file_of_another_form_is_refused_with_a_cure(tmp_path: Path) -> None:
    old = {"kind": "wavenet", "settings": {}, "classes": 16, "sequence": "audio", "steps": 12}
    for facts, form in ((old, "form 1"), ({**old, "format": 3}, "form 3")):
        save_file({"weight": torch.zeros(2)}, tmp_path / "model", {"descant": json.dumps(facts)})
        for read in (read_model, read_facts):
            with pytest.raises(ModelFileError, match=f"{form}, this version reads form 2") as refused:
                read(tmp_path / "model")
            assert "run snakemake again" in refused.value.cure


WRONG = {
    "an unknown key": ({"more": 1}, "more"),
    "no inputs": ({"inputs": []}, "inputs"),
    "a negative number": ({"steps": -1}, "steps"),
    "no rate": ({"inputs": [{**input_of().model_dump(), "sample_rate": 0}]}, "inputs.0.sample_rate"),
    "an escape sequence": ({"inputs": [{**input_of().model_dump(), "name": "\x1b[2J"}]}, "inputs.0.name"),
    "no settings": ({"settings": None}, "settings"),
}


@pytest.mark.parametrize("name", WRONG)
def test_facts_that_make_no_sense_are_refused_by_name(tmp_path: Path, name: str) -> None:
    over, key = WRONG[name]
    facts = {**MODEL.facts.model_dump(mode="json"), **over}
    save_file({"weight": torch.zeros(2)}, tmp_path / "model", {"descant": json.dumps(facts)})
    with pytest.raises(ModelFileError, match="does not say what it holds") as refused:
        read_model(tmp_path / "model")
    assert f"{key}: " in refused.value.problem and "\x1b" not in refused.value.problem


@given(st.data())
def test_a_bit_that_flipped_in_the_weights_is_found(
    whole: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("flipped") / "model.safetensors"
    body = 8 + int.from_bytes(whole[:8], "little")
    at, bit = data.draw(st.integers(body, len(whole) - 1)), data.draw(st.integers(0, 7))
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
    with pytest.raises(ModelFileError, match="its bytes have changed"):
        read_model(path)


def test_a_fact_that_changed_is_found(whole: bytes, tmp_path: Path) -> None:
    changed = whole.replace(b'\\"stacks\\": 2', b'\\"stacks\\": 3')
    assert changed != whole
    (tmp_path / "model.safetensors").write_bytes(changed)
    with pytest.raises(ModelFileError, match="its bytes have changed"):
        read_model(tmp_path / "model.safetensors")
