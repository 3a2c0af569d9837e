"""Music in four parts from any network of it: pieces that are generated, filled, redone, or harmonised.

An autoregressive network knows how pieces begin and end by the silence around them in training, so it is given a
measure of silence on either side. An RMVAE says the likeliest tokens, with which it goes on from silence too; what is
given ends before it has anything to say of the first measures.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from descant.config.compose import Compose
from descant.errors import SamplingError
from descant.sampling.engine import DrawSettings
from descant.sampling.particles import Particles, fill_parts
from descant.sampling.parts import LogitMask, redraw_parts
from descant.sampling.rests import NoRests, may_rest
from descant.sampling.rmvae import fill as fill_measures
from descant.sampling.rmvae import go_on
from descant.sampling.voice_leading import VoiceLeadingRules
from descant.scores.parts import (
    MEASURE,
    PITCHES,
    VOICES,
    Grid,
    Range,
    framed,
    silence,
    transposed,
    unframed,
)
from descant.seeds import derive_seed
from descant.systems.autoregressive_parts import AutoregressivePartsSystem
from descant.systems.rmvae import RMVAESystem

Composer = AutoregressivePartsSystem | RMVAESystem


@dataclass(frozen=True)
class Composing:
    """How music is written.

    Attributes:
        seed: of all draws.
        settings: temperature and nucleus; an RMVAE takes the likeliest.
        rules: added to the logits, and with them no voice rests within a piece; None for none.
        sweeps: of blocked Gibbs sampling after what is drawn.
        particles: drafts that compete.
    """

    seed: int
    settings: DrawSettings = field(default_factory=DrawSettings)
    rules: LogitMask | None = None
    sweeps: int = 0
    particles: int = 32


def generate(system: Composer, measures: int, count: int, how: Composing, beginning: Grid | None = None) -> list[Grid]:
    """Write pieces that begin as a given one, or from nothing.

    Args:
        system: ready for evaluation.
        measures: of a piece, those of the beginning among them.
        count: how many pieces; an RMVAE writes the same one every time.
        how: to draw.
        beginning: uint8 ``(steps, voices)``, fewer whole measures.

    Returns:
        Grids uint8 ``(16 * measures, voices)``.
    """
    begun = silence(0, system.voices) if beginning is None else beginning
    if isinstance(system, RMVAESystem):
        # it needs as many measures before the first one as it looks ahead
        first = np.concatenate([silence(system.settings.offset * MEASURE, system.voices), begun])
        longer = go_on(system, _tokens(system, first)[None], measures - len(begun) // MEASURE)
        return [_grid(longer)[system.settings.offset * MEASURE :]] * count
    whole = np.concatenate([begun, silence(measures * MEASURE - len(begun), system.voices)])
    is_given = np.zeros(whole.shape, bool)
    is_given[: len(begun)] = True
    return _drawn(system, whole, is_given, count, how)


def fill(system: Composer, grid: Grid, voices: Sequence[int], count: int, how: Composing) -> list[Grid]:
    """Write voices of a piece anew, each time another answer; the others stay.

    Args:
        system: ready for evaluation.
        grid: uint8 ``(steps, voices)``, whole measures; what stands in the voices that are written is not looked at.
        voices: numbers of those that are written.
        count: how many answers; an RMVAE gives the same one every time.
        how: to draw.
    """
    if isinstance(system, RMVAESystem):
        return [_grid(fill_measures(system, _tokens(system, grid)[None], voices))] * count
    is_given = np.ones(grid.shape, bool)
    is_given[:, list(voices)] = False
    return _drawn(system, grid, is_given, count, how)


def redo(system: Composer, grid: Grid, order: Sequence[int], how: Composing) -> list[Grid]:
    """Write all voices of a piece anew, one after another, each from the others as they have become.

    Returns:
        The piece after each voice, in that order.
    """
    steps = []
    for turn, voice in enumerate(order):
        (grid,) = fill(system, grid, [voice], 1, replace(how, seed=derive_seed(how.seed, "voice", turn)))
        steps.append(grid)
    return steps


@dataclass(frozen=True)
class Answer:
    """A piece that a task gave.

    Attributes:
        name: of its files; numbers from 1 on, or ``given``.
        title: which one of them.
        grid: uint8 ``(steps, 4)``.
        written: the voices that the network wrote.
    """

    name: str
    title: str
    grid: Grid
    written: tuple[str, ...]


def carry_out(system: Composer, asked: Compose, given: Grid | None, voices: Sequence[Range], seed: int) -> list[Answer]:
    """Carry out a task.

    What is given is transposed into the voices' ranges, and what is written goes back.

    Args:
        system: ready for evaluation, of four voices.
        asked: the task.
        given: its score, uint8 ``(steps, parts)``; None where it has none.
        voices: the range of each voice of what the network learnt.
        seed: of the draws.

    Raises:
        SamplingError: when the network has other voices, or the score is too short for its beginning.
    """
    if system.voices != len(VOICES):
        raise SamplingError(f"the network writes {system.voices} voices, not {len(VOICES)}", "give another one")
    rules = VoiceLeadingRules(tuple(voices)) if asked.rules else None
    how = Composing(seed, DrawSettings(asked.temperature, asked.top_p), rules, asked.sweeps, asked.particles)
    if given is None:
        return _numbered(generate(system, asked.measures, asked.count, how), VOICES)
    named = _named(asked, given.shape[1])
    whole = silence(len(given))
    whole[:, named] = given
    steps = asked.beginning * MEASURE if asked.task == "generate" else len(given)
    if len(given) < steps:
        raise SamplingError(
            f"compose.beginning is {asked.beginning}, but the score has {len(given) // MEASURE} measures", "lower it"
        )
    stays = [voice for voice in named if asked.task != "fill" or VOICES[voice] not in asked.voices]
    kept = silence(len(given))
    kept[:steps, stays] = whole[:steps, stays]
    shift = into_ranges(kept[:, stays], [voices[voice] for voice in stays])
    answers = _answers(system, asked, transposed(kept, shift), stays, steps, how)
    answers = [replace(one, grid=transposed(one.grid, -shift)) for one in answers]
    return answers if asked.task == "generate" else [Answer("given", "As given", whole, ()), *answers]


def _named(asked: Compose, parts: int) -> list[int]:
    """The voices that the parts of a score are."""
    names = asked.voices if asked.task == "harmonise" else ()
    if names and len(names) != parts:
        raise SamplingError(
            f"the score has {parts} parts, but compose.voices names {len(names)}", "name a voice for each part"
        )
    return [VOICES.index(name) for name in names] or list(range(parts))


def _answers(
    system: Composer, asked: Compose, kept: Grid, stays: Sequence[int], steps: int, how: Composing
) -> list[Answer]:
    """The answers to a task, from the voices that stay and the steps that do."""
    if asked.task == "generate":
        return _numbered(generate(system, asked.measures, asked.count, how, kept[:steps]), VOICES)
    if asked.task == "redo":
        order = range(len(VOICES))
        return [
            Answer(str(voice + 1), f"The {VOICES[voice]} redone", piece, VOICES[: voice + 1])
            for voice, piece in zip(order, redo(system, kept, order, how), strict=True)
        ]
    missing = [voice for voice in range(len(VOICES)) if voice not in stays]
    return _numbered(fill(system, kept, missing, asked.count, how), [VOICES[voice] for voice in missing])


def _numbered(grids: Sequence[Grid], written: Sequence[str]) -> list[Answer]:
    return [Answer(str(number), f"Answer {number}", grid, tuple(written)) for number, grid in enumerate(grids, 1)]


def into_ranges(grid: Grid, voices: Sequence[Range]) -> int:
    """By how many semitones a grid is best transposed, so that its parts stay within their ranges.

    As little as can be: of all ways that leave the fewest notes outside, the smallest.
    """
    own = [column[column < PITCHES].astype(np.int64) for column in grid.T]
    shifts = sorted(range(-24, 25), key=abs)

    def outside(shift: int) -> int:
        moved = [(notes + shift, one) for notes, one in zip(own, voices, strict=True)]
        lost = sum(int(((notes < 0) | (notes >= PITCHES)).sum()) for notes, _ in moved) * len(grid)
        return lost + sum(int(((notes < one.low) | (notes > one.high)).sum()) for notes, one in moved)

    return min(shifts, key=outside)


def _drawn(
    system: AutoregressivePartsSystem, grid: Grid, is_given: npt.NDArray[np.bool_], count: int, how: Composing
) -> list[Grid]:
    """Draw what is not given of a piece, between two silences: the drafts go on that end where the last one begins."""
    tokens = _tokens(system, framed(grid))
    fixed = torch.from_numpy(np.pad(is_given, ((MEASURE, MEASURE), (0, 0)), constant_values=True)).to(tokens.device)
    rules = how.rules
    if rules is not None:
        rules = NoRests(np.pad(may_rest(grid, is_given), MEASURE, constant_values=True), rules)
    pieces = []
    for number in range(count):
        seed = derive_seed(how.seed, "piece", number)
        drawn = fill_parts(system, tokens, fixed, Particles(how.particles, seed, how.settings, rules))[None]
        seed = derive_seed(seed, "sweeps")
        pieces.append(redraw_parts(system, drawn, fixed[None], how.sweeps, seed, how.settings, rules))
    return [unframed(_grid(piece)) for piece in pieces]


def _tokens(system: Composer, grid: Grid) -> Tensor:
    """A grid where the system's weights are."""
    return torch.from_numpy(grid.astype(np.int64)).to(next(system.parameters()).device)


def _grid(tokens: Tensor) -> Grid:
    """The grid of a batch of one."""
    return tokens[0].cpu().numpy().astype(np.uint8)
