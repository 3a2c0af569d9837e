"""The measurement of all sets: what it is made from, its CSV of figures, its CSV of excerpts, and its summary."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel
from tqdm import tqdm

from descant.config.evaluation import Evaluation
from descant.evaluation.distances.embed import read_set
from descant.evaluation.distances.kinds import KINDS, why_absent
from descant.evaluation.distances.measure import (
    FLOOR,
    MMD2,
    MODEL,
    NOISE,
    SHUFFLED,
    TRAIN,
    Candidate,
    Measured,
    Outlier,
    Row,
    find_outliers,
    measure_kind,
    missing,
)
from descant.results import Computation, Given, ModelRow, Rows, Summary, write_json, write_rows
from descant.statistics import Bootstrap


class Drawn(ModelRow):
    """The vectors of what a model drew."""

    vectors: Path


class DistancesGiven(Given):
    """What the figures are made from: vectors of excerpts, how long these are, and how intervals are drawn.

    Attributes:
        test: vectors of the test tracks, what all is compared with.
        train: of the training tracks.
        shuffled: of the shuffled test tracks.
        noise: of noise as loud as the test tracks.
    """

    evaluation: Evaluation
    seed: int
    seconds: float
    test: Path
    train: Path
    shuffled: Path
    noise: Path
    rows: Rows[Drawn]


class Figure(BaseModel):
    """A model's MMD² with its interval; None where it was not measured."""

    value: float | None
    low: float | None
    high: float | None


class Headline(BaseModel):
    """What stands on the front page: the embedding's title, the floor, and each model's figure."""

    embedding: str
    floor: float | None
    models: dict[str, Figure]


class Reference(BaseModel):
    """What the figures on one embedding stand on; see :class:`descant.evaluation.distances.measure.Measured`."""

    name: str
    bandwidth: float | None
    tracks: int
    excerpts: int


class DistancesSummary(Summary):
    """What holds for all figures.

    Attributes:
        headline: of the first embedding.
        seconds: length of the excerpts.
        asked_seconds: what the configuration asks for; more where what is drawn is shorter.
        confidence: level of the intervals.
        embeddings: what the figures on each stand on.
    """

    headline: Headline
    seconds: float
    asked_seconds: float
    confidence: float
    embeddings: list[Reference]


def measure(given: DistancesGiven, folder: Path) -> None:
    """Measure every model and what it is compared with, with interval, floor and ceilings; see `write_results`."""
    settings, measured, outliers = given.evaluation, list[Measured](), list[Outlier]()
    bootstrap = Bootstrap(settings.bootstrap_draws, settings.confidence, given.seed)
    sets = [(MODEL, row.model, row.title, row.vectors) for row in given.rows]
    sets += [
        (TRAIN, TRAIN, "training tracks", given.train),
        (SHUFFLED, SHUFFLED, "test tracks, shuffled", given.shuffled),
        (NOISE, NOISE, "white noise", given.noise),
    ]
    for kind in tqdm(KINDS, disable=None, unit="embedding"):
        reference = read_set(given.test, kind)
        candidates = [Candidate(role, name, title, read_set(path, kind)) for role, name, title, path in sets]
        measured.append(measure_kind(kind, why_absent(kind, given.seconds), reference, candidates, bootstrap))
        outliers += find_outliers(measured[-1], reference, candidates)
    write_results(folder, measured, outliers, given.seconds, settings)


def write_results(
    folder: Path, measured: Sequence[Measured], outliers: Sequence[Outlier], seconds: float, settings: Evaluation
) -> None:
    """Write ``distances.csv``, ``excerpts.csv`` and ``summary.json`` into a folder.

    Args:
        folder: where.
        measured: on each embedding, the headline's first.
        outliers: every drawn excerpt, the farthest of each model first.
        seconds: length of the excerpts.
        settings: what the configuration asks for.
    """
    write_rows(folder / "distances.csv", Row, [row for found in measured for row in found.rows])
    write_rows(folder / "excerpts.csv", Outlier, outliers)
    first = [row for row in measured[0].rows if row.measure == MMD2]
    headline = Headline(
        embedding=measured[0].kind.title,
        floor=next(row.value for row in first if row.role == FLOOR),
        models={row.name: Figure(value=row.value, low=row.low, high=row.high) for row in first if row.role == MODEL},
    )
    references = [
        Reference(name=found.kind.name, bandwidth=found.bandwidth, tracks=found.tracks, excerpts=found.excerpts)
        for found in measured
    ]
    summary = DistancesSummary(
        headline=headline,
        missing=missing(measured),
        seconds=seconds,
        asked_seconds=settings.distances.seconds,
        confidence=settings.confidence,
        embeddings=references,
    )
    write_json(folder / "summary.json", summary)


COMPUTATION = Computation(DistancesGiven, measure)
