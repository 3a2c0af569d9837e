"""Tables that the pages of music in parts share, whichever form the parts have."""

from collections.abc import Callable, Sequence

from descant.evaluation.parts_baselines import ALL
from descant.evaluation.parts_scores import BASELINE, PartsLine
from descant.evaluation.parts_table import DRAWN, REAL, Drawing, PartsFigures, PartsTable
from descant.formatting import bracketed, decimal
from descant.report.blocks import Cell, Column, Line, Section, Table, Text
from descant.statistics import Interval

NETWORK = "Network"
LOWER_IS_BETTER = ("nats", "duration_error")


def of_interval(interval: Interval | None) -> Cell:
    """A figure with its interval; empty where there is none."""
    if interval is None:
        return Cell("")
    return Cell(decimal(interval.value, 3), bracketed(interval.low, interval.high, 3))


def figure(line: PartsLine, key: str, best: bool) -> Cell:
    """A figure of a line, with its interval; a bound is marked."""
    value, low, high = (getattr(line, key + end) for end in ("", "_low", "_high"))
    most = "≤ " if line.bound and value is not None and key.startswith("nats") else ""
    return Cell(most + decimal(value, 3), bracketed(low, high, 3), best)


def best_of(lines: Sequence[PartsLine], key: str, choose: Callable[[list[float]], float]) -> float | None:
    """The best figure of a column."""
    figures = [value for line in lines if (value := getattr(line, key)) is not None]
    return choose(figures) if figures else None


def lines_on(found: PartsTable, task: str, material: str = ALL) -> list[PartsLine]:
    """The lines of a task on some test pieces."""
    return [line for line in found.lines if line.task == task and line.material == material]


def table_of_lines(
    caption: str, lines: Sequence[PartsLine], columns: dict[str, str], counted: str = "Changed tokens"
) -> Table:
    """A line each, and the columns by the keys of their figures; what is counted are the changed tokens."""
    best = {key: best_of(lines, key, min if key.startswith(LOWER_IS_BETTER) else max) for key in columns}
    rows = []
    for line in lines:
        cells = [figure(line, key, getattr(line, key) == best[key]) for key in columns]
        counts = [Cell(f"{line.pieces:,}"), Cell(f"{line.changed_tokens:,}")]
        rows.append(Line(line.title, [*cells, *counts], line.model, marked=line.kind != BASELINE))
    headings = [NETWORK, *columns.values(), "Pieces", counted]
    return Table(caption, [Column(heading) for heading in headings], rows, wide=True)


def music_section(rows: Sequence[PartsFigures], words: str, real: str) -> Section:
    """What the music losses say of each row, and of real measures, called so."""
    keys = ("scale", "rhythm", "harmony")
    lines = [
        Line(row.title, [*(of_interval(row.music.get(key)) for key in keys), of_interval(row.kl)], row.model)
        for row in rows
    ]
    true = [*(of_interval(rows[0].bach.get(key)) for key in keys), Cell("")]
    lines.insert(0, Line(f"{real}, the same measures", true, marked=True))
    columns = [Column(heading) for heading in (NETWORK, *(key.capitalize() for key in keys), "KL")]
    table = Table(
        "Lower is what these losses ask for.", columns, [Line(f"{real}, the same measures", true, marked=True), *lines]
    )
    return Section("What the music losses say", [Text(words, "quiet small"), table])


def named_drawings(rows: Sequence[PartsFigures], real: str) -> list[tuple[str, str, Drawing]]:
    """Name, row and figures of all that was drawn, the test pieces first, called so."""
    tested = [(f"{real}, test pieces", "", one) for one in rows[0].drawings if one.material == REAL]
    return tested + [
        (row.title + ("" if one.material == DRAWN else f", {one.material}"), row.model, one)
        for row in rows
        for one in row.drawings
        if one.material != REAL
    ]


def distances_section(drawn: Sequence[tuple[str, str, Drawing]], words: str) -> Section:
    """Distances of histograms of what was drawn, mean over voices."""

    def mean(values: Sequence[float | None]) -> float | None:
        found = [value for value in values if value is not None]
        return sum(found) / len(found) if found else None

    keys = list(dict.fromkeys(key for _, _, one in drawn for key in one.distances))
    lines = [
        Line(
            name,
            [Cell(decimal(mean(one.distances.get(key, [])), 2)) for key in keys],
            model,
            marked=one.material == REAL,
        )
        for name, model, one in drawn
    ]
    table = Table("Lower is nearer.", [Column("Pieces drawn"), *(Column(key.capitalize()) for key in keys)], lines)
    return Section("Distances beside the floor", [Text(words, "quiet small"), table])
