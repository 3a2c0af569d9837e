"""The page on musical structure and notes: real music, the same shuffled, and what the models drew, side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from descant.evaluation.structure.compare import (
    DROPPED,
    KEPT,
    REFERENCES,
    UNDECIDED,
    Drawn,
    Folders,
    StructureSummary,
)
from descant.evaluation.structure.conditions import DRAWN, NOISE, REAL
from descant.evaluation.structure.files import read_csv, read_notes, read_similarity
from descant.evaluation.structure.measures import LEVEL, MEASURES, NOTES, RANDOM, STRUCTURE, Measure, of_kind
from descant.formatting import count, decimal, level, significant
from descant.report.blocks import (
    Block,
    Cell,
    Items,
    Line,
    Page,
    Picture,
    Pictures,
    Section,
    Table,
    Text,
    chart_section,
    figures,
)
from descant.report.charts import GREY, Axis, Dot, DotStyle, Legends, Point, interval_chart, line_chart
from descant.report.charts import Line as Stroke
from descant.report.clips import picture
from descant.report.pictures import MATRIX_SIZE, ROLL_SIZE, roll_png, similarity_png
from descant.report.registry import Builder, Finding
from descant.results import Given, Rows, read_json

# facts behind the other measures of notes, shown even where they do not separate real music from shuffled
ALWAYS_SHOWN = ("notes_per_second",)
SHOWN_MEASURES = 3
MODELS, COMPARED = "what a model drew", "what it is compared with"
STYLES = {MODELS: DotStyle(), COMPARED: DotStyle(GREY)}
FEATURES = {
    "chroma": ("Harmony", "Mean correlation of the chroma of moments so far apart."),
    "timbre": ("Timbre", "Mean similarity of the standardised MFCCs of moments so far apart."),
}
LAGS = (
    "Music is more alike nearby than far away, and alike again where something returns. The same music shuffled has a "
    "level line beyond its blocks: what departs from it is order. White noise is like itself at no distance. A click "
    "in the legend singles one out."
)
MATRICES = (
    "Each moment against each, the first excerpt of each. Bright blocks are stretches that hold, bright lines beside "
    "the diagonal are passages that return."
)
TRANSCRIBER = Markup(
    "A transcriber (basic-pitch) looks for notes; the MIDI files are in <code>results/evaluation/transcription</code>. "
    "Trust it for piano, and little else: of strings it finds far fewer notes correctly. {} Beside it stands, for "
    "some, what as many random pitches would have: few notes lie in a scale whatever they are."
)
NOT_KNOWN = (
    "Whether these measures separate music from shuffled music at this length is not known: there are too few test "
    "tracks. They are shown with that reserve."
)
NONE_SEPARATES = (
    "No measure of structure separates real music from the same music shuffled at this length: longer samples may."
)
SEPARATED = (
    "Only measures that separate held-out real music from the same music shuffled are shown. Many are tried: with few "
    "test tracks, one or other may pass by chance."
)
TOO_SHORT = "Not reported: the excerpts are shorter than the two seconds that the transcriber needs."
LEVELS = (
    "Shuffling leaves level as it is, so these are shown without that test. A model that fades away or turns to noise "
    "drifts."
)
ROLL = "Piano roll of the first excerpt of {}"
NOTES_CAPTION = "Notes; their number a second is shown even where it does not separate real music from shuffled"
Figures = Mapping[str, tuple[float, float | None, float | None]]


class StructurePageGiven(Given):
    """What the page is made from: the files that the comparison wrote, and the folders that it was made from.

    Attributes:
        table: every measure of every source.
        separation: real against shuffled music, by measure.
        curves: similarity by lag.
        summary: what is kept, and what is missing.
        real: what was measured of real music.
        rows: of each model, in the order of the page.
    """

    table: Path
    separation: Path
    curves: Path
    summary: Path
    real: Folders
    rows: Rows[Drawn]


def _figures(table: pd.DataFrame, measure: str) -> Figures:
    """A measure's figure of every source that has one, with its interval."""
    rows = table[(table["measure"] == measure) & table["value"].notna()][["source", "value", "low", "high"]]
    plain: Any = rows.astype(object).where(rows.notna(), None).itertuples(index=False, name=None)
    return {source: (value, low, high) for source, value, low, high in plain}


