"""Real, shuffled and drawn music beside one another, and which measures separate music from shuffled music.

A measure is kept when it separates real excerpts from the same excerpts shuffled, in two ways: the bootstrap interval
over tracks of the paired difference does not hold 0, and of any real and any shuffled excerpt the real one is on that
side in at least 7 of 10 pairs (the AUC; 7 is ours), since with many excerpts a difference too small to be of use would
do for the first. One that is not kept says nothing of order at this length, and is dropped from the report; its figures
stay in the tables. Level is exempt: shuffling leaves it as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from descant.config.evaluation import Evaluation
from descant.evaluation.structure.conditions import DRAWN, NOISE, REAL, SHUFFLED
from descant.evaluation.structure.files import CURVES_FILE, PLACE, read_csv, read_measures, write_csv
from descant.evaluation.structure.measures import LEVEL, MEASURES, NOTES, STRUCTURE, of_kind
from descant.results import Computation, Given, ModelRow, Rows, Summary, write_json
from descant.statistics import FEWEST_TRACKS, Bootstrap, ratio_interval

SOURCE_COLUMNS = ("source", "measure", "value", "low", "high", "excerpts", "groups", "undefined")
SEPARATION_COLUMNS = ("measure", "difference", "low", "high", "auc", "excerpts", "tracks", "verdict")
SEPARATING_AUC = 0.7
KEPT, DROPPED, UNDECIDED, UNDEFINED = "kept", "dropped", "undecided", "undefined"


REFERENCES = {REAL: "Held-out real music", SHUFFLED: "The same, shuffled", NOISE: "White noise"}
Figures = dict[str, float | None]


class Folders(Given):
    """What ``measure_structure`` and ``transcribe`` wrote of the same excerpts."""

    structure: Path
    transcription: Path


class Drawn(ModelRow, Folders):
    """What they wrote of a model's drawn audio."""


class StructureGiven(Given):
    """What the comparison is made from: excerpts of real music and of what each model drew, of so many seconds."""

    evaluation: Evaluation
    seed: int
    seconds: float
    real: Folders
    rows: Rows[Drawn]


class StructureSummary(Summary):
    """What other pages use of the comparison.

    Attributes:
        seconds: length of an excerpt.
        confidence: level of the intervals.
        kept: measures that separate real music from shuffled.
        dropped: those that do not.
        undecided: those that too few tracks leave open.
        level: measures of level, which are not asked to.
        models: each measure of each model.
        real: each measure of real music.
        shuffled: of the same shuffled.
        noise: of white noise.
    """

    seconds: float
    confidence: float
    kept: list[str]
    dropped: list[str]
    undecided: list[str]
    level: list[str]
    models: dict[str, Figures]
    real: Figures
    shuffled: Figures
    noise: Figures


@dataclass(frozen=True)
class Source:
    """What is compared: held-out real music, the same degraded, or a model's drawn audio.

    Attributes:
        name: ``real``, ``shuffled``, ``noise``, or a model's name after ``drawn:``.
        title: for people.
        measures: a row an excerpt.
        curves: similarity by lag of each group.
    """

    name: str
    title: str
    measures: pd.DataFrame
    curves: pd.DataFrame


def read_sources(given: StructureGiven) -> list[Source]:
    """Real music, the same shuffled and white noise, then every model's drawn audio.

    Raises:
        ResultError: when a file is missing or torn, or two folders are of different excerpts.
    """

    def read(folders: Folders) -> tuple[pd.DataFrame, pd.DataFrame]:
        return read_measures(folders.structure, folders.transcription), read_csv(folders.structure / CURVES_FILE)

    real = read(given.real)
    degraded = {name: [table[table["condition"] == name] for table in real] for name in REFERENCES}
    return [
        *(Source(name, title, *degraded[name]) for name, title in REFERENCES.items()),
        *(Source(f"{DRAWN}:{row.model}", row.title, *read(row)) for row in given.rows),
    ]


