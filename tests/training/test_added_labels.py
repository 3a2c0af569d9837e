"""A new value of a label is learnt as one row of its table: all else stays bit-equal, and the row learns."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_transformers import settings_of

from descant.config.transformers import Transformer
from descant.errors import TrainingError
from descant.modelfile import ModelFile, read_model
from descant.sampling.transformer_levels import label_ids
from descant.sequences import Labels, PackedSequence, SequenceWriter, open_sequence
from descant.systems.base import STEPS
from descant.systems.restore import restore
from descant.systems.transformer import UNKNOWN, TransformerSystem
from descant.training.devices import Devices
from descant.training.session import Session, train_to_file

TABLE = "labels.artist.weight"


def packed(folder: Path, artists: tuple[str, ...]) -> PackedSequence:
    """Codes of which each artist uses its own; two tracks of each, one of them held out."""
    random = np.random.default_rng(len(artists))
    with SequenceWriter(folder, 11, 1, 100) as writer:
        for number, artist in enumerate(artists * 2):
            split = "train" if number < len(artists) else "validation"
            codes = (3 * (number % len(artists)) + random.integers(0, 5, 200)).astype(np.uint8)
            writer.add(f"{number:016x}", split, Labels(f"piece {number}", artist), iter([codes]))
    return open_sequence(folder)


def trained(folder: Path, streams: PackedSequence, **over: Any) -> ModelFile:
    training = {"steps": 12, "batch": 4, "window": 32, "learning_rate": 0.03, "weight_decay": 0.1, "average_decay": 0.9}
    training |= over.pop("training", {})
    settings = settings_of(labels=["artist"], label_dropout=0.2, training=training, **over)
    session = Session("transformer", settings, folder / "runs", 1, Devices())
    train_to_file(session, {STEPS: streams}, folder / "model.safetensors", folder / "metrics.csv")
    return read_model(folder / "model.safetensors")


def test_a_new_artist_is_one_row_and_nothing_else_moves(tmp_path: Path) -> None:
    first = trained(tmp_path / "first", packed(tmp_path / "old", ("bach", "brahms")))
    start = {"training": {"start_from": tmp_path / "first" / "model.safetensors", "learning_rate": 0.3}}
    # in another corpus, where one of the known artists is not, and one is there that is neither known nor asked for
    other = packed(tmp_path / "new", ("bach", "zelenka", "someone"))
    second = trained(tmp_path / "second", other, added={"artist": "zelenka"}, **start)
    assert second.facts.learnt.labels["artist"].names == ("bach", "brahms", "zelenka")
    assert label_ids(second.facts, {"artist": "zelenka"}) == {"artist": 3}
    table, before = second.weights[TABLE], first.weights[TABLE]
    assert torch.equal(table[:-1], before) and table.shape == (4, 16)
    assert not torch.equal(table[-1], before[UNKNOWN])
    for name, weights in first.weights.items():
        assert name == TABLE or torch.equal(second.weights[name], weights), name
    # and it is worth something on what the artist uses
    system, steps = (
        restore(second, TransformerSystem),
        torch.from_numpy(other.steps(other.tracks()[4])[:64].astype(int)),
    )
    batch = {"steps": steps[None], "position": torch.tensor([0]), "track_length": torch.tensor([200])}
    with torch.no_grad():
        bits = [
            float(system.validate({**batch, "artist": torch.tensor([number])}, torch.Generator())["bits"])
            for number in (3, UNKNOWN)
        ]
    assert bits[0] < bits[1]


def test_a_second_one_is_added_to_the_first(tmp_path: Path) -> None:
    music = packed(tmp_path / "music", ("a", "b", "c"))
    path, few = tmp_path / "of a" / "model.safetensors", {"steps": 2, "average_decay": 0.0}
    trained(tmp_path / "of a", packed(tmp_path / "a", ("a",)), training=few)
    for value in ("b", "c"):
        trained(tmp_path / value, music, added={"artist": value}, training={**few, "start_from": path})
        path = tmp_path / value / "model.safetensors"
    assert read_model(path).facts.learnt.labels["artist"].names == ("a", "b", "c")


@pytest.mark.parametrize(
    ("value", "message"), [("a", "knows the artist 'a'"), ("bb", r"no training track has .* did you mean 'b'")]
)
def test_what_cannot_be_added_is_refused(value: str, message: str, tmp_path: Path) -> None:
    trained(tmp_path / "of a", packed(tmp_path / "a", ("a",)), training={"steps": 1})
    start = {"start_from": tmp_path / "of a" / "model.safetensors"}
    with pytest.raises(TrainingError, match=message):
        trained(tmp_path, packed(tmp_path / "music", ("a", "b")), added={"artist": value}, training=start)
    with pytest.raises(TrainingError, match="to a trained network alone"):
        trained(tmp_path, packed(tmp_path / "again", ("a", "b")), added={"artist": "b"})
    with pytest.raises(ValueError, match="which labels does not"):
        Transformer.model_validate({"added": {"artist": "b"}, "training": {"steps": 1, "batch": 1, "window": 8}})
