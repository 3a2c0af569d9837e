"""The table of baselines of music in parts: likelihoods, accuracies, and rules of voice leading, on test pieces."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt

from descant.evaluation.ngram import Distribution, picked
from descant.evaluation.parts_coding import Coding, Piece, code
from descant.evaluation.parts_models import Filler, composers
from descant.scores.parts import VOICES, Grid, Range, from_sounding, keys_within, ranges, transposed
from descant.scores.voice_leading import Rates, count_voice_leading, rates, together
from descant.statistics import Bootstrap, ratio_interval

COMPOSE, FILL = "next token", "fill {}"
ALL, CLEAN = "test", "test, tunes not in training"


@dataclass(frozen=True)
class BaselineRow:
    """One baseline at one task; low and high are bounds of an interval by piece, None where there are too few.

    Attributes:
        task: ``next token``, all voices from the top down; or ``fill VOICE``, the other three given.
        coding: ``events`` or ``merged``: see :mod:`descant.evaluation.parts_coding`; or ``polyphonic``, whose tokens
            :mod:`descant.evaluation.polyphonic_scores` counts.
        baseline: its name.
        material: which test pieces.
        pieces: how many.
        tokens: scored.
        changed_tokens: those with which a note or a rest begins.
        nats_per_token: negative log-likelihood, its own past known.
        nats_per_changed_token: the same of changed tokens alone.
        accuracy: share of the likeliest tokens that are right. Of a filled voice: of sixteenths that sound right, when
            it goes on from its own past.
        changed_accuracy: the same of changed tokens alone; in the coding of events, the token itself must be right.
        note_f1: of polyphonic parts: F1 of the notes that begin, each at its step, voice and pitch.
        duration_error: of polyphonic parts: sixteenths that the durations of those that agree are off, mean.
    """

    task: str
    coding: str
    baseline: str
    material: str
    pieces: int
    tokens: int
    changed_tokens: int
    nats_per_token: float | None
    nats_per_token_low: float | None
    nats_per_token_high: float | None
    nats_per_changed_token: float | None
    nats_per_changed_token_low: float | None
    nats_per_changed_token_high: float | None
    accuracy: float | None
    accuracy_low: float | None
    accuracy_high: float | None
    changed_accuracy: float | None
    changed_accuracy_low: float | None
    changed_accuracy_high: float | None
    note_f1: float | None = None
    note_f1_low: float | None = None
    note_f1_high: float | None = None
    duration_error: float | None = None
    duration_error_low: float | None = None
    duration_error_high: float | None = None


@dataclass(frozen=True)
class VoiceLeadingRow:
    """Rules of voice leading in some pieces: which, how many, and how often."""

    material: str
    pieces: int
    rates: Rates


@dataclass(frozen=True)
class PartsBaselines:
    """What ``baselines.json`` holds.

    Attributes:
        confidence: of the intervals.
        rows: as in ``baselines.csv``.
        voice_leading: of real pieces, and of test pieces with a filled voice.
    """

    confidence: float
    rows: list[BaselineRow]
    voice_leading: list[VoiceLeadingRow]


@dataclass(frozen=True)
class Scored:
    """What one piece adds to a row: sums over its tokens, of all and of changed ones."""

    tokens: int
    changed: int
    nats: float
    nats_changed: float
    right: int
    right_changed: int


def measure_baselines(
    train: Sequence[Grid], test: Mapping[str, Grid], clean: frozenset[str], bootstrap: Bootstrap
) -> PartsBaselines:
    """Learn every baseline from the training pieces, and score it on the test pieces.

    Args:
        train: grids, uint8 ``(steps, voices)``, none of them transposed.
        test: grids by the ids of their tracks.
        clean: test tracks whose tune is in no training piece.
        bootstrap: how intervals are drawn.
    """
    voices = ranges(train)
    moved = in_all_keys(train)
    rows: list[BaselineRow] = []
    leading = [_leading("training", train, voices), _leading(ALL, list(test.values()), voices)]
    for coding in get_args(Coding):
        known, everywhere = ([code("", grid, coding) for grid in grids] for grids in (train, moved))
        asked = [code(name, grid, coding) for name, grid in test.items()]
        for name, learn in composers(known, everywhere).items():
            model = learn()
            scored = {piece.name: score(piece, model(piece)) for piece in asked}
            rows += _rows(COMPOSE, coding, name, scored, clean, bootstrap)
        filler = Filler(everywhere)
        for voice, voice_name in enumerate(VOICES):
            filled = {piece.name: score_fill(piece, voice, filler) for piece in asked}
            scored = {name: one for name, (one, _) in filled.items()}
            rows += _rows(FILL.format(voice_name), coding, "n-gram, transposed", scored, clean, bootstrap)
            grids = [grid for _, grid in filled.values()]
            leading.append(_leading(f"{ALL}, {voice_name} filled, {coding}", grids, voices))
    return PartsBaselines(bootstrap.confidence, rows, leading)


def in_all_keys(grids: Sequence[Grid]) -> list[Grid]:
    """Grids, each as it is and in all other keys in which the voices stay within the ranges that they have in all."""
    voices = ranges(grids)
    return [transposed(grid, shift) for grid in grids for shift in (0, *keys_within(grid, voices))]


def score(piece: Piece, distribution: Distribution) -> Scored:
    """Score all tokens of a piece.

    Args:
        piece: as tokens.
        distribution: of each, ``(steps · voices, classes)``.
    """
    tokens, changed = piece.tokens.reshape(-1), piece.changed.reshape(-1)
    right = distribution.argmax(1) == tokens
    return _scored(changed, picked(distribution, tokens), right, right)


def score_fill(piece: Piece, voice: int, filler: Filler) -> tuple[Scored, Grid]:
    """Score a missing voice, and give the piece with the voice that the filler wrote in its place."""
    written, sounds = filler.fill(piece, voice)
    likelihoods = picked(filler.distribution(piece, voice), piece.tokens[:, voice])
    scored = _scored(
        piece.changed[:, voice], likelihoods, sounds == piece.sounds[:, voice], written == piece.tokens[:, voice]
    )
    whole = piece.sounds.copy()
    whole[:, voice] = sounds
    return scored, from_sounding(whole)


def _scored(
    changed: npt.NDArray[np.bool_],
    likelihoods: npt.NDArray[np.float64],
    right: npt.NDArray[np.bool_],
    right_token: npt.NDArray[np.bool_],
) -> Scored:
    nats = -np.log(likelihoods)
    return Scored(
        tokens=len(nats),
        changed=int(changed.sum()),
        nats=float(nats.sum()),
        nats_changed=float(nats[changed].sum()),
        right=int(right.sum()),
        right_changed=int((right_token & changed).sum()),
    )


def _rows(
    task: str, coding: str, name: str, scored: Mapping[str, Scored], clean: frozenset[str], bootstrap: Bootstrap
) -> Iterator[BaselineRow]:
    """The row of all test pieces, and where some share their tune with training, one of those that do not."""
    yield _row(task, coding, name, ALL, list(scored.values()), bootstrap)
    apart = [one for piece, one in scored.items() if piece in clean]
    if 0 < len(apart) < len(scored):
        yield _row(task, coding, name, CLEAN, apart, bootstrap)


def _row(
    task: str, coding: str, name: str, material: str, scored: Sequence[Scored], bootstrap: Bootstrap
) -> BaselineRow:
    sums = {key: np.array([getattr(one, key) for one in scored], np.float64) for key in Scored.__annotations__}
    shares = {
        "nats_per_token": ("nats", "tokens"),
        "nats_per_changed_token": ("nats_changed", "changed"),
        "accuracy": ("right", "tokens"),
        "changed_accuracy": ("right_changed", "changed"),
    }
    figures: dict[str, float] = {}
    for key, (part, whole) in shares.items():
        found = ratio_interval(sums[part], sums[whole], bootstrap)
        figures |= {key: found.value, f"{key}_low": found.low, f"{key}_high": found.high}  # type: ignore[dict-item]
    return BaselineRow(
        task=task,
        coding=coding,
        baseline=name,
        material=material,
        pieces=len(scored),
        tokens=int(sums["tokens"].sum()),
        changed_tokens=int(sums["changed"].sum()),
        **figures,
    )


def _leading(material: str, grids: Sequence[Grid], voices: Sequence[Range]) -> VoiceLeadingRow:
    return VoiceLeadingRow(material, len(grids), rates(together(count_voice_leading(grid, voices) for grid in grids)))
