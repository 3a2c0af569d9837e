"""The autoregressive model of voices: an exact likelihood, whatever is fixed and in whatever order voices are said."""

from collections.abc import Mapping
from itertools import permutations, product
from pathlib import Path
from typing import Any

import pytest
import torch
from chorales import NATS_A_TOKEN, chorale, pack_chorales
from small_models import input_of
from torch import Tensor

from descant.config.part_models import AutoregressiveParts
from descant.modelfile import read_model
from descant.systems.autoregressive_parts import (
    AutoregressivePartsSystem,
    build_autoregressive_parts,
    outer_first,
    random_fixed,
)
from descant.systems.restore import restore
from descant.training.devices import Devices
from descant.training.history import read_history
from descant.training.noise import torch_generator
from descant.training.session import Session, train_to_file

TRAINING = {"steps": 12, "batch": 4, "window": 32}
CLASSES, VOICES, MEASURE = 4, 2, 2


def settings(**over: Any) -> AutoregressiveParts:
    return AutoregressiveParts.model_validate({"width": 8, "context": 4, "training": TRAINING, **over})


def system(
    voices: int = VOICES, classes: int = CLASSES, measure: int = MEASURE, **over: Any
) -> AutoregressivePartsSystem:
    torch.manual_seed(0)
    built = AutoregressivePartsSystem(settings(**over), voices, classes, measure)
    for parameter in built.parameters():
        # fresh weights say nearly the same of everything
        torch.nn.init.normal_(parameter, std=0.5)
    return built.eval()


def all_music(steps: int) -> Tensor:
    """Every sequence of tokens there is, ``(classes ** (steps * voices), steps, voices)``."""
    return torch.tensor(list(product(range(CLASSES), repeat=steps * VOICES))).view(-1, steps, VOICES)


FIXED = {
    "nothing": [[0, 0], [0, 0]],
    "a voice": [[0, 1], [0, 1]],
    "what comes last": [[0, 0], [1, 1]],
    "one token": [[0, 1], [0, 0]],
    "another": [[0, 0], [1, 0]],
}