def _lead(table: pd.DataFrame, titles: Mapping[str, str], summary: StructureSummary) -> str:
    rows = table[table["measure"] == "dc"][["source", "excerpts", "groups"]]
    counts = {source: (excerpts, groups) for source, excerpts, groups in rows.itertuples(index=False, name=None)}
    excerpts, tracks = counts.get(REAL, (0, 0))
    drawn = sorted({counts[name][0] for name in titles if name in counts and name not in REFERENCES})
    spread = f"{drawn[0]}" if len(drawn) == 1 else f"{drawn[0]} to {drawn[-1]}" if drawn else ""
    return (
        f"Excerpts of {summary.seconds:g} s, all equally long: {count(excerpts, 'excerpt')} of "
        f"{count(tracks, 'test track')}{f' and {spread} of each model' if drawn else ''}. A dot is the mean over "
        f"excerpts, its bar the {level(summary.confidence)} interval, bootstrapped over tracks or drawn sequences."
    )


def _verdict(shown: Sequence[Measure], undecided: bool, tested: bool) -> str:
    if not (undecided or tested):
        return "Not reported: no measure of structure is defined for these excerpts."
    if undecided:
        return NOT_KNOWN
    return SEPARATED if any(measure.kind == STRUCTURE for measure in shown) else NONE_SEPARATES


def _chart(measure: Measure, table: pd.DataFrame, titles: Mapping[str, str]) -> Section:
    found = _figures(table, measure.name)
    kinds = {source: COMPARED if source in REFERENCES else MODELS for source in titles}
    dots = [Dot(title, *found[source], kinds[source]) for source, title in titles.items() if source in found]
    absent = [title for source, title in titles.items() if source not in found]
    words = measure.words[:1].upper() + measure.words[1:] + "."
    if absent:
        words += f" Not defined for: {', '.join(absent)}."
    axis = measure.title.lower() + (f" ({measure.unit})" if measure.unit else "")
    values = "; ".join(f"{dot.name} {significant(dot.value)}" for dot in dots)
    spec = interval_chart(dots, Axis(axis), f"{words} {values}.", STYLES, legend=False, row=26)
    return chart_section(measure.title, words, spec)


def _lag_charts(curves: pd.DataFrame, titles: Mapping[str, str]) -> list[Section]:
    charts = []
    for feature, (heading, words) in FEATURES.items():
        of_feature = curves[(curves["feature"] == feature) & (curves["lag_seconds"] > 0)]
        rows = of_feature.astype(object).where(of_feature.notna(), None)
        lines = []
        for source, title in titles.items():
            own = rows[rows["source"] == source][["lag_seconds", "similarity", "low", "high"]]
            points = [Point(*row) for row in own.itertuples(index=False, name=None)]
            lines += [Stroke(title, points)] if points else []
        if lines:
            legends = Legends("music", below=True)
            axes = Axis("seconds apart", zero=True), Axis(f"similarity of {feature}", zero=True)
            spec = line_chart(lines, *axes, words, 280, legends)
            charts.append(chart_section(heading, words, spec, "By distance"))
    return charts


def _matrices(folders: Mapping[str, Folders]) -> list[Picture]:
    read = {title: read_similarity(of.structure) for title, of in folders.items()}
    words = "Self-similarity of the first excerpt of {}: chroma, and timbre."
    return [
        picture(title, similarity_png(matrices), words.format(title), MATRIX_SIZE)
        for title, matrices in read.items()
        if not np.isnan(matrices).all()
    ]


def _rolls(folders: Mapping[str, Folders], seconds: float) -> list[Picture]:
    read = {title: read_notes(of.transcription) for title, of in folders.items()}
    return [
        picture(title, roll_png(notes, seconds), f"{ROLL.format(title)}: {count(len(notes), 'note')}.", ROLL_SIZE)
        for title, notes in read.items()
    ]


def _notes_floor(table: pd.DataFrame) -> str:
    rates = _figures(table, "notes_per_second")
    if NOISE not in rates or REAL not in rates:
        return ""
    noise, real = (significant(rates[name][0]) for name in (NOISE, REAL))
    return f"In white noise it finds {noise} notes a second, in held-out real music {real}."


