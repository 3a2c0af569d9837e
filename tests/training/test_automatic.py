"""What ``auto`` stands for."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from descant.config.networks import ADA, Prior, WaveNetShape
from descant.config.training import Training
from descant.sequences import PackedSequence
from descant.systems.base import STEPS
from descant.training import automatic
from descant.training.automatic import LEAST_COMPILED, settled
from descant.training.devices import Devices
from descant.training.session import Session, build_trainer


@pytest.fixture
def streams(tmp_path: Path, sequence_of: Callable[..., PackedSequence]) -> dict[str, PackedSequence]:
    return {STEPS: sequence_of(tmp_path / "sequence", {"train": (192, 96), "validation": (128,)})}


@pytest.fixture
def session(
    tiny_shape: Callable[..., WaveNetShape], tiny_training: Callable[..., Training], tmp_path: Path
) -> Callable[..., Session]:
    def build(training: dict[str, Any], kind: str = "wavenet") -> Session:
        settings = Prior(wavenet=tiny_shape(), training=tiny_training(**training))
        return Session(kind, settings, tmp_path / "runs", 1, Devices())

    return build


def test_what_is_named_stays(session: Callable[..., Session], streams: dict[str, PackedSequence]) -> None:
    named = session({"precision": "bf16-mixed", "compile": True})
    assert settled(named, streams) is named


@pytest.mark.parametrize(
    ("instruction", "maker", "precision"),
    [
        ("amx_bf16", "GenuineIntel", "bf16-mixed"),
        ("bf16", "", "bf16-mixed"),
        ("avx512_bf16", "AuthenticAMD", "bf16-mixed"),
        ("avx512_bf16", "GenuineIntel", "32-true"),
        ("avx2", "AuthenticAMD", "32-true"),
    ],
)
def test_bf16_is_taken_where_the_processor_is_fast_at_it(
    session: Callable[..., Session],
    streams: dict[str, PackedSequence],
    monkeypatch: pytest.MonkeyPatch,
    instruction: str,
    maker: str,
    precision: str,
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {instruction: True})
    monkeypatch.setattr(automatic, "processor_facts", lambda: f"vendor_id : {maker}")
    automatic_, named = session({"precision": "auto"}), session({"precision": precision})
    found = settled(automatic_, streams)
    assert found.training.precision == precision
    # so it is part of the run's name, and of the model file
    assert found.run_folder(streams) == named.run_folder(streams) != automatic_.run_folder(streams)


def test_long_trainings_of_measured_kinds_are_compiled_where_a_compiler_is(
    session: Callable[..., Session], streams: dict[str, PackedSequence], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    short = session({"compile": "auto"})
    weights = sum(parameter.numel() for parameter in short.build(streams).parameters())
    steps = int(LEAST_COMPILED / (weights * short.training.batch * short.training.window)) + 1
    long = session({"compile": "auto", "steps": steps})
    assert settled(short, streams).training.compile is False
    assert settled(long, streams).training.compile is True
    monkeypatch.setattr(automatic, "COMPILED_KINDS", ())
    assert settled(long, streams).training.compile is False
    monkeypatch.undo()
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert settled(long, streams).training.compile is False


def test_no_trainer_is_built_with_auto(session: Callable[..., Session], streams: dict[str, PackedSequence]) -> None:
    with pytest.raises(ValueError, match="settled"):
        build_trainer(session({"precision": "auto"}), streams)


def test_a_population_names_them(tiny_ada: Callable[..., ADA]) -> None:
    written = tiny_ada().model_dump(mode="json")
    written["training"] |= {"precision": "auto", "steps": 8}
    written["population"] = {
        "members": 2,
        "generations": 2,
        "tuned": {"training.learning_rate": {"least": 1e-5, "most": 1.0}},
    }
    with pytest.raises(ValidationError, match=r"training\.precision is auto.*name one for this ADA"):
        ADA.model_validate(written)
