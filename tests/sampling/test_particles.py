"""What many drafts write comes as often as the network gives it to all that is given, what comes later included."""

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
from descant.sampling.particles import Particles, fill_parts
from descant.seeds import counter_uniforms
from descant.systems.autoregressive_parts import AutoregressivePartsSystem, outer_first

CLASSES, VOICES, STEPS, MEASURE = 4, 2, 3, 3


def system(voices: int = VOICES, **over: Any) -> AutoregressivePartsSystem:
    training = {"steps": 1, "batch": 1, "window": 16}
    section = AutoregressiveParts.model_validate({"width": 8, "context": 4, "training": training, **over})
    built = AutoregressivePartsSystem(section, voices, CLASSES, MEASURE)
    # networks for which much depends on what comes later
    torch.manual_seed(110 + over.get("latent", 0))
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, std=0.8)
    return built.eval()


TOKENS = torch.tensor([[1, 0], [3, 0], [0, 0]])
# the top voice is given, and what it has at the end says most of what the other had before
FIXED = torch.tensor([[True, False]] * STEPS)


def shares(built: AutoregressivePartsSystem) -> Tensor:
    """How often the lower voice should come out, of all that it could be, ``(4 ** 3,)``."""
    lower = torch.tensor(list(product(range(CLASSES), repeat=STEPS)))
    whole = TOKENS.expand(len(lower), STEPS, VOICES).clone()
    whole[..., 1] = lower
    with torch.no_grad():
        return torch.softmax(-built.nll(whole).sum((1, 2)), 0)


def written(built: AutoregressivePartsSystem, particles: int, times: int) -> Tensor:
    drafts = (Particles(particles, seed, DrawSettings()) for seed in range(times))
    lower = torch.stack([fill_parts(built, TOKENS, FIXED, each)[:, 1] for each in drafts])
    return torch.bincount(lower @ torch.tensor([16, 4, 1]), minlength=64) / times


@pytest.mark.parametrize("latent", [0, 2])
def test_drafts_come_as_often_as_what_is_given_asks_for(latent: int) -> None:
    built = system(latent=latent)
    expected = shares(built)
    many, one = ((written(built, count, 400) - expected).abs().sum() / 2 for count in (64, 1))
    # of 400 draws; one draft does not know what comes
    assert many < 0.15 < 0.22 < one


def test_one_draft_is_drawn_as_the_network_says_it() -> None:
    built = system()
    (drawn,) = fill_parts(built, TOKENS, FIXED, Particles(1, 7, DrawSettings(0.9, 0.95)))[None]
    nothing = torch.zeros(1, STEPS, VOICES, dtype=torch.bool)
    with torch.no_grad():
        logits, _ = built.network(drawn[None], nothing, ranks_of(outer_first(VOICES)))
    uniforms = torch.from_numpy(counter_uniforms(7, 0, 0, STEPS * VOICES)).view(STEPS, VOICES)
    assert torch.equal(draw(logits[0, :, 1], uniforms[:, 1], 0.9, 0.95), drawn[:, 1])


@pytest.mark.parametrize("fixed", [kept for kept in product([False, True], repeat=3) if not all(kept)])
def test_what_is_given_stays_and_what_stood_elsewhere_is_not_looked_at(fixed: tuple[bool, ...]) -> None:
    built, how = system(3), Particles(8, 1, DrawSettings())
    tokens = torch.randint(CLASSES, (9, 3), generator=torch.Generator().manual_seed(5))
    kept = torch.tensor(fixed).expand(9, 3).clone()
    kept[:2], kept[5] = True, False
    drawn = fill_parts(built, tokens, kept, how)
    assert torch.equal(drawn[kept], tokens[kept])
    other = torch.where(kept, tokens, (tokens + 1) % CLASSES)
    assert torch.equal(fill_parts(built, other, kept, how), drawn)


def test_a_rule_is_kept_by_the_draft_that_is_left() -> None:
    def apart(now: Tensor, known: Tensor, step: int, voice: int) -> Tensor:
        return torch.where(torch.arange(CLASSES) == now[:, step, 1 - voice, None], -1e4, 0.0)

    drawn = [
        fill_parts(system(), TOKENS, FIXED, Particles(16, seed, DrawSettings(), Rules(apart))) for seed in range(8)
    ]
    assert all(bool((one[:, 0] != one[:, 1]).all()) for one in drawn)


def test_all_that_is_given_comes_back_and_measures_are_whole() -> None:
    built, how = system(latent=2), Particles(4, 1, DrawSettings())
    assert torch.equal(fill_parts(built, TOKENS, torch.ones_like(FIXED), how), TOKENS)
    with pytest.raises(SamplingError, match="2 steps are no whole measures of 3"):
        fill_parts(built, TOKENS[:2], FIXED[:2], how)
