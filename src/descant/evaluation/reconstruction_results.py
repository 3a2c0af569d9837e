"""What the reconstructions and the codes of a run are worth: figures with intervals, and what is missing."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, Field

from descant.audio.files import Block
from descant.config.evaluation import Evaluation
from descant.config.evaluation import Reconstruction as Settings
from descant.corpus.outputs import whole_file
from descant.evaluation.code_usage import Usage, Worth, count_codes, measure_worth
from descant.evaluation.reconstruction import (
    MULAW,
    Stretch,
    choose_stretches,
    measure_renderings,
    read_draws,
    read_originals,
)
from descant.evaluation.table import read_bits
from descant.evaluation.vocoded import read_vocoded
from descant.formatting import count
from descant.recordings import open_recordings
from descant.results import Computation, Given, Summary, write_json
from descant.sequences import PackedSequence, open_sequence
from descant.statistics import FEWEST_TRACKS, Bootstrap, Interval, mean_interval

FIGURES = ("snr_db", "lsd_db", "convergence_db", "added_lsd_db", "draws_snr_db", "draws_lsd_db")
CODE_COLUMNS = (
    "stack", "hop", "quantisers", "classes", "codes", "used_share", "perplexity", "perplexity_low", "perplexity_high",
    "bits_true", "bits_shuffled", "gap", "gap_low", "gap_high", "tracks",
)  # fmt: skip


class Drawn(BaseModel):
    """What was drawn of a stack's codes."""

    stack: str
    drawn: Path


class Scored(Drawn):
    """And what it stands upon, its packed codes, and the bits of what is below with the true and with shuffled codes.

    Attributes:
        below: another stack; None where it stands on the audio.
        codes: data of its packed codes.
        true: bits with the true codes.
        shuffled: bits with shuffled ones.
    """

    below: str | None
    codes: Path
    true: Path
    shuffled: Path


class Decoded(BaseModel):
    """What a feed-forward decoder made of its codes.

    Attributes:
        level: its name.
        sound: folder of the excerpts' audio.
        codes: data of the packed codes.
    """

    level: str
    sound: Path
    codes: Path


class Excerpts(Given):
    """Which excerpts, and where they are.

    Attributes:
        reconstruction: how many, how long.
        audio: data of the packed audio.
        recordings: data of the packed waveform.
    """

    reconstruction: Settings
    audio: Path
    recordings: Path


class ReconstructionGiven(Excerpts):
    """What the figures are made from: excerpts, stacks, levels, and how intervals are drawn (``evaluation``)."""

    evaluation: Evaluation
    seed: int
    stacks: list[Scored]
    decoded: list[Decoded] = Field(default_factory=list)


class StackFigures(BaseModel):
    """The figures of a stack, or of a feed-forward decoder, on the front page; None where not measured."""

    snr_db: float | None
    lsd_db: float | None
    convergence_db: float | None = None
    codes_used_share: float | None
    gap_bits: float | None


class ReconstructionSummary(Summary):
    """What the front page shows."""

    stacks: dict[str, StackFigures]
    mulaw: dict[str, float | None]


@dataclass(frozen=True)
class StackCodes(Usage):
    """How a stack's codes are used, and what they are worth.

    Attributes:
        hop: audio samples to one place.
        quantisers: codes at one place.
        draws: whether the decoder draws; the codes of one that does not are worth nothing that can be counted in bits.
        worth: None where not measured.
    """

    hop: int = 1
    quantisers: int = 1
    draws: bool = True
    worth: Worth | None = None

    def bits_per_second(self, sample_rate: int) -> float:
        """What the codes take, were all equally likely."""
        return self.quantisers * math.log2(len(self.counts) / self.quantisers) * sample_rate / self.hop


@dataclass(frozen=True)
class Measured:
    """All that was measured, in ``measured.json``.

    Attributes:
        confidence: level of the intervals.
        intervals: by rendering, then by column of the excerpts; None where there is no figure.
        codes: by stack.
        missing: what was not measured, and why.
    """

    confidence: float
    intervals: Mapping[str, Mapping[str, Interval | None]]
    codes: Mapping[str, StackCodes]
    missing: Sequence[str]


@dataclass(frozen=True)
class Material:
    """Excerpts of test tracks: as they were, and through mu-law."""

    audio: PackedSequence
    stretches: Sequence[Stretch]
    originals: Sequence[Block]
    companded: Sequence[npt.NDArray[np.uint8]]


def read_material(given: Excerpts, wanted: bool) -> Material:
    """Read the excerpts; none where they are not wanted.

    Raises:
        SequenceError: when the audio or the recordings cannot be read, or are not of the same tracks.
    """
    audio = open_sequence(given.audio.parent)
    stretches = choose_stretches(audio, given.reconstruction) if wanted else []
    originals = read_originals(stretches, open_recordings(given.recordings.parent))
    companded = [np.asarray(audio.steps(one.track)[one.start : one.start + one.length]) for one in stretches]
    return Material(audio, stretches, originals, companded)


