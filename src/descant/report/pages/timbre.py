"""The page of timbres: the space that each Mel2Mel learnt, as maps, and ways between instruments to hear."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from descant.audio.rendered import Rendered, open_rendered
from descant.evaluation.timbre import Morph, TimbreSummary
from descant.formatting import clock, decimal, percent
from descant.npy import map_array
from descant.report.blocks import (
    Block,
    Cell,
    Chart,
    Clips,
    Fold,
    Grid,
    Items,
    Line,
    Page,
    Section,
    Text,
    chart_section,
    figures,
)
from descant.report.charts import Axis, Legends, Point, line_chart
from descant.report.charts import Line as Stroke
from descant.report.clips import clip_of
from descant.report.heatmap import heat_map
from descant.report.registry import Builder
from descant.results import Given, ModelRow, Rows, read_json

LEAD = (
    "A Mel2Mel puts each instrument at a point of a space, and plays a score with any point of it. Here one passage of "
    "a test track is played at points all over the space, and the spectrogram that the network predicts is measured."
)
CENTROID, ENERGY = "spectral centroid, Hz", "mean energy, dB"
OF_CENTROID = "How bright the passage is: the centroid of its mean magnitude spectrum."
OF_ENERGY = "How loud it is: the mean square of the magnitudes of all frames and bands."
OF_WAYS = "The spectral centroid at equal steps along the straight line from one instrument to the other."
FOOT = (
    "The maps follow Kim, Bittner, Kumar and Bello (2019). Between the instruments, and beyond them, no recording says "
    "what is right: a map shows what the network makes of it."
)


class TimbreRow(ModelRow):
    """A row and the folder of what was measured of it."""

    folder: Path


class TimbreGiven(Given):
    """What the page is made from: every row that has a space of timbres."""

    rows: Rows[TimbreRow]


def _maps(summary: TimbreSummary, folder: Path) -> Grid:
    """Two maps side by side, with the instruments and the ways."""
    values = np.asarray(map_array(folder / "map.npy"))
    titles = (
        ("first principal direction", "second principal direction")
        if summary.dimensions > 2
        else ("first coordinate", "second coordinate")
    )
    places = [(one.name, (one.x, one.y)) for one in summary.instruments]
    ways = [((way.points[0].x, way.points[0].y), (way.points[-1].x, way.points[-1].y)) for way in summary.morphs]
    x, y = (titles[0], summary.x), (titles[1], summary.y)
    parts: list[Sequence[Block]] = []
    for name, words, unit, one in (
        ("Brightness", OF_CENTROID, CENTROID, values[0]),
        ("Level", OF_ENERGY, ENERGY, values[1]),
    ):
        spec = heat_map(one, x, y, unit, places, ways, f"{name} over the space of timbres, and where instruments lie.")
        parts.append([Text(words, "quiet small"), Chart(spec, f"map of {unit}")])
    return Grid(parts)


def _monotone(way: Morph) -> str:
    """Whether the centroid goes one way, in words."""
    span = way.points[-1].centroid_hz - way.points[0].centroid_hz
    begins = f"From {way.start} to {way.end} it {'rises' if span >= 0 else 'falls'} by {abs(span):,.0f} Hz"
    if not way.backward_hz:
        return f"{begins}, at every step."
    return f"{begins}, but not at every step: the largest step the other way is {way.backward_hz:,.1f} Hz."


def _clips(way: Morph, first: int, sounds: Rendered) -> Fold:
    """The players of a way, of which the first is number ``first`` in the folder."""
    last = len(way.points) - 1
    clips = []
    for number, point in enumerate(way.points):
        name = {0: way.start, last: way.end}.get(number, f"{percent(number / last)} of the way to {way.end}")
        audio, detail = sounds.read(first + number), f"centroid {point.centroid_hz:,.0f} Hz"
        clips.append(clip_of(name, detail, audio, sounds.sample_rate, name))
    return Fold(f"Listen: from {way.start} to {way.end}", [Clips(clips, beside=True)])


def _ways(summary: TimbreSummary, folder: Path) -> list[Block]:
    """The ways between instruments; nothing where there are none."""
    if not summary.morphs:
        return []
    lines = [
        Stroke(
            f"{way.start} to {way.end}",
            [Point(number / (len(way.points) - 1), point.centroid_hz) for number, point in enumerate(way.points)],
        )
        for way in summary.morphs
    ]
    axes = Axis("share of the way", form=".0%"), Axis(CENTROID)
    spec = line_chart(lines, *axes, OF_WAYS, 240, Legends("way", below=True))
    blocks: list[Block] = [
        chart_section("Ways between instruments", OF_WAYS, spec),
        Items([*map(_monotone, summary.morphs)]),
    ]
    if (folder / "audio").is_dir():
        sounds, steps = open_rendered(folder / "audio"), len(summary.morphs[0].points)
        blocks += [_clips(way, number * steps, sounds) for number, way in enumerate(summary.morphs)]
    return blocks


def _section(row: TimbreRow) -> Section:
    """What was measured of one row."""
    summary = read_json(TimbreSummary, row.folder / "summary.json")
    passage = f"The passage: {summary.seconds:.1f} s of {summary.track}, from {clock(round(summary.start))}."
    if summary.dimensions > 2:
        passage += (
            f" The space has {summary.dimensions} dimensions; the map is the plane of the instruments' two principal "
            f"directions, which holds {percent(summary.shown)} of their variance."
        )
    lines = [
        Line(one.name, [Cell(f"{one.centroid_hz:,.0f}"), Cell(decimal(one.energy_db, 1))])
        for one in summary.instruments
    ]
    blocks: list[Block] = [
        Text(passage, "quiet"),
        *([Items(summary.missing, "note")] if summary.missing else []),
        _maps(summary, row.folder),
        figures("At the instruments' own points", ["Instrument", "Spectral centroid, Hz", "Mean energy, dB"], lines),
        *_ways(summary, row.folder),
    ]
    return Section(row.title, blocks, row.model)


def build(given: TimbreGiven) -> Page:
    """The page: a section a row."""
    sections = [_section(row) for row in given.rows]
    return Page("Timbres", [Text(LEAD, "lead"), *sections, Text(FOOT, "quiet small")], "broad")


PAGE = Builder(TimbreGiven, build)
