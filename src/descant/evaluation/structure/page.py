"""The page on musical structure and notes: real music, the same shuffled, and what the models drew, side by side."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from descant.evaluation.charts import javascript
from descant.evaluation.figure_lines import Line, Shown
from descant.evaluation.pages import data_uri, render
from descant.evaluation.structure.charts import Dot, LagPoint, dot_chart, lag_chart
from descant.evaluation.structure.compare import DROPPED, KEPT, REFERENCES, UNDECIDED, Comparison
from descant.evaluation.structure.conditions import DRAWN, NOISE, REAL
from descant.evaluation.structure.files import read_notes, read_similarity
from descant.evaluation.structure.measures import LEVEL, MEASURES, NOTES, RANDOM, STRUCTURE, Measure, of_kind
from descant.evaluation.structure.pictures import roll_png, similarity_png
from descant.formatting import MINUS, count

# facts behind the other measures of notes, whether they tell order or not
ALWAYS_TOLD = ("notes_per_second",)
NOTES_CAPTION = "Notes; how many a second is told whether it tells order or not"


@dataclass(frozen=True)
class Chart:
    """A chart and the words above it."""

    heading: str
    words: str
    spec: dict[str, Any]


@dataclass(frozen=True)
class Table:
    """A table of figures; a column is headed by its measure's title and unit."""

    caption: str
    headings: Sequence[str]
    lines: Sequence[Line]


@dataclass(frozen=True)
class Picture:
    """A picture of an excerpt, as a data URI, and what it shows."""

    name: str
    source: str
    words: str


@dataclass(frozen=True)
class StructurePage:
    """All that stands on the page; see ``templates/structure.html``."""

    lead: str
    verdict: str
    charts: Sequence[Chart]
    dropped: str
    lags: Sequence[Chart]
    matrices: Sequence[Picture]
    notes_floor: str
    notes: Table | None
    rolls: Sequence[Picture]
    level: Table
    missing: Sequence[str]


@dataclass(frozen=True)
class Folder:
    """Where pictures of a source are read from.

    Attributes:
        title: for people.
        structure: folder that measure_structure wrote.
        transcription: folder that transcribe wrote.
    """

    title: str
    structure: Path
    transcription: Path


def build_page(comparison: Comparison, models: Mapping[str, str], folders: Sequence[Folder]) -> StructurePage:
    """Lay out the page.

    Args:
        comparison: of real, shuffled and drawn music.
        models: titles by the models' names, in the order of the page.
        folders: of real music and of every model, for pictures.

    Raises:
        StructureError: when a file of the folders cannot be read.
    """
    titles = {**REFERENCES, **{f"{DRAWN}:{name}": title for name, title in models.items()}}
    seconds = float(str(comparison.summary["seconds"]))
    verdicts = dict(zip(comparison.separation["measure"], comparison.separation["verdict"], strict=True))
    undecided = not any(verdict == KEPT for verdict in verdicts.values()) and UNDECIDED in verdicts.values()
    told = [measure for measure in MEASURES if verdicts.get(measure.name) == (UNDECIDED if undecided else KEPT)]
    notes = [m for m in of_kind(NOTES) if (m in told or m.name in ALWAYS_TOLD) and _has_values(comparison.table, m)]
    return StructurePage(
        lead=_lead(comparison, titles, seconds),
        verdict=_verdict(told, undecided, not {KEPT, DROPPED}.isdisjoint(verdicts.values())),
        charts=[_chart(measure, comparison.table, titles) for measure in told if measure.kind == STRUCTURE],
        dropped=_dropped(comparison),
        lags=_lag_charts(comparison.curves, titles),
        matrices=_matrices(folders),
        notes_floor=_notes_floor(comparison),
        notes=_table(NOTES_CAPTION, notes, comparison.table, titles) if notes else None,
        rolls=_rolls(folders, seconds) if notes else [],
        level=_table("Level", of_kind(LEVEL), comparison.table, titles),
        missing=[str(reason) for reason in _items(comparison.summary["missing"])],
    )


def structure_html(title: str, page: StructurePage) -> str:
    """The page as HTML."""
    return render("structure.html", {"title": title, "page": page, "javascript": javascript()})


