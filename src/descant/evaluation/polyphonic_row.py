"""All that is measured of one network of polyphonic parts: its lines, what it draws, and what the music losses say."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from tqdm import tqdm

from descant.config.evaluation import PartsTable
from descant.evaluation.parts_drawings import DURATION, PITCH, Values, distances
from descant.evaluation.parts_row import intervals_of, losses_of
from descant.evaluation.parts_scores import Asked, share_of
from descant.evaluation.parts_table import DRAWN, REAL, Drawing, PartsFigures
from descant.evaluation.polyphonic_said import said_by
from descant.evaluation.polyphonic_scores import PolyphonicSaid, lines_of
from descant.sampling.rmvae import CONTEXT, fill, go_on
from descant.scores.parts import MEASURE
from descant.scores.polyphony import Roll, decode
from descant.seeds import derive_seed
from descant.systems.polyphonic_rmvae import PolyphonicRMVAESystem

AT_ONCE = "notes at once"


def features(roll: Roll) -> dict[str, list[Values]]:
    """What is counted in a piece, by feature, an array a voice.

    Args:
        roll: uint8 ``(steps, voices, 128)``.

    Returns:
        ``pitch`` of each note, MIDI; its ``duration``, sixteenths; ``notes at once``: how many begin together.
    """
    notes, begun = decode(roll), (roll > 0).sum(-1).astype(np.int64)
    return {
        PITCH: [np.array([note.pitch for note in voice], np.int64) for voice in notes],
        DURATION: [np.array([note.end - note.onset for note in voice], np.int64) for voice in notes],
        AT_ONCE: [voice[voice > 0] for voice in begun.T],
    }


def pooled(rolls: Iterable[Roll]) -> dict[str, list[Values]]:
    """The same of several pieces together, of one at the least."""
    found = [features(roll) for roll in rolls]
    return {
        key: [np.concatenate(voice) for voice in zip(*(one[key] for one in found), strict=True)] for key in found[0]
    }


def goes_on_from(system: PolyphonicRMVAESystem, rolls: Sequence[Roll], measures: int) -> list[Roll]:
    """What a network appends to the first measures of pieces, eight at the most.

    Args:
        system: ready for evaluation.
        rolls: uint8 ``(steps, voices, 128)``, whole measures.
        measures: how many.

    Returns:
        Rolls of what is appended, uint8 ``(16 * measures, voices, 128)``.
    """
    found = []
    for roll in rolls:
        begun = _tokens(system, roll[: CONTEXT * MEASURE])
        # it needs as many measures before the first one as it looks ahead
        rests = system.silence(system.settings.offset * MEASURE).to(begun.device)[None]
        found.append(_roll(go_on(system, torch.cat([rests, begun], 1), measures))[-measures * MEASURE :])
    return found


def filled_from(system: PolyphonicRMVAESystem, roll: Roll, voice: int) -> Roll:
    """A piece in which one voice is written anew from the others; in its first measures it rests."""
    return _roll(fill(system, _tokens(system, roll), [voice]))


def _tokens(system: PolyphonicRMVAESystem, roll: Roll) -> torch.Tensor:
    return torch.from_numpy(roll.astype("int64"))[None].to(next(system.parameters()).device)


def _roll(tokens: torch.Tensor) -> Roll:
    return tokens[0].cpu().numpy().astype(np.uint8)


def music_of(said: PolyphonicSaid, roll: Roll) -> tuple[dict[str, float], dict[str, float], int]:
    """The losses that know of music: see :func:`descant.evaluation.parts_row.losses_of`."""
    true = roll[len(roll) - len(said.following) :]
    begins = [torch.from_numpy((one > 0).astype("float32")) for one in (said.following, true)]
    return losses_of(*(one.view(-1, MEASURE, *one.shape[1:]) for one in begins))


def _drawing(material: str, rolls: Sequence[Roll], train: Mapping[str, Sequence[Values]]) -> Drawing:
    measures = sum(len(roll) for roll in rolls) // MEASURE
    return Drawing(material, len(rolls), measures, None, distances(pooled(rolls), train))


def measure_polyphonic_row(
    asked: Asked, system: PolyphonicRMVAESystem, train: Sequence[Roll], settings: PartsTable, seed: int
) -> PartsFigures:
    """Score a network on the test pieces, and let it go on from them.

    Args:
        asked: who, and of which pieces.
        system: ready for evaluation.
        train: rolls of the training pieces, none of them transposed.
        settings: how much is measured.
        seed: of draws.
    """
    said = {
        name: said_by(system, roll, settings.bound_draws, derive_seed(seed, "parts", name))
        for name, roll in tqdm(asked.test.items(), disable=None, unit="piece")
    }
    music, real, measures = zip(*(music_of(one, asked.test[name]) for name, one in said.items()), strict=True)
    latents, test, known = [one.divergence for one in said.values()], list(asked.test.values()), pooled(train)
    drawn = goes_on_from(system, test[: settings.pieces], settings.measures)
    return PartsFigures(
        model=asked.model,
        title=asked.title,
        kind=asked.kind,
        bound=asked.bound,
        lines=lines_of(asked, said),
        sets={},
        kl=share_of([float(one.sum()) for one in latents], [len(one) for one in latents], asked.bootstrap),
        music=intervals_of(music, measures, asked.bootstrap),
        bach=intervals_of(real, measures, asked.bootstrap),
        drawings=[_drawing(material, rolls, known) for material, rolls in ((REAL, test), (DRAWN, drawn))],
    )
