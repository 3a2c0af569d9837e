"""Voices that are drawn, filled and redone: what is drawn step by step is what the full pass says."""

from itertools import product
from typing import Any

import pytest
import torch
from part_rules import Rules
from torch import Tensor

from descant.config.part_models import AutoregressiveParts
from descant.errors import SamplingError
from descant.layers.part_lstm import ranks_of
from descant.sampling.draw import draw
from descant.sampling.engine import DrawSettings
from descant.sampling.parts import draw_parts, redraw_parts
from descant.seeds import counter_uniforms
from descant.systems.autoregressive_parts import AutoregressivePartsSystem, random_fixed
from descant.training.noise import torch_generator

CLASSES, MEASURE, STEPS = 9, 4, 12
ORDER = (0, 3, 1, 2)


def system(voices: int = 4, **over: Any) -> AutoregressivePartsSystem:
    torch.manual_seed(0)
    training = {"steps": 1, "batch": 1, "window": 16}
    section = AutoregressiveParts.model_validate({"width": 8, "context": 4, "training": training, **over})
    built = AutoregressivePartsSystem(section, voices, CLASSES, MEASURE)
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return built.eval()


def music(batch: int = 2, voices: int = 4) -> Tensor:
    return torch.randint(CLASSES, (batch, STEPS, voices), generator=torch.Generator().manual_seed(3))


def nothing(tokens: Tensor) -> Tensor:
    return torch.zeros_like(tokens, dtype=torch.bool)


@pytest.mark.parametrize(("latent", "layers"), [(0, 1), (3, 1), (0, 2)])
@pytest.mark.parametrize("order", [ORDER, (1, 2, 3, 0)])
@pytest.mark.parametrize("composed", [0.0, 1.0])
def test_what_is_drawn_is_what_the_full_pass_says(
    latent: int, layers: int, order: tuple[int, ...], composed: float
) -> None:
    built, tokens = system(latent=latent, layers=layers), music(3)
    fixed = random_fixed(tokens, MEASURE, composed, torch_generator("fixed"))
    drawn = draw_parts(built, tokens, fixed, 7, DrawSettings(0.9, 0.95), order)
    assert torch.equal(drawn[fixed], tokens[fixed])
    with torch.no_grad():
        logits, _ = built.network(drawn, fixed, ranks_of(order))
    uniforms = torch.from_numpy(counter_uniforms(7, 1, 0, STEPS * 4))
    expected = draw(logits[1].flatten(0, 1), uniforms, 0.9, 0.95).view(STEPS, 4)
    assert torch.equal(torch.where(fixed[1], tokens[1], expected), drawn[1])


@pytest.mark.parametrize("begun", [1, 3, 4, 5, 8, 11])
@pytest.mark.parametrize(("latent", "layers"), [(0, 1), (3, 2)])
def test_music_that_is_begun_is_followed_at_once(begun: int, latent: int, layers: int) -> None:
    built, tokens = system(latent=latent, layers=layers), music(3)
    fixed = nothing(tokens)
    fixed[:, :begun] = True
    drawn = draw_parts(built, tokens, fixed, 7)
    # from the start, where one sequence has a free token there
    fixed = torch.cat([fixed, nothing(tokens[:1])])
    assert torch.equal(draw_parts(built, torch.cat([tokens, tokens[:1]]), fixed, 7)[:3], drawn)
    assert torch.equal(drawn[:, :begun], tokens[:, :begun]) and not torch.equal(drawn, tokens)
    whole = torch.ones_like(tokens, dtype=torch.bool)
    assert torch.equal(draw_parts(built, tokens, whole, 7), tokens)


def test_the_same_seed_draws_the_same_whatever_is_drawn_beside_it() -> None:
    built, tokens = system(), music(3)
    three, one = draw_parts(built, tokens, nothing(tokens), 7), draw_parts(built, tokens[:1], nothing(tokens[:1]), 7)
    assert torch.equal(three[:1], one) and not torch.equal(three[0], three[1])
    assert not torch.equal(draw_parts(built, tokens, nothing(tokens), 8), three)


@pytest.mark.parametrize("voices", [kept for kept in product([False, True], repeat=4) if any(kept)])
def test_any_voices_are_filled_and_what_was_there_is_not_looked_at(voices: tuple[bool, ...]) -> None:
    built, tokens = system(latent=2), music()
    # these are to be filled
    fixed = ~torch.tensor(voices).expand_as(tokens)
    filled = draw_parts(built, tokens, fixed, 1)
    assert torch.equal(filled[fixed], tokens[fixed])
    other = torch.where(fixed, tokens, (tokens + 4) % CLASSES)
    assert torch.equal(draw_parts(built, other, fixed, 1), filled)


