"""What an RMVAE goes on with, fills and redoes is what it predicts of measures that are there."""

import pytest
import torch
from chorales import chorale, roll_of
from torch import Tensor

from descant.config.part_models import RMVAE, RecurrentShape
from descant.layers.parts import likeliest
from descant.sampling.rmvae import fill, go_on, redo
from descant.scores.parts import HELD, REST
from descant.systems.polyphonic_rmvae import PolyphonicRMVAESystem
from descant.systems.rmvae import RMVAESystem

SMALL = RecurrentShape((6, 5), (4, 1), (8,), (8, 1))


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> "type[RMVAESystem]":
    monkeypatch.setattr("descant.layers.rmvae.RECURRENT", {"small": SMALL})
    return RMVAESystem


def system(build: "type[RMVAESystem]", offset: int) -> RMVAESystem:
    torch.manual_seed(0)
    built = build(RMVAE.model_validate({"training": {"steps": 1, "batch": 1, "window": 64}, "offset": offset}), 4, 130)
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return built.eval()


def music(measures: int = 4) -> Tensor:
    return torch.stack([torch.from_numpy(chorale(measures, seed)).long() for seed in range(2)])


@pytest.mark.parametrize("offset", [1, 2])
@torch.inference_mode()
def test_it_goes_on_with_what_it_predicts(build: "type[RMVAESystem]", offset: int) -> None:
    built, tokens = system(build, offset), music()
    longer = go_on(built, tokens, 3)
    assert longer.shape == (2, 7 * 16, 4) and torch.equal(longer[:, : 4 * 16], tokens)
    everyone = torch.ones(2, 7 - offset, 4, dtype=torch.bool)
    said = likeliest(built.predict(longer[:, : (7 - offset) * 16], everyone))
    assert torch.equal(longer[:, 4 * 16 :], said[:, 4 - offset :].flatten(1, 2))


@torch.inference_mode()
def test_it_reads_eight_measures_at_the_most(build: "type[RMVAESystem]") -> None:
    built, tokens = system(build, 1), music(9)
    other = tokens.clone()
    other[:, :16] = HELD
    assert torch.equal(go_on(built, tokens, 1)[:, -16:], go_on(built, other, 1)[:, -16:])


@pytest.mark.parametrize("offset", [1, 2])
@pytest.mark.parametrize("voices", [[1], [0, 3], [0, 1, 2, 3]])
def test_voices_are_filled_from_the_others(build: "type[RMVAESystem]", offset: int, voices: list[int]) -> None:
    built, tokens = system(build, offset), music()
    filled = fill(built, tokens, voices)
    rest = [voice for voice in range(4) if voice not in voices]
    assert torch.equal(filled[..., rest], tokens[..., rest])
    assert (filled[:, 0, voices] == REST).all() and (filled[:, 1 : 16 * offset, voices] == HELD).all()
    other = tokens.clone()
    other[..., voices] = 5
    assert torch.equal(fill(built, other, voices), filled)
    mask = torch.ones(2, 4 - offset, 4, dtype=torch.bool)
    mask[..., voices] = False
    with torch.inference_mode():
        said = likeliest(built.predict(tokens[:, : (4 - offset) * 16], mask)).flatten(1, 2)
    assert torch.equal(filled[:, 16 * offset :, voices], said[..., voices])


def test_every_voice_is_redone_in_turn(build: "type[RMVAESystem]") -> None:
    built, tokens = system(build, 1), music()
    by_turns = fill(built, fill(built, tokens, [2]), [0])
    assert torch.equal(redo(built, tokens, [2, 0]), by_turns)


@pytest.mark.parametrize("offset", [1, 2])
@torch.inference_mode()
def test_polyphonic_voices_go_on_and_are_filled_likewise(build: object, offset: int) -> None:
    torch.manual_seed(0)
    settings = RMVAE.model_validate({"training": {"steps": 1, "batch": 1, "window": 64}, "offset": offset})
    built = PolyphonicRMVAESystem(settings, 2, 256).eval()
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, std=2)
    tokens = torch.from_numpy(roll_of(4, 0).astype("int64"))[None]
    longer = go_on(built, tokens, 2)
    assert longer.shape == (1, 6 * 16, 2, 128) and torch.equal(longer[:, : 4 * 16], tokens)
    everyone = torch.ones(1, 6 - offset, 2, dtype=torch.bool)
    said = built.likeliest(built.predict(longer[:, : (6 - offset) * 16], everyone))
    assert torch.equal(longer[:, 4 * 16 :], said[:, 4 - offset :].flatten(1, 2)) and bool(longer[:, 4 * 16 :].any())
    filled, other = fill(built, tokens, [1]), tokens.clone()
    assert torch.equal(filled[:, :, 0], tokens[:, :, 0]) and not filled[:, : 16 * offset, 1].any()
    other[:, :, 1] = 7
    assert torch.equal(fill(built, other, [1]), filled)
    assert torch.equal(redo(built, tokens, [1, 0]), fill(built, filled, [0]))
