"""All that is measured of one network of music in parts."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from tqdm import tqdm

from descant.config.evaluation import PartsTable
from descant.evaluation.parts_drawings import all_drawings
from descant.evaluation.parts_material import Pieces
from descant.evaluation.parts_mixture import mixed_lines
from descant.evaluation.parts_models import NOTHING
from descant.evaluation.parts_said import said_by
from descant.evaluation.parts_scores import Asked, Said, all_lines, nats_of_sets, share_of
from descant.evaluation.parts_table import PartsFigures
from descant.layers.music_losses import begun, interval_loss, rhythm_loss, scale_loss
from descant.sampling.composing import Composer
from descant.scores.parts import CLASSES, MEASURE, VOICES, Grid
from descant.seeds import derive_seed
from descant.statistics import Bootstrap, Interval
from descant.systems.autoregressive_parts import AutoregressivePartsSystem
from descant.systems.rmvae import INTERVALS


def music_of(said: Said, grid: Grid) -> tuple[dict[str, float], dict[str, float], int]:
    """The losses that know of music, as :mod:`descant.layers.music_losses` defines them, of whole measures.

    What is said is taken as it would be played, the likeliest tokens, for networks of every kind.

    Args:
        said: of the piece.
        grid: the piece itself.

    Returns:
        ``scale``, ``rhythm`` and ``harmony`` of the next measures; the same of the true ones; and how many measures.
    """
    rows = said.following[:, 0] != NOTHING
    pitches = [
        begun(torch.from_numpy(one[rows].astype("int64")), CLASSES).view(-1, MEASURE, len(VOICES), CLASSES - 2)
        for one in (said.following, grid)
    ]
    return losses_of(*pitches)


def losses_of(said: Tensor, true: Tensor) -> tuple[dict[str, float], dict[str, float], int]:
    """The same of pitches that begin as it is said, and truly, float32 ``(measures, 16, voices, pitches)``."""
    if not len(true):
        return {}, {}, 0
    found = [
        {
            "scale": float(scale_loss(one, true)),
            "rhythm": float(rhythm_loss(one, true)),
            "harmony": sum(float(interval_loss(one, semitones)) for semitones in INTERVALS.values()),
        }
        for one in (said, true)
    ]
    return found[0], found[1], len(true)


def intervals_of(
    found: Sequence[Mapping[str, float]], measures: Sequence[int], bootstrap: Bootstrap
) -> dict[str, Interval]:
    """Means over measures, with intervals over pieces; empty where no measure is said."""
    shares = {}
    for key in ("scale", "rhythm", "harmony"):
        sums = [one[key] * count if count else None for one, count in zip(found, measures, strict=True)]
        shares[key] = share_of(sums, measures, bootstrap)
    return {key: share for key, share in shares.items() if share}


def measure_row(asked: Asked, system: Composer, read: Pieces, settings: PartsTable, seed: int) -> PartsFigures:
    """Score a network on the test pieces, and let it draw; where its likelihood is exact, mixed with n-grams too.

    Args:
        asked: who, and of which pieces.
        system: ready for evaluation.
        read: the pieces of training and validation.
        settings: how much is measured.
        seed: of draws.
    """
    said = {
        name: said_by(system, grid, settings.bound_draws, derive_seed(seed, "parts", name))
        for name, grid in tqdm(asked.test.items(), disable=None, unit="piece")
    }
    music, bach, measures = zip(*(music_of(one, asked.test[name]) for name, one in said.items()), strict=True)
    latents = [one.divergence for one in said.values()]
    lines = all_lines(asked, said)
    if isinstance(system, AutoregressivePartsSystem) and read.validation:
        nats = {name: one.nats[-1] for name, one in said.items()}
        lines += mixed_lines(asked, system, nats, read.train, read.validation)
    test, draws = list(asked.test.values()), derive_seed(seed, "parts", "draw")
    return PartsFigures(
        model=asked.model,
        title=asked.title,
        kind=asked.kind,
        bound=asked.bound,
        lines=lines,
        sets=nats_of_sets(asked, said),
        kl=share_of([float(one.sum()) for one in latents], [len(one) for one in latents], asked.bootstrap),
        music=intervals_of(music, measures, asked.bootstrap),
        bach=intervals_of(bach, measures, asked.bootstrap),
        drawings=all_drawings(system, read.train, test, settings, draws),
    )
