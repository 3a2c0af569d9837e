"""What is said of a polyphonic piece is what the network predicts, goes on with and fills."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from chorales import roll_of
from small_models import input_of

from descant.config.evaluation import PartsTable
from descant.config.part_models import RMVAE, RecurrentShape
from descant.errors import ModelFileError
from descant.evaluation.parts_scores import Asked
from descant.evaluation.polyphonic_row import AT_ONCE, features, filled_from, goes_on_from, measure_polyphonic_row
from descant.evaluation.polyphonic_said import said_by
from descant.layers.polyphony import activation_nats
from descant.modelfacts import ModelFacts
from descant.modelfile import ModelFile, write_model
from descant.sampling.composers import read_composer, read_parts_model
from descant.scores.parts import MEASURE, PartNote
from descant.scores.polyphony import encode
from descant.statistics import Bootstrap
from descant.systems.polyphonic_rmvae import PolyphonicRMVAESystem

SETTINGS = RMVAE.model_validate({"training": {"steps": 1, "batch": 1, "window": 64}})


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> PolyphonicRMVAESystem:
    """A small one that says much, the latents at their means."""
    monkeypatch.setattr("descant.layers.rmvae.RECURRENT", {"small": RecurrentShape((6, 5), (4, 1), (8,), (8, 1))})
    monkeypatch.setattr("descant.systems.rmvae.sample", lambda mean, deviation, noise: mean)
    torch.manual_seed(0)
    system = PolyphonicRMVAESystem(SETTINGS, 2, 256).eval()
    for parameter in system.parameters():
        torch.nn.init.normal_(parameter, std=1.5)
    return system


def nearly_equal(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> bool:
    """Whether durations are the same, but for a few midway between two steps, where a batch's rounding decides."""
    apart = np.abs(first.astype(int) - second)
    return bool(apart.max() <= 1 and (apart > 0).mean() < 1e-3)


def test_what_is_said_is_what_is_predicted(built: PolyphonicRMVAESystem, monkeypatch: pytest.MonkeyPatch) -> None:
    roll = roll_of(11, 1)
    said = said_by(built, roll, 2, 1)
    assert said.nats.shape == said.nats_alone.shape == (10 * MEASURE, 2) and said.divergence.shape == (10,)
    # the last measure from the eight before it
    (expected,) = goes_on_from(built, [roll[2 * MEASURE : 10 * MEASURE]], 1)
    assert nearly_equal(said.following[-MEASURE:], expected) and expected.any()
    for voice in range(2):
        filled = filled_from(built, roll, voice)
        assert nearly_equal(filled[MEASURE:, voice], said.filled[:, voice])
        assert np.array_equal(filled[:, 1 - voice], roll[:, 1 - voice])
    tokens = torch.from_numpy(roll.astype("int64"))[None]
    with torch.inference_mode():
        ahead = built.predict(tokens[:, : 8 * MEASURE], torch.ones(1, 8, 2, dtype=torch.bool))
    by_hand = activation_nats(ahead, tokens[:, MEASURE : 9 * MEASURE].view(1, 8, MEASURE, 2, 128))
    assert said.nats[: 8 * MEASURE] == pytest.approx(by_hand[0].flatten(0, 1).numpy(), rel=1e-5)
    monkeypatch.setattr("descant.evaluation.polyphonic_said.BATCH", 2)
    again = said_by(built, roll, 2, 1)
    assert nearly_equal(again.following, said.following) and nearly_equal(again.filled, said.filled)
    assert again.nats == pytest.approx(said.nats, rel=1e-5)


def test_of_a_piece_of_one_measure_nothing_is_said(built: PolyphonicRMVAESystem) -> None:
    said = said_by(built, roll_of(1, 1), 1, 1)
    assert len(said.nats) == len(said.following) == len(said.divergence) == 0


def test_features_are_of_notes() -> None:
    notes = [[PartNote(0, 4, 60), PartNote(0, 16, 64), PartNote(8, 40, 67)], [PartNote(4, 5, 40)]]
    found = {key: [values.tolist() for values in voices] for key, voices in features(encode(notes, 48)[:32]).items()}
    # what lasts beyond the end ends there
    assert found == {"pitch": [[60, 64, 67], [40]], "duration": [[4, 16, 24], [1]], AT_ONCE: [[2, 1], [1]]}


def test_a_row_has_its_lines_and_what_it_draws(built: PolyphonicRMVAESystem) -> None:
    test = {str(seed): roll_of(4, seed) for seed in range(2)}
    asked = Asked("r", "R", "rmvae", True, test, frozenset(test), Bootstrap(100, 0.95, 1))
    found = measure_polyphonic_row(
        asked, built, [roll_of(4, 9)], PartsTable(pieces=1, measures=3, bound_draws=1), seed=1
    )
    assert [(one.material, one.pieces, one.measures) for one in found.drawings] == [
        ("test pieces", 2, 8),
        ("drawn", 1, 3),
    ]
    assert found.kl and found.kl.value > 0 and set(found.bach) == {"scale", "rhythm", "harmony"}
    # a real measure has its own pitch classes alone, each at one of 4 · 4 notes a measure of 2 · 16 places
    assert found.bach["scale"].value == pytest.approx(-16 / 32)


def test_a_model_of_polyphonic_parts_composes_no_task(built: PolyphonicRMVAESystem, tmp_path: Path) -> None:
    path, read = tmp_path / "model.safetensors", input_of("parts", classes=256, channels=256)
    facts = ModelFacts(kind="rmvae", settings=SETTINGS.model_dump(mode="json"), inputs=(read,), steps=1)
    write_model(path, ModelFile(facts, built.state_dict()))
    assert isinstance(read_parts_model(path, None)[1], PolyphonicRMVAESystem)
    with pytest.raises(ModelFileError, match="polyphonic parts") as refused:
        read_composer(path, None)
    assert "parts_drawn" in refused.value.cure
