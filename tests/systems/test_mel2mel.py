"""Mel2Mel as a system: its losses, what it reads of a score, and instruments that it does not know."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_models import input_of
from torch import Tensor

from descant.config.mel2mel import Mel2Mel
from descant.errors import ModelFileError
from descant.modelfacts import Input, LabelFacts, ModelFacts
from descant.modelfile import ModelFile, read_model
from descant.sequences import Labels, PackedSequence, SequenceWriter, open_sequence
from descant.systems.mel2mel import SCALES, Mel2MelSystem, build_mel2mel, squared_error
from descant.systems.restore import restore
from descant.training.devices import Devices
from descant.training.history import read_history
from descant.training.noise import torch_generator
from descant.training.session import Session, train_to_file

BANDS, KEYS = 5, 3
TRAINING = {"steps": 12, "batch": 4, "window": 16, "learning_rate": 0.02, "log_every": 1, "validate_every": 6}


def section(**over: Any) -> Mel2Mel:
    return Mel2Mel.model_validate({"width": 8, "training": TRAINING, **over})


def inputs_of(*instruments: str) -> dict[str, Input]:
    labels = {"instrument": LabelFacts(names=instruments, digest="d")}
    form = {"classes": 0, "hop": 8}
    mel = input_of("mel", name="mel", channels=BANDS, labels=labels, **form)
    return {"mel": mel, "roll": input_of("roll", name="roll", channels=2 * KEYS, **form)}


def system(*instruments: str, **over: Any) -> Mel2MelSystem:
    torch.manual_seed(0)
    return build_mel2mel(section(**over), inputs_of(*instruments))


def batch_of(size: int = 4, time: int = 16, instruments: int = 3) -> dict[str, Tensor]:
    torch.manual_seed(1)
    return {
        "mel": -6 + 2 * torch.randn(size, time, BANDS),
        "roll": (torch.rand(size, time, 2 * KEYS) < 0.2).float() * 0.7,
        "instrument": torch.arange(size) % (instruments + 1),
    }


@given(st.lists(st.tuples(st.floats(-12, 3), st.floats(-12, 3)), min_size=1, max_size=5))
def test_losses_are_those_of_the_paper(pairs: list[tuple[float, float]]) -> None:
    said, true = (torch.tensor([pair[n] for pair in pairs]) for n in (0, 1))
    s, t = (np.exp(np.array([pair[n] for pair in pairs])) for n in (0, 1))
    expected = {
        "abs": np.mean((s - t) ** 2),
        "log_abs": np.mean((np.log(s) - np.log(t)) ** 2),
        "tanh_log_abs": np.mean((np.tanh(np.log(s) / 4) - np.tanh(np.log(t) / 4)) ** 2),
    }
    found = {loss: float(squared_error(loss, said, true)) for loss in SCALES}
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("loss", list(SCALES))
def test_the_headline_is_the_loss_and_stands_first(loss: str) -> None:
    built, batch = system("a", "b", "c", loss=loss), batch_of()
    assert built.headline == loss
    result, figures = built(batch, torch_generator("n")), built.validate(batch, torch_generator("n"))
    assert set(result.metrics) == {loss} and float(result.metrics[loss]) == float(result.loss)
    assert next(iter(figures)) == loss and set(figures) == set(SCALES)
    assert float(figures[loss]) == pytest.approx(float(result.loss))


def test_gradients_reach_every_weight_and_the_timbres_of_the_batch() -> None:
    built = system("a", "b", "c")
    batch = {**batch_of(2), "instrument": torch.tensor([1, 3])}
    built(batch, torch_generator("n")).loss.backward()
    table = built.timbres.table.weight.grad
    assert table is not None and table[0].any() and table[2].any() and not table[1].any()
    assert all(weight.grad is not None and weight.grad.any() for weight in built.network.parameters())


@pytest.mark.parametrize(
    ("inputs", "read"), [("onsets", range(3)), ("frames", range(3, 6)), ("onsets_and_frames", range(6))]
)
def test_it_reads_the_rows_that_are_asked_for(inputs: str, read: range) -> None:
    built, batch = system("a", inputs=inputs), batch_of(1)
    assert built.network.input.convolution.in_channels == len(read)
    timbres = built.timbres(batch["instrument"])
    before = built.play(batch["roll"], timbres)
    for row in range(2 * KEYS):
        rolls = batch["roll"].clone()
        rolls[..., row] = 1 - rolls[..., row]
        assert torch.equal(built.play(rolls, timbres), before) == (row not in read)


def test_an_instrument_that_is_not_known_is_the_middle_of_those_that_are() -> None:
    built, batch = system("a", "b"), batch_of(1)
    middle = built.timbres.table.weight.mean(0)[None]
    said = built.play(batch["roll"], built.timbres(torch.tensor([0])))
    assert torch.equal(said, built.play(batch["roll"], middle))
    # where none is named there is one timbre
    alone = system()
    assert alone.timbres.table.weight.shape == (1, 2)
    assert torch.isfinite(alone({**batch, "instrument": torch.tensor([0])}, torch_generator("n")).loss)


def pack(folder: Path) -> dict[str, PackedSequence]:
    """Two instruments, one twice as loud, that play the same: of tracks in three splits."""
    random = np.random.default_rng(0)
    with (
        SequenceWriter(folder / "mel", 0, 8, 1000, channels=BANDS, dtype=np.float16) as mel,
        SequenceWriter(folder / "roll", 0, 8, 1000, channels=2 * KEYS, dtype=np.float16) as roll,
    ):
        for number, split in enumerate(("train",) * 6 + ("validation", "test")):
            labels = Labels(instrument=("Harp", "Tuba")[number % 2])
            keys = (random.random((64, 2 * KEYS)) < 0.2) * 0.7
            loud = -8 + 4 * keys.sum(1, keepdims=True) + (3 if labels.instrument == "Tuba" else 0)
            mel.add(f"{number:016x}", split, labels, [loud + np.zeros((64, BANDS))])
            roll.add(f"{number:016x}", split, labels, [keys])
    return {name: open_sequence(folder / name) for name in ("mel", "roll")}


def trained(folder: Path, streams: Mapping[str, PackedSequence], steps: int) -> ModelFile:
    settings = section(training={**TRAINING, "steps": steps})
    session = Session("mel2mel", settings, folder / "runs", 1, Devices())
    train_to_file(session, streams, folder / "model.safetensors", folder / "metrics.csv")
    return read_model(folder / "model.safetensors")


def test_it_learns_notes_and_instruments_and_comes_back_from_its_file(tmp_path: Path) -> None:
    streams = pack(tmp_path)
    model = trained(tmp_path, streams, 120)
    facts = model.facts
    assert [given.stream for given in facts.inputs] == ["mel", "roll"]
    assert facts.learnt.labels["instrument"].names == ("Harp", "Tuba")
    rows = read_history(tmp_path / "metrics.csv")
    held_out = [row for row in rows if row.split == "validation"]
    assert list(dict.fromkeys(row.metric for row in held_out)) == ["tanh_log_abs", "log_abs", "abs"]
    errors = [row.value for row in held_out if row.metric == "tanh_log_abs"]
    assert errors[-1] < 0.2 * errors[0]
    restored = restore(model, Mel2MelSystem)
    rolls = torch.from_numpy(np.asarray(streams["roll"].data[:32], np.float32))[None]
    with torch.no_grad():
        harp, tuba = (restored.play(rolls, restored.timbres(torch.tensor([number]))) for number in (1, 2))
    assert float((tuba - harp).mean()) == pytest.approx(3, abs=0.7)


def test_a_file_that_knows_no_instruments_is_refused() -> None:
    built, settings = system("a"), section().model_dump(mode="json")
    given = inputs_of("a")
    inputs = (given["mel"].model_copy(update={"labels": {}}), given["roll"])
    facts = ModelFacts(kind="mel2mel", settings=settings, inputs=inputs, steps=1)
    with pytest.raises(ModelFileError, match="knows no instruments"):
        restore(ModelFile(facts, built.state_dict()), Mel2MelSystem)
    more = copy.deepcopy(given) | {"mel": inputs_of("a", "b")["mel"]}
    facts = ModelFacts(kind="mel2mel", settings=settings, inputs=(more["mel"], more["roll"]), steps=1)
    with pytest.raises(ModelFileError, match=r"timbres\.table\.weight is \(1, 2\) but the settings make it \(2, 2\)"):
        restore(ModelFile(facts, built.state_dict()), Mel2MelSystem)


@pytest.mark.parametrize("frames", [1, 9, 24, 61])
@pytest.mark.parametrize("direction", ["both", "forward"])
def test_a_score_is_played_in_blocks_as_in_one(frames: int, direction: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("descant.systems.mel2mel.BLOCK_FRAMES", 12)
    # with the margin the forgetting of an LSTM is what is left of what lies further away
    monkeypatch.setattr("descant.systems.mel2mel.MARGIN_FRAMES", 40)
    player = system("a", "b", direction=direction)
    rolls = (np.random.default_rng(frames).random((frames, 2 * KEYS)) < 0.2).astype(np.float16)
    points = torch.randn(frames, 2, generator=torch.Generator().manual_seed(2))
    made = np.concatenate(list(player.perform(rolls, lambda start, stop: points[start:stop])))
    with torch.no_grad():
        whole = player.play(torch.from_numpy(rolls.astype(np.float32))[None], points[None])[0].numpy()
    assert made.shape == (frames, BANDS) and made.dtype == np.float32
    np.testing.assert_allclose(made, whole, atol=1e-4)


@pytest.mark.parametrize("over", [{}, {"kernel": 5}, {"layers": 2, "film": "first"}], ids=str)
@pytest.mark.parametrize("step", [1, 3, 7])
def test_a_network_that_reads_forward_plays_on_from_its_state(step: int, over: dict[str, object]) -> None:
    player, rolls = system("a", "b", direction="forward", **over), batch_of()["roll"]
    points = torch.randn(len(rolls), rolls.shape[1], 2, generator=torch.Generator().manual_seed(2))
    played, parts = None, []
    with torch.no_grad():
        for start in range(0, rolls.shape[1], step):
            some = slice(start, start + step)
            made, played = player.network.advance(rolls[:, some, player.rows], points[:, some], played)
            parts.append(made)
        torch.testing.assert_close(torch.cat(parts, 1), player.play(rolls, points))


def test_one_timbre_for_all_frames_is_that_timbre_in_each() -> None:
    player, rolls = system("a", "b"), batch_of()["roll"]
    point = torch.tensor([[0.3, -0.7]]).expand(len(rolls), -1)
    with torch.no_grad():
        torch.testing.assert_close(player.play(rolls, point), player.play(rolls, point[:, None].expand(-1, 16, -1)))