def _sums(values: pd.Series, groups: pd.Series) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Sum and number of the defined values of each group."""
    by_group = values.dropna().groupby(groups.loc[values.dropna().index], sort=True)
    return np.asarray(by_group.sum(), dtype=np.float64), np.asarray(by_group.size(), dtype=np.int64)


def summarise(sources: Sequence[Source], settings: Evaluation, seed: int) -> pd.DataFrame:
    """Mean of every measure over every source's excerpts, with a bootstrap over tracks or drawn sequences.

    Returns:
        A row a source and measure; without an interval under five groups, without a value where it is not defined.
    """
    rows = []
    for source in sources:
        for column in [name for name in source.measures.columns if name not in PLACE]:
            values = source.measures[column].astype(float)
            sums, counts = _sums(values, source.measures["group"])
            value, low, high = _interval(sums, counts, settings, seed)
            undefined = int(values.isna().sum())
            rows.append((source.name, column, value, low, high, int(counts.sum()), len(counts), undefined))
    return pd.DataFrame(rows, columns=list(SOURCE_COLUMNS))


def _interval(
    sums: npt.NDArray[np.float64], counts: npt.NDArray[np.int64], settings: Evaluation, seed: int
) -> tuple[float | None, float | None, float | None]:
    if not len(counts):
        return None, None, None
    found = ratio_interval(sums, counts, Bootstrap(settings.bootstrap_draws, settings.confidence, seed))
    return found.value, found.low, found.high


def separate(real: pd.DataFrame, other: pd.DataFrame, settings: Evaluation, seed: int) -> pd.DataFrame:
    """Whether each measure separates real excerpts from the same ones shuffled.

    Args:
        real: a row an excerpt.
        other: the same excerpts shuffled.
        settings: draws and level of the intervals.
        seed: of the draws.

    Returns:
        A row a measure: mean paired difference, interval, AUC (how often a real excerpt is above a shuffled one), and
        the verdict.
    """
    place = ["group", "start"]
    pairs = real.merge(other, on=place, suffixes=("", " shuffled"), validate="one_to_one")
    rows = []
    for measure in of_kind(STRUCTURE, NOTES):
        first, second = (pairs[measure.name + suffix].astype(float) for suffix in ("", " shuffled"))
        sums, counts = _sums(first - second, pairs["group"])
        value, low, high = _interval(sums, counts, settings, seed)
        area = auc(*(np.asarray(values.dropna(), dtype=np.float64) for values in (first, second)))
        verdict = _verdict(value, low, high, area)
        rows.append((measure.name, value, low, high, area, int(counts.sum()), len(counts), verdict))
    return pd.DataFrame(rows, columns=list(SEPARATION_COLUMNS))


def _verdict(value: float | None, low: float | None, high: float | None, area: float | None) -> str:
    if value is None or area is None:
        return UNDEFINED
    if low is None or high is None:
        return UNDECIDED
    separates = (low > 0 and area >= SEPARATING_AUC) or (high < 0 and area <= 1 - SEPARATING_AUC)
    return KEPT if separates else DROPPED


def auc(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float | None:
    """How often a value of the first is above one of the second, ties counted half (Mann & Whitney 1947)."""
    if not len(first) or not len(second):
        return None
    return float(np.mean((first[:, None] > second) + 0.5 * (first[:, None] == second)))


def curve_intervals(sources: Sequence[Source], settings: Evaluation, seed: int) -> pd.DataFrame:
    """Mean similarity by lag of every source, with a bootstrap over its groups.

    Returns:
        A row a source, feature and lag: similarity, low, high; without an interval under five groups.
    """
    rows = []
    for source in sources:
        for (feature, lag), part in source.curves.groupby(["feature", "lag_seconds"], sort=True):
            counts = part["excerpts"].to_numpy(np.int64)
            sums = part["similarity"].to_numpy(np.float64) * counts
            rows.append((source.name, feature, lag, *_interval(sums, counts, settings, seed)))
    return pd.DataFrame(rows, columns=["source", "feature", "lag_seconds", "similarity", "low", "high"])


def reasons(sources: Sequence[Source], separation: pd.DataFrame, seconds: float) -> list[str]:
    """What was not reported, and why, in sentences."""
    real = sources[0].measures
    sentences = []
    if real.empty:
        sentences.append(f"Real music: not reported: no test track is as long as an excerpt ({seconds:g} s).")
    short = [measure for measure in MEASURES if seconds < measure.shortest]
    if short:
        needs = ", ".join(f"{measure.title.lower()} ({measure.shortest:g} s)" for measure in short)
        sentences.append(f"Not reported, since excerpts of {seconds:g} s are too short for it: {needs}.")
    undecided = separation[separation["verdict"] == UNDECIDED]
    tracks = real["group"].nunique()
    if tracks < FEWEST_TRACKS and len(undecided):
        sentences.append(
            f"Which measures separate music from shuffled music: not reported: it takes {FEWEST_TRACKS} test tracks as "
            f"long as an excerpt, there are {tracks}."
        )
    elif len(undecided):
        titles = {measure.name: measure.title for measure in MEASURES}
        sentences += [
            f"Whether {titles[str(row.measure)].lower()} separates music from shuffled music: not reported: it is "
            f"defined for {row.tracks} of {tracks} test tracks, it takes {FEWEST_TRACKS}."
            for row in undecided.itertuples()
        ]
    for source in sources:
        long = [measure for measure in MEASURES if measure not in short]
        absent = [measure.title.lower() for measure in long if source.measures[measure.name].isna().all()]
        # noise abstains by nature
        if absent and len(source.measures) and source.name != NOISE:
            sentences.append(f"{source.title}: not reported, defined in none of its excerpts: {', '.join(absent)}.")
    return sentences


def summary(
    sources: Sequence[Source], table: pd.DataFrame, separation: pd.DataFrame, seconds: float, confidence: float
) -> StructureSummary:
    """What other pages use, every value a number or None."""
    values: dict[str, Figures] = {source.name: {} for source in sources}
    for name, column, value in table[["source", "measure", "value"]].itertuples(index=False, name=None):
        values[name][column] = float(value) if pd.notna(value) and np.isfinite(value) else None
    verdicts = separation.groupby("verdict")["measure"].apply(list)
    return StructureSummary(
        missing=reasons(sources, separation, seconds),
        seconds=seconds,
        confidence=confidence,
        level=[measure.name for measure in of_kind(LEVEL)],
        models={
            source.name.removeprefix(f"{DRAWN}:"): values[source.name]
            for source in sources
            if source.name not in REFERENCES
        },
        **{verdict: verdicts.get(verdict, []) for verdict in (KEPT, DROPPED, UNDECIDED)},
        **{name: values[name] for name in REFERENCES},
    )


def measure(given: StructureGiven, folder: Path) -> None:
    """Write ``table.csv``, ``separation.csv``, ``curves.csv`` and ``summary.json``."""
    sources, settings = read_sources(given), given.evaluation
    table = summarise(sources, settings, given.seed)
    separation = separate(sources[0].measures, sources[1].measures, settings, given.seed)
    write_csv(table, folder / "table.csv")
    write_csv(separation, folder / "separation.csv")
    write_csv(curve_intervals(sources, settings, given.seed), folder / "curves.csv")
    write_json(folder / "summary.json", summary(sources, table, separation, given.seconds, settings.confidence))


COMPUTATION = Computation(StructureGiven, measure)
