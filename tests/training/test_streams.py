"""A system of two sequences of different rates and types trains, resumes and restores as the others do."""

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from descant.config.networks import Network
from descant.config.training import Training
from descant.modelfacts import Input
from descant.modelfile import read_model
from descant.runs.interruption import Interrupted
from descant.sequences import Labels, PackedSequence, SequenceWriter, open_sequence
from descant.systems.base import Batch, ParameterGroup, StepLoss, System
from descant.systems.registry import KINDS, Kind
from descant.systems.restore import restore
from descant.training.devices import Devices
from descant.training.history import read_history
from descant.training.session import Session, build_trainer, train_to_file

MELS, HOP = 3, 4


class Mel(Network):
    """Settings of the system of these tests."""

    bias: bool = True


class MelOfNotes(System):
    """Mel frames by the notes that sound in them and by who plays."""

    headline = "squared_error"
    align = 8
    places = True

    def __init__(self, settings: Mel, notes: Input, mel: Input) -> None:
        super().__init__()
        artists = len(mel.labels["artist"].names)
        self.notes = nn.Embedding(notes.classes, 8)
        self.frames = nn.Linear(8 * HOP, mel.channels, bias=settings.bias)
        self.artists = nn.Embedding(artists + 1, mel.channels)

    def parameter_groups(self) -> list[ParameterGroup]:
        slow = list(self.artists.parameters())
        return [
            ParameterGroup([*self.notes.parameters(), *self.frames.parameters()]),
            ParameterGroup(slow, rate=0.1, weight_decay=0.5),
        ]

    def squared_error(self, batch: Batch) -> Tensor:
        assert not bool((batch["position"] % self.align).any())
        assert bool((batch["position"] + batch["notes"].shape[1] <= batch["track_length"]).all())
        heard = self.notes(batch["notes"]).unflatten(1, (-1, HOP)).flatten(2)
        error = self.frames(heard) + self.artists(batch["artist"])[:, None] - batch["mel"]
        return error.square().mean()

    def forward(self, batch: Batch, noise: torch.Generator) -> StepLoss:
        error = self.squared_error(batch)
        return StepLoss(error, {self.headline: error.detach()})

    def validate(self, batch: Batch, noise: torch.Generator) -> dict[str, Tensor]:
        return {self.headline: self.squared_error(batch)}


def build_mel(settings: Mel, inputs: Mapping[str, Input]) -> MelOfNotes:
    return MelOfNotes(settings, inputs["notes"], inputs["mel"])


@pytest.fixture(autouse=True)
def _kind(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = Kind(Mel, MelOfNotes, lambda settings: ("mel", "notes"), build_mel, lambda settings: ("artist",))
    monkeypatch.setitem(KINDS, "mel_of_notes", kind)  # type: ignore[misc]


def write(folder: Path, artists: tuple[str, ...] = ("a", "b", "a", "b")) -> dict[str, PackedSequence]:
    """Notes at 100 steps a second and the mel frames that they make at 25, the last of them cut off."""
    random, streams = np.random.default_rng(0), {}
    notes = [random.integers(0, 5, 4 * n + 3) for n in (30, 40, 50, 35)]
    heard = [np.cumsum(np.eye(5)[steps], axis=0)[::HOP, :MELS] % 1.7 for steps in notes]
    forms: dict[str, Any] = {
        "notes": (notes, (5, 1, 100)),
        "mel": ([mel[:-1] for mel in heard], (0, 4, 100, MELS, "float16")),
    }
    for name, (tracks, form) in forms.items():
        with SequenceWriter(folder / name, *form) as writer:
            for number, steps in enumerate(tracks):
                split = "validation" if number == 3 else "train"
                writer.add(f"{number:016x}", split, Labels(artist=artists[number]), [steps])
        streams[name] = open_sequence(folder / name)
    return streams


@pytest.fixture
def session(tiny_training: Callable[..., Training], tmp_path: Path) -> Session:
    training = tiny_training(steps=40, window=16, average_decay=0.9, checkpoint_every=9, accumulate=2)
    return Session("mel_of_notes", Mel(training=training), tmp_path / "runs", 1, Devices())


def test_it_trains_and_comes_back_from_its_file(session: Session, tmp_path: Path) -> None:
    streams = write(tmp_path)
    train_to_file(session, streams, tmp_path / "model", tmp_path / "metrics.csv")
    rows = read_history(tmp_path / "metrics.csv")
    error = [row.value for row in rows if (row.split, row.metric) == ("validation", "squared_error")]
    assert error[-1] < 0.8 * error[0]
    facts = read_model(tmp_path / "model").facts
    assert [(given.stream, given.classes, given.channels, given.rate) for given in facts.inputs] == [
        ("mel", 0, MELS, 25),
        ("notes", 5, 0, 100),
    ]
    assert facts.learnt.labels["artist"].names == ("a", "b") and not facts.inputs[1].labels
    system = restore(read_model(tmp_path / "model"), MelOfNotes)
    assert system.frames.out_features == MELS
    trainer = build_trainer(session, streams)
    trainer.run()
    assert trainer.averaged is not None
    for name, value in system.state_dict().items():
        assert torch.equal(value, trainer.averaged.state_dict()[name])


def test_stopped_and_gone_on_with_it_ends_the_same(session: Session, tmp_path: Path) -> None:
    streams = write(tmp_path)
    train_to_file(session, streams, tmp_path / "straight", tmp_path / "metrics.csv")
    other = Session(session.kind, session.settings, tmp_path / "others", 1, Devices())
    trainer = build_trainer(other, streams)
    finish = trainer.system.finish_step

    def stop(*given: Any) -> None:
        finish(*given)
        if trainer.step == 20:
            os.kill(os.getpid(), signal.SIGTERM)

    trainer.system.finish_step = stop  # type: ignore[method-assign]
    with pytest.raises(Interrupted):
        trainer.run()
    train_to_file(other, streams, tmp_path / "resumed", tmp_path / "metrics.csv")
    assert (tmp_path / "resumed").read_bytes() == (tmp_path / "straight").read_bytes()


def test_each_group_has_its_rate_and_its_decay(session: Session, tmp_path: Path) -> None:
    streams = write(tmp_path)
    trainer = build_trainer(session, streams)
    trainer.run()
    fast, slow = trainer._optimizer.param_groups
    assert (fast["lr"], slow["lr"]) == (0.01, 0.001)
    assert (fast["weight_decay"], slow["weight_decay"]) == (0.0, 0.5)


def test_a_parameter_in_no_group_is_noticed(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forget(system: MelOfNotes) -> list[ParameterGroup]:
        return [ParameterGroup(list(system.notes.parameters()))]

    monkeypatch.setattr(MelOfNotes, "parameter_groups", forget)
    with pytest.raises(ValueError, match=r"in no group: frames\.weight, frames\.bias, artists\.weight"):
        build_trainer(session, write(tmp_path))


def test_a_corrected_label_is_another_run_and_the_order_of_inputs_is_not(session: Session, tmp_path: Path) -> None:
    streams = write(tmp_path / "one")
    corrected = write(tmp_path / "two", ("a", "b", "b", "b"))
    assert streams["mel"].fingerprint == corrected["mel"].fingerprint
    assert session.run_folder(streams) != session.run_folder(corrected)
    assert session.run_folder(streams) == session.run_folder(dict(reversed(streams.items())))
