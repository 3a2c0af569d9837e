"""A network mixed with n-grams: a distribution that sees nothing ahead, no worse than each where weights are chosen."""

import numpy as np
import pytest
import torch
from chorales import chorale

from descant.config.part_models import AutoregressiveParts
from descant.evaluation.parts_baselines import ALL, CLEAN, COMPOSE, in_all_keys
from descant.evaluation.parts_coding import code
from descant.evaluation.parts_mixture import Opinions, mixed, mixed_lines, mixture_weights, opinions
from descant.evaluation.parts_models import ngram
from descant.evaluation.parts_said import composed_nats, said_by
from descant.evaluation.parts_scores import Asked
from descant.scores.parts import CLASSES
from descant.statistics import Bootstrap
from descant.systems.autoregressive_parts import AutoregressivePartsSystem, outer_first

ORDER, LEVELS = outer_first(4), 6
WEIGHTS = np.random.default_rng(1).dirichlet(np.ones(3), LEVELS + 1)


@pytest.fixture(scope="module")
def system() -> AutoregressivePartsSystem:
    torch.manual_seed(0)
    training = {"steps": 1, "batch": 1, "window": 16}
    section = AutoregressiveParts.model_validate({"width": 8, "context": 4, "training": training})
    built = AutoregressivePartsSystem(section, 4, CLASSES)
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return built.eval()


def test_probabilities_of_all_tokens_sum_to_one_and_nothing_ahead_is_seen(system: AutoregressivePartsSystem) -> None:
    counted, grid = ngram([code("", chorale(2, seed)[:, list(ORDER)], "events") for seed in range(3)]), chorale(2, 3)
    step, voice = 20, ORDER[-1]
    said = []
    for token in range(CLASSES):
        other = grid.copy()
        other[step, voice] = token
        said.append(mixed(opinions(other, composed_nats(system, other), counted, ORDER), WEIGHTS).reshape(grid.shape))
    nats = np.stack(said)
    assert np.exp(-nats[:, step, -1]).sum() == pytest.approx(1, abs=1e-5)
    assert np.ptp(nats[:, :step], axis=0).max() < 1e-5 and np.ptp(nats[:, step, :-1], axis=0).max() < 1e-5
    assert np.ptp(nats[:, step + 1 :], axis=0).max() > 0.1


def test_nats_of_a_piece_are_those_that_the_network_says_of_it(system: AutoregressivePartsSystem) -> None:
    grid = chorale(2, 1)
    assert composed_nats(system, grid) == pytest.approx(said_by(system, grid, 1, 1).nats[-1], abs=1e-5)


def test_weights_are_those_that_the_tokens_were_drawn_with() -> None:
    # coins of two models, and one that gives both sides the same; three kinds of tokens, drawn by their own weights
    random, tokens = np.random.default_rng(2), 60_000
    met, sides = random.integers(0, 3, tokens), np.array([0.99, 0.01])
    chosen = np.array([0.8, 0.3, 0.5])[met] > random.random(tokens)
    heads = random.random(tokens) < np.where(chosen, *sides)
    likelihoods = np.where(heads[:, None], sides, 1 - sides)
    said = Opinions(-np.log(likelihoods), met)
    weights = mixture_weights(said, LEVELS)
    assert weights.sum(1) == pytest.approx(1) and weights[:3, 0] == pytest.approx([0.8, 0.3, 0.5], abs=0.02)
    assert (weights[3:] == 0.5).all(), "of which nothing is known"
    assert mixed(said, weights).sum() < min(said.nats.sum(0))
    assert mixed(said, weights).sum() <= mixed(said, weights[[0]].repeat(LEVELS + 1, 0)).sum()


def test_lines_stand_beside_the_networks_and_a_bad_network_gains(system: AutoregressivePartsSystem) -> None:
    test = {str(seed): chorale(2, seed) for seed in range(10, 13)}
    asked = Asked("a", "A", "autoregressive_parts", False, test, frozenset({"10"}), Bootstrap(100, 0.95, 1))
    nats = {name: composed_nats(system, grid) for name, grid in test.items()}
    train, validation = ([chorale(2, seed) for seed in seeds] for seeds in (range(5), (5, 6)))
    found = mixed_lines(asked, system, nats, train, validation)
    assert [(line.task, line.material, line.model) for line in found] == [(COMPOSE, ALL, "a"), (COMPOSE, CLEAN, "a")]
    assert {line.title for line in found} == {"A, mixed with n-grams"} and found[0].tokens == 3 * 32 * 4
    alone = np.mean([one.mean() for one in nats.values()])
    assert found[0].nats_per_token is not None and found[0].nats_per_token < alone / 2


def test_all_keys_are_those_in_which_the_voices_have_been() -> None:
    grids = [chorale(2, seed) for seed in range(4)]
    moved = in_all_keys(grids)
    assert len(moved) > len(grids) and all(any(np.array_equal(grid, one) for one in moved) for grid in grids)
