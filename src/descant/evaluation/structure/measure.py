"""Measuring excerpts: a row of figures each, and mean similarity by lag for each group."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from descant.evaluation.material import Excerpt
from descant.evaluation.structure.features import CELL_SECONDS, Features, cells, even_grid, measure_features
from descant.evaluation.structure.files import CURVES_FILE, MEASURES_FILE, PLACE, SIMILARITY_FILE, write_csv
from descant.evaluation.structure.key import key_measures
from descant.evaluation.structure.loudness import level_measures
from descant.evaluation.structure.measures import LEVEL, STRUCTURE, of_kind
from descant.evaluation.structure.pulse import beat_grid, find_pulse, tempo_variation
from descant.evaluation.structure.selfsimilarity import (
    by_lag,
    chroma_similarity,
    continuity,
    repetition,
    timbre_similarity,
)

FEATURES = ("chroma", "timbre")
CURVE_COLUMNS = ("condition", "group", "feature", "lag_seconds", "similarity", "excerpts")
LONGEST_LAG_SECONDS = 24.0
KEY_WINDOW_SECONDS = 10.0
KEY_WINDOWS = 4
SHORTEST_RETURN_SECONDS = 1.0


@dataclass(frozen=True)
class Measured:
    """What was measured of an excerpt.

    Attributes:
        values: figures by the name of the measure; None where it is not defined.
        similarity: float64 ``(2, cells, cells)``, chroma and timbre, of cells of 0.25 s.
    """

    values: dict[str, float | None]
    similarity: npt.NDArray[np.float64]


def measure_excerpt(excerpt: Excerpt, sample_rate: int) -> Measured:
    """Measure structure and level of an excerpt."""
    features = measure_features(excerpt.audio, sample_rate)
    values = {**_structure(features), **level_measures(excerpt.audio, sample_rate)}
    for measure in of_kind(STRUCTURE):
        if features.seconds < measure.shortest:
            values[measure.name] = None
    return Measured(values, np.stack(_similarities(features, even_grid(features.seconds))))


def _similarities(features: Features, edges: npt.NDArray[np.float64]) -> list[npt.NDArray[np.float64]]:
    return [
        chroma_similarity(cells(features.chroma, features.silent, edges)),
        timbre_similarity(cells(features.timbre, features.silent, edges)),
    ]


def _structure(features: Features) -> dict[str, float | None]:
    if features.silent.all():
        return {measure.name: None for measure in of_kind(STRUCTURE)}
    pulse = find_pulse(features.onset)
    edges = np.empty(0) if pulse.bpm is None else beat_grid(features.onset, pulse.bpm, features.seconds)
    if not len(edges):
        edges = even_grid(features.seconds)
    chroma, timbre = map(by_lag, _similarities(features, edges))
    shortest = int(np.ceil(SHORTEST_RETURN_SECONDS / np.median(np.diff(edges)))) if len(edges) > 1 else 1
    window = min(KEY_WINDOW_SECONDS, features.seconds / KEY_WINDOWS)
    windows = cells(features.chroma, features.silent, even_grid(features.seconds, window))
    whole = cells(features.chroma, features.silent, np.array([0.0, features.seconds]))[:, 0]
    return {
        "chroma_continuity": continuity(chroma),
        "chroma_repetition": repetition(chroma, shortest),
        "timbre_continuity": continuity(timbre),
        "timbre_repetition": repetition(timbre, shortest),
        **key_measures(windows, whole),
        "pulse_clarity": pulse.clarity,
        "pulse_share": None if pulse.clarity is None else float(pulse.bpm is not None),
        "tempo_bpm": pulse.bpm,
        "tempo_variation": None if pulse.bpm is None else tempo_variation(features.onset, pulse.bpm),
    }


class Gathered:
    """Figures of excerpts as they come: a row each, and sums of similarity by lag, which do not grow with them."""

    def __init__(self) -> None:
        self._rows: list[dict[str, object]] = []
        self._sums: dict[tuple[str, str, str], npt.NDArray[np.float64]] = {}
        self._first: npt.NDArray[np.float64] | None = None

    def add(self, condition: str, excerpt: Excerpt, measured: Measured) -> None:
        """Take in what was measured of an excerpt; all are equally long."""
        place = {"condition": condition, "group": excerpt.group, "start": excerpt.start}
        self._rows.append({**place, **measured.values})
        if self._first is None:
            self._first = measured.similarity
        for feature, similarity in zip(FEATURES, measured.similarity, strict=True):
            lags = by_lag(similarity)
            defined = ~np.isnan(lags)
            sums = self._sums.setdefault((condition, excerpt.group, feature), np.zeros((2, len(lags))))
            sums += [np.where(defined, lags, 0), defined]

    def rows(self) -> pd.DataFrame:
        """A row an excerpt: condition, group, start, and a column a measure."""
        columns = [*PLACE, *(measure.name for measure in of_kind(STRUCTURE, LEVEL))]
        return pd.DataFrame(self._rows, columns=columns)

    def curves(self) -> pd.DataFrame:
        """Mean similarity by lag, up to 24 s, of each condition, group and feature, with the number of excerpts."""
        rows = [
            (condition, group, feature, lag * CELL_SECONDS, total / count, int(count))
            for (condition, group, feature), sums in self._sums.items()
            for lag, (total, count) in enumerate(sums.T)
            if count and lag * CELL_SECONDS <= LONGEST_LAG_SECONDS
        ]
        return pd.DataFrame(rows, columns=list(CURVE_COLUMNS))

    def similarity(self) -> npt.NDArray[np.float32]:
        """The matrices of the first excerpt ``(2, cells, cells)``; empty where there is none."""
        return (np.empty((2, 0, 0)) if self._first is None else self._first).astype(np.float32)

    def write(self, folder: Path) -> None:
        """Write ``measures.csv``, ``curves.csv`` and ``similarity.npy`` into a folder that exists."""
        write_csv(self.rows(), folder / MEASURES_FILE)
        write_csv(self.curves(), folder / CURVES_FILE)
        np.save(folder / SIMILARITY_FILE, self.similarity(), allow_pickle=False)
