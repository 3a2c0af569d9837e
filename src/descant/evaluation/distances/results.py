"""What the measurement writes and the page reads: a CSV of figures, a CSV of excerpts, and a summary."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from descant.evaluation.distances.measure import Measured, Outlier, Row, headline, missing
from descant.results import Summary, write_json, write_rows


class Figure(BaseModel):
    """A model's MMD² with its interval; None where it was not measured."""

    value: float | None
    low: float | None
    high: float | None


class Headline(BaseModel):
    """What stands on the front page: the embedding's title, the floor, and each model's figure."""

    embedding: str
    floor: float | None
    models: Mapping[str, Figure]


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


def write_results(
    folder: Path,
    measured: Sequence[Measured],
    outliers: Sequence[Outlier],
    seconds: float,
    asked_seconds: float,
    confidence: float,
) -> None:
    """Write ``distances.csv``, ``excerpts.csv`` and ``summary.json`` into a folder.

    Args:
        folder: where.
        measured: on each embedding, the headline's first.
        outliers: every drawn excerpt, the farthest of each model first.
        seconds: length of the excerpts.
        asked_seconds: what the configuration asks for.
        confidence: level of the intervals.
    """
    write_rows(folder / "distances.csv", Row, [row for found in measured for row in found.rows])
    write_rows(folder / "excerpts.csv", Outlier, outliers)
    references = [
        Reference(name=found.kind.name, bandwidth=found.bandwidth, tracks=found.tracks, excerpts=found.excerpts)
        for found in measured
    ]
    summary = DistancesSummary(
        headline=Headline.model_validate(headline(measured[0])),
        missing=missing(measured),
        seconds=seconds,
        asked_seconds=asked_seconds,
        confidence=confidence,
        embeddings=references,
    )
    write_json(folder / "summary.json", summary)
