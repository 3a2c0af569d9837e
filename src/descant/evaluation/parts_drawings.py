"""Pieces in parts that networks draw: how often they break rules, and how their histograms differ from real ones."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import wasserstein_distance

from descant.config.evaluation import PartsTable
from descant.evaluation.parts_table import DRAWN, MASKED, REAL, Drawing
from descant.sampling.composing import Composer, Composing, generate
from descant.sampling.rmvae import CONTEXT
from descant.sampling.voice_leading import VoiceLeadingRules
from descant.scores.parts import HELD, MEASURE, PITCHES, REST, SILENCE, VOICES, Grid, Range, decode, ranges, sounding
from descant.scores.voice_leading import count_voice_leading, rates, together
from descant.systems.rmvae import RMVAESystem

Values = npt.NDArray[np.int64]
PITCH, DURATION, MELODIC, HARMONIC = "pitch", "duration", "melodic interval", "harmonic interval"


def features(grid: Grid) -> dict[str, list[Values]]:
    """What is counted in a piece, by feature, an array a voice; of harmonic intervals one a pair of neighbours.

    Args:
        grid: uint8 ``(steps, voices)``.

    Returns:
        ``pitch`` of each note, MIDI; its ``duration``, sixteenths; ``melodic interval``: semitones from one note of a
        voice to its next; ``harmonic interval``: semitones from a voice down to the next lower one, each sixteenth at
        which both sound.
    """
    notes = decode(grid)
    pitches = [np.array([note.pitch for note in voice], np.int64) for voice in notes]
    sounds = sounding(grid).astype(np.int64)
    pairs = [(sounds[:, voice], sounds[:, voice + 1]) for voice in range(grid.shape[1] - 1)]
    return {
        PITCH: pitches,
        DURATION: [np.array([note.end - note.onset for note in voice], np.int64) for voice in notes],
        MELODIC: [np.diff(voice) for voice in pitches],
        HARMONIC: [(upper - lower)[(upper != SILENCE) & (lower != SILENCE)] for upper, lower in pairs],
    }


def pooled(grids: Iterable[Grid]) -> dict[str, list[Values]]:
    """The same of several pieces together."""
    found = [features(grid) for grid in grids]
    return {
        key: [np.concatenate(of_voice) for of_voice in zip(*(one[key] for one in found), strict=True)]
        for key in (found[0] if found else {})
    }


def distances(of: Mapping[str, Sequence[Values]], to: Mapping[str, Sequence[Values]]) -> dict[str, list[float | None]]:
    """Wasserstein-1 distances of histograms, each in the unit of its feature; None where one is empty."""

    def distance(one: Values, other: Values) -> float | None:
        if not len(one) or not len(other):
            return None
        (seen, often), (known, as_often) = (np.unique(values, return_counts=True) for values in (one, other))
        return float(wasserstein_distance(seen, known, often, as_often))

    return {key: [distance(*pair) for pair in zip(of[key], to[key], strict=True)] for key in of}


def begun_at(grid: Grid, step: int) -> Grid:
    """A grid from a step on, in which what sounds there is struck."""
    rest = grid[step:].copy()
    if len(rest):
        now = sounding(grid)[step]
        rest[0] = np.where(rest[0] == HELD, np.where(now < PITCHES, now, REST), rest[0])
    return rest


def goes_on_from(system: RMVAESystem, grids: Sequence[Grid], measures: int) -> list[Grid]:
    """What an RMVAE appends to the first measures of pieces, eight at the most.

    Args:
        system: ready for evaluation.
        grids: uint8 ``(steps, voices)``, whole measures.
        measures: how many.

    Returns:
        Grids of what is appended, uint8 ``(16 * measures, voices)``.
    """
    found = []
    for grid in grids:
        begun = grid[: CONTEXT * MEASURE]
        # its tokens are the likeliest, whatever the seed
        (whole,) = generate(system, len(begun) // MEASURE + measures, 1, Composing(0), begun)
        found.append(begun_at(whole, len(begun)))
    return found


def drawing(
    material: str, grids: Sequence[Grid], voices: Sequence[Range], train: Mapping[str, Sequence[Values]]
) -> Drawing:
    """Rules and histograms of some pieces.

    Args:
        material: what they are.
        grids: uint8 ``(steps, voices)``.
        voices: the range of each.
        train: what is counted in the training pieces.
    """
    counted = together(count_voice_leading(grid, voices) for grid in grids)
    measures = sum(len(grid) for grid in grids) // MEASURE
    return Drawing(material, len(grids), measures, rates(counted), distances(pooled(grids), train))


def to_be_heard(
    system: Composer, train: Sequence[Grid], test: Sequence[Grid], settings: PartsTable, seed: int
) -> list[Grid]:
    """Pieces that a network draws as well as it can: by the rules of voice leading, the best of several drafts.

    Args:
        system: ready for evaluation.
        train: grids of the training pieces, whose voices' ranges are kept.
        test: grids of the test pieces, with which an RMVAE goes on.
        settings: how much is drawn.
        seed: of the draws.

    Returns:
        Grids uint8 ``(16 * measures, voices)``; an RMVAE draws one a test piece at most, what was given left out.
    """
    if isinstance(system, RMVAESystem):
        return goes_on_from(system, test[: settings.pieces], settings.measures)
    rules = VoiceLeadingRules(ranges(train, len(VOICES)))
    return generate(system, settings.measures, settings.pieces, Composing(seed, rules=rules))


def all_drawings(
    system: Composer,
    train: Sequence[Grid],
    test: Sequence[Grid],
    settings: PartsTable,
    seed: int,
) -> list[Drawing]:
    """The test pieces, and what a network draws; one that draws token by token also by the rules of voice leading.

    Args:
        system: ready for evaluation.
        train: grids of the training pieces, none of them transposed.
        test: grids of the test pieces.
        settings: how much is drawn.
        seed: of the draws.
    """
    voices, known = ranges(train, len(VOICES)), pooled(train)
    if isinstance(system, RMVAESystem):
        drawn = {DRAWN: to_be_heard(system, train, test, settings, seed)}
    else:
        asked = {DRAWN: None, MASKED: VoiceLeadingRules(voices)}
        drawn = {
            material: generate(system, settings.measures, settings.pieces, Composing(seed, rules=mask, particles=1))
            for material, mask in asked.items()
        }
    return [drawing(material, grids, voices, known) for material, grids in ({REAL: test} | drawn).items() if grids]