@pytest.mark.parametrize("latent", [0, 3])
@pytest.mark.parametrize("order", list(permutations(range(VOICES))))
@pytest.mark.parametrize("kind", list(FIXED))
@torch.no_grad()
def test_probabilities_of_all_that_can_be_said_add_up_to_one(latent: int, order: tuple[int, ...], kind: str) -> None:
    built, music = system(latent=latent), all_music(2)
    fixed = torch.tensor(FIXED[kind], dtype=torch.bool)
    # what is fixed is the same in all of them
    music = music[(music == torch.tensor([[2, 1], [0, 3]]))[:, fixed].all(-1)]
    assert len(music) == CLASSES ** int((~fixed).sum())
    nll = built.nll(music, fixed.expand_as(music), order)
    assert not nll[:, fixed].any()
    assert float((-nll.sum((1, 2)).double()).exp().sum()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("latent", [0, 3])
@torch.no_grad()
def test_the_likelihood_is_the_product_of_the_conditionals(latent: int) -> None:
    built, music = system(latent=latent), all_music(2)
    nll = built.nll(music)
    joint = torch.softmax(-nll.sum((1, 2)).double(), 0)
    # of each token the sum over all music that begins as it does, over that of what comes before it
    for number in (0, 37, 201):
        said, before = torch.ones(len(music), dtype=torch.bool), 1.0
        for step in range(2):
            for voice in outer_first(VOICES):
                said = said & (music[:, step, voice] == music[number, step, voice])
                now = float(joint[said].sum())
                assert -float(torch.tensor(now / before).log()) == pytest.approx(
                    float(nll[number, step, voice]), abs=1e-4
                )
                before = now


def perturbed(tokens: Tensor, step: int, voice: int, classes: int) -> Tensor:
    changed = tokens.clone()
    changed[:, step, voice] = (changed[:, step, voice] + 1) % classes
    return changed


@pytest.mark.parametrize("latent", [0, 3])
@torch.no_grad()
def test_nothing_is_seen_before_it_is_said(latent: int) -> None:
    built, order = system(voices=4, classes=7, measure=4, latent=latent), (2, 0, 3, 1)
    tokens = torch.randint(7, (3, 12, 4), generator=torch.Generator().manual_seed(1))
    fixed = random_fixed(tokens, 4, 0.0, torch_generator("fixed"))
    assert 0 < int(fixed.sum()) < fixed.numel()
    before = built.nll(tokens, fixed, order)
    for step, voice in product(range(12), range(4)):
        after = built.nll(perturbed(tokens, step, voice, 7), fixed, order)
        place = torch.arange(12)[:, None] * 4 + torch.argsort(torch.tensor(order))
        free = ~fixed[:, step, voice]
        earlier = place < int(place[step, voice])
        assert torch.equal(after[free][:, earlier], before[free][:, earlier])
        later = place > int(place[step, voice])
        assert step == 11 or not torch.equal(after[free][:, later], before[free][:, later]) or not bool(free.any())


@torch.no_grad()
def test_what_is_fixed_is_seen_from_the_start_to_the_end() -> None:
    built = system(voices=2, classes=7, measure=4)
    tokens = torch.randint(7, (1, 12, 2), generator=torch.Generator().manual_seed(1))
    fixed = torch.zeros_like(tokens, dtype=torch.bool)
    fixed[:, :, 1] = True
    before, after = (built.nll(music, fixed) for music in (tokens, perturbed(tokens, 11, 1, 7)))
    assert bool((before[:, :, 0] != after[:, :, 0]).all())


def test_an_order_names_each_voice_once() -> None:
    assert outer_first(4) == (0, 3, 1, 2) and outer_first(1) == (0,) and outer_first(2) == (0, 1)
    with pytest.raises(ValueError, match="each of 2 voices once"):
        system().nll(torch.zeros(1, 2, VOICES, dtype=torch.int64), order=(0, 0))


def test_what_is_fixed_in_training_is_of_every_kind() -> None:
    tokens = torch.zeros(1000, 64, 4, dtype=torch.int64)
    fixed = random_fixed(tokens, 16, 0.5, torch_generator("n")).unflatten(1, (4, 16))
    assert bool((fixed == fixed[:, :, :1]).all()), "whole measures"
    measures = fixed[:, :, 0]
    nothing = ~measures.flatten(1).any(1)
    assert 0.4 < float(nothing.float().mean()) < 0.7
    voices = (measures == measures[:, :1]).all(1).all(1) & ~nothing
    continued = measures[:, 0].all(1) & ~measures[:, -1].all(1)
    assert min(int(voices.sum()), int(continued.sum()), int((~voices & ~continued & ~nothing).sum())) > 20
    patterns = {tuple(row) for row in measures[voices][:, 0].tolist()}
    assert len(patterns - {(True,) * 4}) == 14, "every set of voices but all, and the others are filled"
    assert not random_fixed(tokens, 16, 1.0, torch_generator("n")).any()


def test_the_loss_is_the_mean_over_free_tokens_and_the_divergence_a_token() -> None:
    tokens = torch.randint(CLASSES, (5, 8, VOICES), generator=torch.Generator().manual_seed(1))
    built = system(composed=1.0, dropout=0.0)
    result = built({"parts": tokens}, torch_generator("n"))
    assert result.loss.item() == float(result.metrics["nll"]) and set(result.metrics) == {"nll"}
    plain, heavy = (system(composed=1.0, dropout=0.0, latent=3, kl_weight=weight) for weight in (0.0, 2.0))
    first, second = (one({"parts": tokens}, torch_generator("n")) for one in (plain, heavy))
    assert first.loss.item() == pytest.approx(float(first.metrics["nll"]))
    assert (second.loss - first.loss).item() == pytest.approx(
        2 * float(first.metrics["kl"]) / (MEASURE * VOICES), rel=1e-4
    )


@pytest.mark.parametrize("latent", [0, 3])
def test_gradients_reach_every_weight(latent: int) -> None:
    built = system(latent=latent, composed=0.3)
    tokens = torch.randint(CLASSES, (64, 8, VOICES), generator=torch.Generator().manual_seed(1))
    built({"parts": tokens}, torch_generator("n")).loss.backward()
    assert not [name for name, one in built.named_parameters() if one.grad is None or not one.grad.any()]


def test_figures_begin_with_the_exact_likelihood() -> None:
    tokens = torch.from_numpy(chorale(2, 0))[None].long()
    built = build_autoregressive_parts(settings(), {"parts": input_of("parts", classes=130, channels=4)}).eval()
    with torch.no_grad():
        figures = built.validate({"parts": tokens}, torch_generator("n"))
        exact = built.nll(tokens).mean()
    assert next(iter(figures)) == built.headline == "nll" and float(figures["nll"]) == pytest.approx(float(exact))
    assert float(figures["accuracy_holding"]) == 0.75 and "kl" not in figures
    assert "kl" in system(latent=2).validate({"parts": torch.zeros(1, 4, 2, dtype=torch.int64)}, torch_generator("n"))


def figures_of(folder: Path, name: str) -> list[float]:
    rows = read_history(folder / "metrics.csv")
    return [row.value for row in rows if row.split == "validation" and row.metric == name]


def learn(folder: Path, over: Mapping[str, Any]) -> AutoregressivePartsSystem:
    training = {"steps": 150, "batch": 8, "window": 64, "learning_rate": 0.01, "validate_every": 30, "log_every": 30}
    section = settings(width=48, context=16, dropout=0.0, training=training, **over)
    session = Session("autoregressive_parts", section, folder / "runs", 1, Devices())
    train_to_file(session, {"parts": pack_chorales(folder)}, folder / "model.safetensors", folder / "metrics.csv")
    return restore(read_model(folder / "model.safetensors"), AutoregressivePartsSystem)


def test_it_learns_a_grammar_to_near_its_entropy_and_comes_back_from_its_file(tmp_path: Path) -> None:
    restored = learn(tmp_path, {})
    nll = figures_of(tmp_path, "nll")
    assert nll[0] > nll[-1] and nll[-1] < NATS_A_TOKEN + 0.08
    # of one voice given the others only the bass has a choice
    assert figures_of(tmp_path, "nll_filled")[-1] < 0.75 * nll[-1]
    tokens = torch.from_numpy(chorale(6, 999))[None].long()
    with torch.no_grad():
        assert float(restored.nll(tokens).mean()) < NATS_A_TOKEN + 0.1
