"""A network's next tokens mixed with those of n-grams, all of them exact, by weights that validation pieces choose.

Deleted interpolation (Jelinek & Mercer 1980): p = Σ w·p of the network, of the Witten-Bell n-gram of the training
pieces in all keys, and of one that has counted only the piece so far. How far that one can be trusted depends on how
much of the context the piece had before, so there are weights for each number of levels that it had.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from descant.evaluation.ngram import from_own_past, picked
from descant.evaluation.parts_baselines import COMPOSE, in_all_keys
from descant.evaluation.parts_coding import code, contexts
from descant.evaluation.parts_models import Model, ngram
from descant.evaluation.parts_said import composed_nats
from descant.evaluation.parts_scores import Asked, Floats, PartsLine, line_of, of_materials, sums_of_nats
from descant.scores.parts import Grid
from descant.systems.autoregressive_parts import AutoregressivePartsSystem, outer_first

TITLE = "{}, mixed with n-grams"
# of expectation and maximisation, after which weights no longer move; ours
ROUNDS = 100
TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True)
class Opinions:
    """What each model says of tokens.

    Attributes:
        nats: negative log-likelihoods ``(tokens, models)``.
        met: how many levels of context the piece had before, int64 ``(tokens,)``.
    """

    nats: Floats
    met: npt.NDArray[np.int64]


def opinions(grid: Grid, network: Floats, counted: Model, order: Sequence[int]) -> Opinions:
    """What the network, the n-gram, and that of the piece itself say of a piece.

    Args:
        grid: uint8 ``(steps, voices)``.
        network: its nats ``(steps, voices)``.
        counted: the n-gram, of pieces whose voices stand in the order.
        order: of the voices in a step, in which all three say them.
    """
    piece = code("", grid[:, list(order)], "events")
    tokens = piece.tokens.reshape(-1)
    own, met = from_own_past(contexts(piece), tokens, piece.classes)
    likelihoods = np.stack([picked(counted(piece), tokens), own], 1)
    return Opinions(np.column_stack([network[:, list(order)].reshape(-1), -np.log(likelihoods)]), met)


def mixture_weights(said: Opinions, levels: int) -> Floats:
    """The weights under which tokens are likeliest, by expectation and maximisation (Dempster et al. 1977).

    Args:
        said: of all tokens that choose.
        levels: of contexts.

    Returns:
        ``(levels + 1, models)``, each row sums to 1; where no token is, all models weigh alike.
    """
    weights = np.full((levels + 1, said.nats.shape[1]), 1 / said.nats.shape[1])
    chosen = [said.nats[said.met == met] for met in range(levels + 1)]
    for _ in range(ROUNDS):
        for row, nats in zip(weights, chosen, strict=True):
            if len(nats):
                parts = np.log(row + TINY) - nats
                row[:] = np.exp(parts - np.logaddexp.reduce(parts, 1, keepdims=True)).mean(0)
    return weights


def mixed(said: Opinions, weights: Floats) -> Floats:
    """Nats of each token by the mixture, ``(tokens,)``."""
    found: Floats = -np.logaddexp.reduce(np.log(weights[said.met] + TINY) - said.nats, 1)
    return found


def mixed_lines(
    asked: Asked,
    system: AutoregressivePartsSystem,
    nats: Mapping[str, Floats],
    train: Sequence[Grid],
    validation: Sequence[Grid],
) -> list[PartsLine]:
    """The lines of the mixture beside those of the network.

    Args:
        asked: who, and of which pieces.
        system: the network, ready for evaluation.
        nats: what it says of each test piece, ``(steps, voices)``.
        train: grids that the n-gram counts, none of them transposed.
        validation: grids that choose the weights; one at least.
    """
    order = outer_first(system.voices)
    counted = ngram([code("", grid[:, list(order)], "events") for grid in in_all_keys(train)])
    known = [opinions(grid, composed_nats(system, grid), counted, order) for grid in validation]
    joined = Opinions(np.concatenate([one.nats for one in known]), np.concatenate([one.met for one in known]))
    weights = mixture_weights(joined, levels=len(contexts(code("", validation[0], "events"))))
    sums = {}
    for name, grid in asked.test.items():
        found = np.empty(grid.shape)
        found[:, list(order)] = mixed(opinions(grid, nats[name], counted, order), weights).reshape(grid.shape)
        sums[name] = sums_of_nats(grid, found)
    named = replace(asked, title=TITLE.format(asked.title))
    return [line_of(COMPOSE, named, material, chosen) for material, chosen in of_materials(sums, asked.clean).items()]