def _items(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else []


def _has_values(table: pd.DataFrame, measure: Measure) -> bool:
    return bool(table["value"][table["measure"] == measure.name].notna().any())


def _lead(comparison: Comparison, titles: Mapping[str, str], seconds: float) -> str:
    rows = comparison.table[comparison.table["measure"] == "dc"][["source", "excerpts", "groups"]]
    counts = {source: (excerpts, groups) for source, excerpts, groups in rows.itertuples(index=False, name=None)}
    excerpts, tracks = counts.get(REAL, (0, 0))
    drawn = sorted({counts[name][0] for name in titles if name in counts and name not in REFERENCES})
    of_models = (
        "" if not drawn else f" and {drawn[0] if len(drawn) == 1 else f'{drawn[0]} to {drawn[-1]}'} of each model"
    )
    confidence = f"{100 * float(str(comparison.summary['confidence'])):g} %"
    return (
        f"Excerpts of {seconds:g} s, all equally long: {count(excerpts, 'excerpt')} of {count(tracks, 'test track')}"
        f"{of_models}. A dot is the mean over excerpts, its bar the {confidence} interval, bootstrapped over tracks or "
        "drawn sequences."
    )


def _verdict(told: Sequence[Measure], undecided: bool, tested: bool) -> str:
    if not (undecided or tested):
        return "Not reported: no measure of structure is defined for these excerpts."
    if undecided:
        return (
            "Whether these measures tell music from shuffled music at this length is not known: there are too few test "
            "tracks. They are shown with that reserve."
        )
    if not any(measure.kind == STRUCTURE for measure in told):
        return (
            "No measure of structure tells real music from the same music shuffled at this length: longer samples may."
        )
    return (
        "Only measures that tell held-out real music from the same music shuffled are shown. Many are tried: with few "
        "test tracks, one or other may pass by chance."
    )


def _dropped(comparison: Comparison) -> str:
    names = _items(comparison.summary["dropped"])
    titles = [measure.title.lower() for measure in MEASURES if measure.name in names]
    return f"Dropped: does not separate real from shuffled real here: {', '.join(titles)}." if titles else ""


def _rows(table: pd.DataFrame, measure: str) -> dict[str, tuple[float | None, float | None, float | None]]:
    rows = table[table["measure"] == measure][["source", "value", "low", "high"]]
    return {
        str(source): (_number(value), _number(low), _number(high))
        for source, value, low, high in rows.itertuples(index=False, name=None)
    }


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _chart(measure: Measure, table: pd.DataFrame, titles: Mapping[str, str]) -> Chart:
    rows = _rows(table, measure.name)
    dots = [
        Dot(title, value, low, high, source not in REFERENCES)
        for source, title in titles.items()
        for value, low, high in [rows.get(source, (None, None, None))]
        if value is not None
    ]
    absent = [title for title in titles.values() if title not in {dot.source for dot in dots}]
    words = measure.words[:1].upper() + measure.words[1:] + "."
    if absent:
        words += f" Not defined for: {', '.join(absent)}."
    axis = f"{measure.title.lower()} ({measure.unit})" if measure.unit else measure.title.lower()
    told = "; ".join(f"{dot.source} {_told(dot.value)}" for dot in dots)
    return Chart(measure.title, words, dot_chart(dots, axis, f"{words} {told}."))


def _lag_charts(curves: pd.DataFrame, titles: Mapping[str, str]) -> list[Chart]:
    named = {
        "chroma": ("Harmony", "Mean correlation of the chroma of moments so far apart."),
        "timbre": ("Timbre", "Mean similarity of the standardised MFCCs of moments so far apart."),
    }
    charts = []
    for feature, (heading, words) in named.items():
        rows = curves[(curves["feature"] == feature) & (curves["lag_seconds"] > 0)]
        points = {
            title: [
                LagPoint(title, lag, value, _number(low), _number(high))
                for lag, value, low, high in rows[rows["source"] == source][
                    ["lag_seconds", "similarity", "low", "high"]
                ].itertuples(index=False, name=None)
            ]
            for source, title in titles.items()
        }
        points = {title: of_source for title, of_source in points.items() if of_source}
        if points:
            charts.append(Chart(heading, words, lag_chart(points, f"similarity of {feature}", words)))
    return charts


def _matrices(folders: Sequence[Folder]) -> list[Picture]:
    pictures = []
    for folder in folders:
        matrices = read_similarity(folder.structure)
        if not np.isnan(matrices).all():
            words = f"Self-similarity of the first excerpt of {folder.title}: chroma, and timbre."
            pictures.append(Picture(folder.title, data_uri(similarity_png(matrices), "image/png"), words))
    return pictures


def _rolls(folders: Sequence[Folder], seconds: float) -> list[Picture]:
    pictures = []
    for folder in folders:
        notes = read_notes(folder.transcription)
        words = f"Piano roll of the first excerpt of {folder.title}: {count(len(notes), 'note')}."
        pictures.append(Picture(folder.title, data_uri(roll_png(notes, seconds), "image/png"), words))
    return pictures


def _notes_floor(comparison: Comparison) -> str:
    rates = _rows(comparison.table, "notes_per_second")
    noise, real = (rates.get(name, (None, None, None))[0] for name in (NOISE, REAL))
    if noise is None or real is None:
        return ""
    return f"In white noise it finds {_told(noise)} notes a second, in held-out real music {_told(real)}."


def _table(caption: str, measures: Sequence[Measure], table: pd.DataFrame, titles: Mapping[str, str]) -> Table:
    headings = [f"{measure.title}, {measure.unit}" if measure.unit else measure.title for measure in measures]
    values = {measure.name: _rows(table, measure.name) for measure in measures}
    random = {measure.name: _rows(table, measure.name + RANDOM) for measure in measures}
    lines = [
        Line(
            title,
            "",
            [_shown(values[measure.name].get(source), random[measure.name].get(source)) for measure in measures],
        )
        for source, title in titles.items()
    ]
    return Table(caption, ["Music", *headings], lines)


def _shown(
    row: tuple[float | None, float | None, float | None] | None,
    random: tuple[float | None, float | None, float | None] | None,
) -> Shown:
    value, low, high = row or (None, None, None)
    if value is None:
        return Shown("")
    spread = f"[{_told(low)}, {_told(high)}]" if low is not None and high is not None else ""
    beside = f"random: {_told(random[0])}" if random is not None and random[0] is not None else ""
    return Shown(_told(value), " ".join(part for part in (spread, beside) if part))


def _told(value: float) -> str:
    rounded = float(np.format_float_positional(value, precision=3, unique=False, fractional=False))
    return np.format_float_positional(rounded, trim="-").replace("-", MINUS)