def test_rules_see_what_is_known_and_forbid_what_is_not_wanted() -> None:
    built, tokens, asked = system(), music(), []

    def rises(now: Tensor, known: Tensor, step: int, voice: int) -> Tensor:
        # the voices of a step in their order, again from the first on where all sequences have broken the rule
        turn = ORDER.index(voice)
        if turn:
            assert asked[-1] == (step, ORDER[turn - 1])
        elif asked:
            assert asked[-1][0] == step or asked[-1] == (step - 1, ORDER[-1])
        asked.append((step, voice))
        said = [(s, v) for s, v in product(range(STEPS), range(4)) if bool(known[:, s, v].all())]
        assert said == sorted([*product(range(step), range(4)), *((step, other) for other in ORDER[:turn])])
        # nothing below what the voice had before
        least = now[:, step - 1, voice, None] if step else torch.zeros(len(now), 1)
        return torch.where(torch.arange(CLASSES) < least, -torch.inf, 0.0)

    drawn = draw_parts(built, tokens, nothing(tokens), 5, rules=Rules(rises))
    assert set(asked) == set(product(range(STEPS), range(4))) and len(asked) > 4 * STEPS
    assert bool((drawn.diff(dim=1) >= 0).all()) and bool((drawn.diff(dim=1) > 0).any())


def test_a_step_comes_as_often_as_the_network_gives_it_among_those_that_keep_the_rules() -> None:
    built, count = system(voices=2), 4000
    tokens = torch.zeros(count, 1, 2, dtype=torch.int64)

    def apart(now: Tensor, known: Tensor, step: int, voice: int) -> Tensor:
        near = (torch.arange(CLASSES) - now[:, step, 1 - voice, None]).abs() < 4
        return torch.where(near & known[:, step, 1 - voice, None], -1e4, 0.0)

    drawn = draw_parts(built, tokens, nothing(tokens), 5, rules=Rules(apart))[:, 0]
    pairs = torch.tensor(list(product(range(CLASSES), repeat=2)))
    with torch.no_grad():
        likelihood = (-built.nll(pairs[:, None]).sum((1, 2))).exp()
    expected = torch.where((pairs[:, 0] - pairs[:, 1]).abs() < 4, 0.0, likelihood)
    expected /= expected.sum()
    # where most pairs are forbidden, rules on single tokens would give others
    assert likelihood.sum() == pytest.approx(1, abs=1e-4) and expected.count_nonzero() == 30
    found = (drawn[:, None] == pairs).all(-1).float().mean(0)
    assert found[expected == 0].sum() == 0
    assert (found - expected).abs().sum() / 2 < 0.06


def test_rules_that_nothing_breaks_change_nothing() -> None:
    built, tokens = system(), music()

    def all_is_well(now: Tensor, known: Tensor, step: int, voice: int) -> Tensor:
        return torch.zeros(len(now), CLASSES)

    free = draw_parts(built, tokens, nothing(tokens), 5)
    assert torch.equal(draw_parts(built, tokens, nothing(tokens), 5, rules=Rules(all_is_well)), free)


def test_rules_that_leave_nothing_are_refused() -> None:
    built, tokens = system(), music()

    def never(now: Tensor, known: Tensor, step: int, voice: int) -> Tensor:
        return torch.full((len(now), CLASSES), -torch.inf if (step, voice) == (2, 3) else 0.0)

    with pytest.raises(SamplingError, match="every token of voice 4 at step 2"):
        draw_parts(built, tokens, nothing(tokens), 5, rules=Rules(never))


def test_measures_are_whole_where_they_have_latents() -> None:
    tokens = music()[:, :6]
    assert draw_parts(system(), tokens, nothing(tokens), 1).shape == (2, 6, 4)
    with pytest.raises(SamplingError, match="6 steps are no whole measures of 4") as refused:
        draw_parts(system(latent=2), tokens, nothing(tokens), 1)
    assert "draw 8 steps" in refused.value.cure


def test_tokens_come_as_often_as_they_are_probable() -> None:
    built, tokens = system(voices=1), torch.zeros(3000, 2, 1, dtype=torch.int64)
    drawn = draw_parts(built, tokens, nothing(tokens), 3)[:, :, 0]
    pairs = torch.tensor(list(product(range(CLASSES), repeat=2)))[:, :, None]
    with torch.no_grad():
        expected = (-built.nll(pairs).sum((1, 2))).exp()
    found = torch.bincount(drawn[:, 0] * CLASSES + drawn[:, 1], minlength=CLASSES**2) / len(drawn)
    assert float((found - expected).abs().sum()) < 0.15


def test_voices_are_redone_a_measure_at_a_time_and_what_is_fixed_stays() -> None:
    built, tokens = system(), music()
    fixed = nothing(tokens)
    fixed[:, :, 0] = True
    redone = redraw_parts(built, tokens, fixed, 2, 1)
    assert torch.equal(redone[:, :, 0], tokens[:, :, 0])
    assert all(not torch.equal(redone[:, :, voice], tokens[:, :, voice]) for voice in (1, 2, 3))
    assert torch.equal(redraw_parts(built, tokens, fixed, 2, 1), redone)
    assert torch.equal(redraw_parts(built, tokens, fixed, 0, 1), tokens)
