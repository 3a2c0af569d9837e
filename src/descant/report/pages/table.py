"""The table as a page: what was measured here apart from what the paper prints of its own models."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from pydantic import Field

from descant.errors import ResultError
from descant.evaluation.table_scores import OURS, RATED_LEGEND
from descant.formatting import decimal
from descant.report.blocks import Block, Cell, Column, Items, Line, Page, Section, Table
from descant.report.registry import Builder
from descant.results import Given, read_table

PAPER = "paper_"
PAPER_HEADING = "The paper (2018), human ratings"
MEASURED_HEADING = "Measured here"
RATED_HEADING = "Rated here, by people"
MODEL_HEADING = "The model"
# columns that describe the model's shape and were not measured
SHAPE = ("beginning", "levels", "hop", "receptive_field", "parameters")
UNITS = {"_ms": "ms", "_samples": "samples", "_seconds": "s", "_hz": "Hz"}
SPREADS = ("_plus_minus", "_low", "_high")
THE_PAPER_S = " The tinted columns are the paper's own models, rated by people: not these models."


class TableGiven(Given):
    """What the page is made from.

    Attributes:
        table: CSV: a row a model, text and numbers; ``paper_*`` are the paper's.
        headings: of columns, where :func:`heading` is not to choose; some may be lacking.
        hidden: columns to leave out; some may be lacking.
        notes: below the table; where people rated models here, what these ratings are follows them.
    """

    table: Path
    headings: dict[str, str] = Field(default_factory=dict)
    hidden: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)


def _number(text: str) -> float | None:
    """The number in a cell, or None when it is absent."""
    value = float(text) if text.strip() else math.nan
    return None if math.isnan(value) else value


def _is_numeric(values: Sequence[str]) -> bool:
    try:
        for value in values:
            _number(value)
    except ValueError:
        return False
    return True


def decimals(texts: Sequence[str]) -> int:
    """Decimals at which a column shows four digits of its largest number, but none that was not given."""
    finite = [abs(float(text)) for text in texts if text.strip() and math.isfinite(float(text))]
    given = max((len(text.partition(".")[2]) for text in texts), default=0)
    if all(value == round(value) for value in finite):
        return 0
    largest = max(finite)
    return min(given, 3 if largest < 10 else max(0, 3 - math.floor(math.log10(largest))))


def heading(column: str) -> str:
    """``receptive_field_ms`` as ``receptive field (ms)``; the prefixes ``paper_`` and ``our_`` stand in the groups."""
    name, unit = column.removeprefix(PAPER).removeprefix(OURS), ""
    for ending, symbol in UNITS.items():
        if name.endswith(ending):
            name, unit = name.removesuffix(ending), f" ({symbol})"
    words = re.sub(r"_level(\d+)$", ", level\N{NO-BREAK SPACE}\\1", name).replace("_", " ")
    return words[:1].upper() + words[1:] + unit


def _group_of(column: str) -> str:
    if column.startswith(PAPER):
        return PAPER_HEADING
    if column.startswith(OURS):
        return RATED_HEADING
    return MODEL_HEADING if column.startswith(SHAPE) else MEASURED_HEADING


def build_table(
    rows: Sequence[Mapping[str, str]], headings: Mapping[str, str], hidden: Collection[str] = ()
) -> tuple[Table, list[str]]:
    """Lay out a table, and the notes of its rows.

    A row is headed by its ``title`` with ``model`` under it, or else by its first column. ``note`` goes below the
    table. ``NAME_low``, ``NAME_high`` and ``NAME_plus_minus`` go into the cell of ``NAME``.

    Raises:
        ResultError: when nothing is left to show.
    """
    columns = [column for column in rows[0] if column not in hidden]
    if not columns:
        raise ResultError("every column of the table is hidden", "hide fewer")
    head = "title" if "title" in columns else columns[0]
    name = "model" if "model" in columns and head != "model" else ""
    apart = {head, name, "note", *(column + ending for column in columns for ending in SPREADS)}
    order = [MODEL_HEADING, MEASURED_HEADING, RATED_HEADING, PAPER_HEADING]
    shown = sorted((c for c in columns if c not in apart), key=lambda c: order.index(_group_of(c)))
    cells = {column: _cells(column, rows) for column in shown}
    lines, notes = [], []
    for place, row in enumerate(rows):
        noted = "note" in columns and bool(row["note"])
        notes += [f"{row[head]}: {row['note']}"] if noted else []
        of_row = [cells[column][place] for column in shown]
        lines.append(Line(row[head], of_row, row[name] if name else "", note=len(notes) if noted else 0))
    reading = "A dash stands where there is no figure."
    reading += THE_PAPER_S if any(column.startswith(PAPER) for column in shown) else ""
    first = Column(headings.get(head, "Model" if head == "title" else heading(head)))
    others = [
        Column(headings.get(c, heading(c)), not _is_numeric([row[c] for row in rows]), c.startswith(PAPER))
        for c in shown
    ]
    groups = [(found, len(list(members))) for found, members in groupby(shown, _group_of)]
    return Table(reading, [first, *others], lines, groups, wide=True), notes


def _cells(column: str, rows: Sequence[Mapping[str, str]]) -> list[Cell]:
    texts = [row[column] for row in rows]
    if not _is_numeric(texts):
        return [Cell(text) for text in texts]
    beside = {ending: [row.get(column + ending, "") for row in rows] for ending in SPREADS}
    places = decimals([*texts, *(text for part in beside.values() for text in part)])
    if column.startswith(OURS):
        # as papers print ratings
        places = min(places, 2)
    spreads = [[_number(text) for text in beside[ending]] for ending in SPREADS]
    return [
        Cell(decimal(_number(text), places), _spread(within, low, high, places))
        for text, within, low, high in zip(texts, *spreads, strict=True)
    ]


def _spread(within: float | None, low: float | None, high: float | None, places: int) -> str:
    if within is not None:
        return f"± {decimal(within, places)}"
    return "" if low is None or high is None else f"{decimal(low, places)} – {decimal(high, places)}"


def build(given: TableGiven) -> Page:
    """The page: the table, and its notes."""
    rows = read_table(given.table)
    table, row_notes = build_table(rows, given.headings, given.hidden)
    rated = any(column.startswith(OURS) and column not in given.hidden for column in rows[0])
    notes = [*given.notes, RATED_LEGEND] if rated else given.notes
    lists = [*([Items(row_notes, "numbered")] if row_notes else []), *([Items(notes)] if notes else [])]
    blocks: list[Block] = [table, *([Section("Notes", lists)] if lists else [])]
    return Page("The table", blocks, "broad")


PAGE = Builder(TableGiven, build)