def _table(caption: str, measures: Sequence[Measure], table: pd.DataFrame, titles: Mapping[str, str]) -> Table:
    headings = [f"{measure.title}, {measure.unit}" if measure.unit else measure.title for measure in measures]
    values = {name: _figures(table, name) for measure in measures for name in (measure.name, measure.name + RANDOM)}
    lines = [
        Line(title, [_cell(source, values[one.name], values[one.name + RANDOM]) for one in measures])
        for source, title in titles.items()
    ]
    return figures(caption, ["Music", *headings], lines)


def _cell(source: str, found: Figures, random: Figures) -> Cell:
    if source not in found:
        return Cell("")
    value, low, high = found[source]
    spread = "" if low is None or high is None else f"[{significant(low)}, {significant(high)}]"
    beside = f"random: {significant(random[source][0])}" if source in random else ""
    return Cell(significant(value), " ".join(part for part in (spread, beside) if part))


def build(given: StructurePageGiven) -> Page:
    """The page: what order sounds like, how similarity fades, notes and level.

    Raises:
        ResultError: when a file cannot be read.
    """
    table, separation = read_csv(given.table), read_csv(given.separation)
    summary = read_json(StructureSummary, given.summary)
    titles = {**REFERENCES, **{f"{DRAWN}:{row.model}": row.title for row in given.rows}}
    folders = {REFERENCES[REAL]: given.real, **{row.title: row for row in given.rows}}
    verdicts = dict(zip(separation["measure"], separation["verdict"], strict=True))
    undecided = KEPT not in verdicts.values() and UNDECIDED in verdicts.values()
    shown = [measure for measure in MEASURES if verdicts.get(measure.name) == (UNDECIDED if undecided else KEPT)]
    charts = [_chart(measure, table, titles) for measure in shown if measure.kind == STRUCTURE]
    dropped = [measure.title.lower() for measure in MEASURES if measure.name in summary.dropped]
    without = f"Dropped: does not separate real from shuffled real here: {', '.join(dropped)}."
    order: list[Block] = [Text(_verdict(shown, undecided, not {KEPT, DROPPED}.isdisjoint(verdicts.values()))), *charts]
    order += [Text(without, "quiet")] if dropped else []
    lags = _lag_charts(read_csv(given.curves), titles)
    matrices = _matrices(folders)
    of_notes = [one for one in of_kind(NOTES) if one in shown or one.name in ALWAYS_SHOWN]
    of_notes = [one for one in of_notes if _figures(table, one.name)]
    notes: list[Block] = [Text(TOO_SHORT)]
    if of_notes:
        notes = [Text(TRANSCRIBER.format(_notes_floor(table))), _table(NOTES_CAPTION, of_notes, table, titles)]
        notes += [Pictures(_rolls(folders, summary.seconds))]
    blocks: list[Block] = [
        Text(_lead(table, titles, summary), "lead"),
        Section("What order sounds like", order),
        *([Section("How similarity fades with distance", [Text(LAGS), *lags])] if lags else []),
        *([Section("Self-similarity", [Text(MATRICES), Pictures(matrices)])] if matrices else []),
        Section("Notes", notes),
        Section("Level", [Text(LEVELS), _table("Level", of_kind(LEVEL), table, titles)]),
        *([Section("Not reported", [Items(summary.missing, "quiet small")])] if summary.missing else []),
    ]
    return Page("Musical structure", blocks)


def finding(summary: StructureSummary, titles: Mapping[str, str]) -> str:
    """How many measures separate real music from shuffled here, and a few figures; empty where none was tested."""
    kept, tested = summary.kept, len(summary.kept) + len(summary.dropped)
    if not tested:
        return ""
    if not kept:
        those = count(tested, "measure")
        return f"None of {those} separates real music from the same music shuffled here, so none is reported."
    words = f"{len(kept)} of {count(tested, 'measure')} separate real music from the same music shuffled"
    parts = []
    for measure in kept:
        real = summary.real.get(measure)
        found = sorted(value for figures in summary.models.values() if (value := figures.get(measure)) is not None)
        if real is None or not found:
            continue
        low, high = decimal(found[0], 2), decimal(found[-1], 2)
        spread = low if low == high else f"{low} to {high}"
        parts.append(f"{measure.replace('_', ' ')} {decimal(real, 2)} in real music, {spread} in the models'")
    shown = "; ".join(parts[:SHOWN_MEASURES])
    return f"{words}: {shown}." if shown else f"{words}."


PAGE = Builder(StructurePageGiven, build, Finding(StructureSummary, finding))