def gather(excerpts: pd.DataFrame, codes: Mapping[str, StackCodes], settings: Evaluation, seed: int) -> Measured:
    """Put intervals to the figures, and name what is missing.

    Args:
        excerpts: of :func:`descant.evaluation.reconstruction.measure_renderings`; empty when no track is long enough.
        codes: by stack.
        settings: the intervals', and how long the excerpts were to be.
        seed: of the bootstraps.
    """
    bootstrap = Bootstrap(settings.bootstrap_draws, settings.confidence, seed)
    intervals = {
        str(rendering): {column: mean_interval(rows[column].to_numpy(np.float64), bootstrap) for column in FIGURES}
        for rendering, rows in excerpts.groupby("rendering", sort=False)
    }
    missing = []
    if not codes:
        missing.append("no model has codes, so there is nothing to reconstruct")
    elif not len(excerpts):
        missing.append(f"no test track is as long as an excerpt, {settings.reconstruction.seconds:g} s")
    else:
        long_enough = excerpts["track"].nunique()
        if long_enough < FEWEST_TRACKS:
            tracks = f"{count(long_enough, 'test track')} long enough"
            missing.append(f"intervals of the reconstructions: {tracks}, {FEWEST_TRACKS} needed")
    for stack, held in codes.items():
        if not held.total:
            missing.append(f"codes of {stack}: the test split has none")
        elif held.worth is None and held.draws:
            missing.append(f"gap of {stack}: no step was scored")
        elif held.worth is not None and held.worth.gap.low is None:
            tracks = count(held.worth.tracks, "test track")
            missing.append(f"interval of {stack}'s gap: {tracks}, {FEWEST_TRACKS} needed")
    return Measured(settings.confidence, intervals, codes, [f"not reported: {reason}" for reason in missing])


def summarise(measured: Measured) -> ReconstructionSummary:
    """The summary for the front page; what was not measured is None."""
    stacks = {}
    for stack, held in measured.codes.items():
        figures = measured.intervals.get(stack, {})
        stacks[stack] = StackFigures(
            snr_db=_value(figures.get("snr_db")),
            lsd_db=_value(figures.get("lsd_db")),
            convergence_db=_value(figures.get("convergence_db")),
            codes_used_share=held.used_share,
            gap_bits=None if held.worth is None else held.worth.gap.value,
        )
    floor = measured.intervals.get(MULAW, {})
    mulaw = {name: _value(floor.get(name)) for name in ("snr_db", "lsd_db", "convergence_db")}
    return ReconstructionSummary(stacks=stacks, mulaw=mulaw, missing=list(measured.missing))


def _value(interval: Interval | None) -> float | None:
    return None if interval is None else interval.value


def codes_table(codes: Mapping[str, StackCodes]) -> pd.DataFrame:
    """A row a stack: how its codes are used, and what they are worth; what was not measured is absent."""
    rows = []
    for stack, held in codes.items():
        used = held.used_share, held.perplexity, held.low, held.high
        worth: tuple[float | None, ...] = (None,) * 6
        if held.worth is not None:
            gap = held.worth.gap
            worth = held.worth.true, held.worth.shuffled, gap.value, gap.low, gap.high, held.worth.tracks
        form = held.hop, held.quantisers, len(held.counts) // held.quantisers
        rows.append((stack, *form, held.total, *used, *worth))
    return pd.DataFrame(rows, columns=list(CODE_COLUMNS))


def measure(given: ReconstructionGiven, folder: Path) -> None:
    """Write ``excerpts.csv``, ``codes.csv``, ``measured.json`` and ``summary.json``."""
    evaluation, material = given.evaluation, read_material(given, bool(given.stacks or given.decoded))
    bootstrap = Bootstrap(evaluation.bootstrap_draws, evaluation.confidence, given.seed)
    codes, draws = {}, {}
    for stack in given.stacks:
        packed = open_sequence(stack.codes.parent)
        usage = vars(count_codes(packed, evaluation.confidence))
        worth = measure_worth(read_bits(stack.true), read_bits(stack.shuffled), bootstrap)
        codes[stack.stack] = StackCodes(**usage, hop=packed.hop, worth=worth)
        draws[stack.stack] = read_draws(stack.drawn, material.stretches)
    for one in given.decoded:
        packed = open_sequence(one.codes.parent)
        usage = vars(count_codes(packed, evaluation.confidence))
        codes[one.level] = StackCodes(**usage, hop=packed.hop, quantisers=max(1, packed.channels), draws=False)
    decoded = {one.level: read_vocoded(one.sound, material.stretches) for one in given.decoded}
    below = {stack.stack: stack.below for stack in given.stacks}
    rows = measure_renderings(
        material.stretches,
        material.originals,
        material.companded,
        draws,
        below,
        decoded,
        material.audio.sample_rate,
        given.seed,
    )
    measured = gather(rows, codes, evaluation, given.seed)
    for name, table in {"excerpts.csv": rows, "codes.csv": codes_table(codes)}.items():
        with whole_file(folder / name) as temporary:
            table.to_csv(temporary, index=False)
    write_json(folder / "measured.json", measured)
    write_json(folder / "summary.json", summarise(measured))


COMPUTATION = Computation(ReconstructionGiven, measure)
