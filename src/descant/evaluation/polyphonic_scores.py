"""Polyphonic parts scored: what a network, or counting alone, says of test pieces, as lines of the table of parts.

A token is all that one voice begins at one sixteenth, and a changed token is a note; nats are of the activations, and
those a changed token are all of them, divided by the notes. Scored are all measures but the first ones, of which
nothing is predicted: of what counts, the first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from descant.evaluation.parts_baselines import COMPOSE, FILL, BaselineRow, PartsBaselines
from descant.evaluation.parts_scores import NEXT, Asked, PartsLine, of_materials, share_of
from descant.scores.parts import MEASURE
from descant.scores.polyphony import Roll, part_names
from descant.statistics import Bootstrap

Floats = npt.NDArray[np.float64]
POLYPHONIC = "polyphonic"
# of every place, before any note is counted (Krichevsky & Trofimov 1981)
PRIOR = 0.5


@dataclass(frozen=True)
class PolyphonicSaid:
    """What a network says of the last ``steps`` steps of a piece, all that it predicts.

    Attributes:
        nats: of each voice's activations, all voices given before, ``(steps, voices)``.
        nats_alone: the same, its own past not given.
        following: the likeliest notes of each measure given the true ones before, ``(steps, voices, 128)``.
        filled: each voice from the others, of the same shape.
        divergence: nats of each measure's latents ``(measures,)``.
    """

    nats: Floats
    nats_alone: Floats
    following: Roll
    filled: Roll
    divergence: Floats


@dataclass(frozen=True)
class NoteSums:
    """What one piece adds to a line; None: not scored.

    Attributes:
        tokens: voices' sixteenths.
        changed: notes.
        nats: of the activations.
        agreed: twice the notes that begin both truly and as it is said.
        begun: notes that begin truly, and those that are said.
        off: how many sixteenths the durations of the former are off.
    """

    tokens: int
    changed: int
    nats: float | None = None
    agreed: int | None = None
    begun: int | None = None
    off: int | None = None


SHARES = {
    "nats_per_token": ("nats", "tokens"),
    "nats_per_changed_token": ("nats", "changed"),
    "note_f1": ("agreed", "begun"),
    "duration_error": ("off", "agreed"),
}


def sums_of(true: Roll, said: Roll | None = None, nats: Floats | None = None) -> NoteSums:
    """Count what is said of the notes of a roll ``(steps, voices, 128)``, of the same shape, and its nats."""
    sums = NoteSums(true.shape[0] * true.shape[1], int((true > 0).sum()), None if nats is None else float(nats.sum()))
    if said is None:
        return sums
    both = (true > 0) & (said > 0)
    off = np.abs(true[both].astype(np.int64) - said[both]).sum()
    counted = {"agreed": 2 * int(both.sum()), "begun": sums.changed + int((said > 0).sum()), "off": 2 * int(off)}
    return NoteSums(**(asdict(sums) | counted))


def _figures(sums: Sequence[NoteSums], bootstrap: Bootstrap) -> dict[str, float | None]:
    figures: dict[str, float | None] = dict.fromkeys(
        f"{key}{end}" for key in ("accuracy", "changed_accuracy") for end in ("", "_low", "_high")
    )
    for key, (part, whole) in SHARES.items():
        found = share_of([getattr(one, part) for one in sums], [getattr(one, whole) or 0 for one in sums], bootstrap)
        bounds = (found.value, found.low, found.high) if found else (None, None, None)
        figures |= dict(zip((key, f"{key}_low", f"{key}_high"), bounds, strict=True))
    return figures


def _counts(sums: Sequence[NoteSums]) -> dict[str, int]:
    return {
        "pieces": len(sums),
        "tokens": sum(one.tokens for one in sums),
        "changed_tokens": sum(one.changed for one in sums),
    }


def lines_of(asked: Asked, said: Mapping[str, PolyphonicSaid]) -> list[PartsLine]:
    """The lines of a network.

    Args:
        asked: who, and of which pieces.
        said: what it says of each.
    """
    tasks: dict[str, dict[str, NoteSums]] = {COMPOSE: {}, NEXT: {}}
    for name, one in said.items():
        true = asked.test[name][len(asked.test[name]) - len(one.nats) :]
        tasks[COMPOSE][name] = sums_of(true, nats=one.nats)
        tasks[NEXT][name] = sums_of(true, one.following)
        for voice, part in enumerate(part_names(true.shape[1])):
            own = slice(voice, voice + 1)
            filled = sums_of(true[:, own], one.filled[:, own], one.nats_alone[:, own])
            tasks.setdefault(FILL.format(part), {})[name] = filled
    return [
        PartsLine(
            task,
            asked.model,
            asked.title,
            asked.kind,
            asked.bound,
            material,
            **_counts(chosen),
            **_figures(chosen, asked.bootstrap),  # type: ignore[arg-type]
        )
        for task, sums in tasks.items()
        for material, chosen in of_materials(sums, asked.clean).items()
    ]


def frequencies(train: Sequence[Roll], by_place: bool) -> Floats:
    """How often each pitch of each voice begins, float64 ``(16, voices, 128)``: at each place of a measure, or at any.

    (count + ½) / (all + 1).
    """
    begins = sum((roll > 0).reshape(-1, MEASURE, *roll.shape[1:]).sum(0) for roll in train)
    counts, measures = np.asarray(begins, np.float64), sum(len(roll) for roll in train) // MEASURE
    if by_place:
        return np.asarray((counts + PRIOR) / (measures + 2 * PRIOR))
    share = (counts.sum(0, keepdims=True) + PRIOR) / (MEASURE * measures + 2 * PRIOR)
    return np.broadcast_to(share, counts.shape)


def nats_of(roll: Roll, probabilities: Floats) -> Floats:
    """Nats of each voice's activations ``(steps, voices)`` by probabilities ``(16, voices, 128)``."""
    tiled = np.tile(probabilities, (len(roll) // MEASURE, 1, 1))
    return np.asarray(-np.log(np.where(roll > 0, tiled, 1 - tiled)).sum(-1))


def measure_polyphonic_baselines(
    train: Sequence[Roll], test: Mapping[str, Roll], clean: frozenset[str], bootstrap: Bootstrap
) -> PartsBaselines:
    """Score how often pitches begin, to begin nothing, and to copy the last measure, on all measures but the first.

    Args:
        train: rolls of the training pieces, none of them transposed.
        test: rolls by the ids of their tracks.
        clean: test tracks whose tune is in no training piece.
        bootstrap: how intervals are drawn.
    """
    scored: dict[tuple[str, str], dict[str, NoteSums]] = {}
    counted = {
        "frequencies": frequencies(train, by_place=False),
        "frequencies by place": frequencies(train, by_place=True),
    }
    for track, roll in test.items():
        true = roll[MEASURE:]
        for name, table in counted.items():
            nats = nats_of(true, table)
            scored.setdefault((COMPOSE, name), {})[track] = sums_of(true, nats=nats)
            for voice, part in enumerate(part_names(true.shape[1])):
                own = slice(voice, voice + 1)
                alone = sums_of(true[:, own], nats=nats[:, own])
                scored.setdefault((FILL.format(part), name), {})[track] = alone
        guesses = {"hold": np.zeros_like(true), "last measure": roll[: len(true)]}
        for name, guess in guesses.items():
            scored.setdefault((NEXT, name), {})[track] = sums_of(true, guess)
    rows = [
        BaselineRow(task, POLYPHONIC, name, material, **_counts(chosen), **_figures(chosen, bootstrap))  # type: ignore[arg-type]
        for (task, name), sums in scored.items()
        for material, chosen in of_materials(sums, clean).items()
    ]
    return PartsBaselines(bootstrap.confidence, rows, [])
