"""The table as an accessible page: what was measured here apart from what the paper prints of its own models."""

import csv
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from descant.errors import DescantError
from descant.evaluation.pages import render
from descant.evaluation.table_scores import OURS, RATED_LEGEND

PAPER = "paper_"
PAPER_HEADING = "The paper (2018), human ratings"
MEASURED_HEADING = "Measured here"
RATED_HEADING = "Rated here, by people"
MODEL_HEADING = "The model"
# columns that tell of the model's shape and were not measured
SHAPE = ("levels", "hop", "receptive_field", "parameters")
UNITS = {"_ms": "ms", "_samples": "samples", "_seconds": "s", "_hz": "Hz"}
SPREADS = ("_plus_minus", "_low", "_high")


class TableError(DescantError):
    """A table cannot be shown."""


@dataclass(frozen=True)
class Cell:
    """What stands in a cell; empty text is an absent figure.

    Attributes:
        text: the figure or the word.
        spread: its interval, or empty.
        kind: ``text`` or ``number``.
        paper: whether the paper printed it.
    """

    text: str
    spread: str
    kind: str
    paper: bool


@dataclass(frozen=True)
class Line:
    """A row: its heading, the name in the configuration, the number of its note (0 = none), and its cells."""

    heading: str
    name: str
    note: int
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Group:
    """A spanning header over neighbouring columns."""

    heading: str
    columns: Sequence[str]
    paper: bool


@dataclass(frozen=True)
class TablePage:
    """All that stands on the page; see ``templates/table.html``."""

    title: str
    head: str
    groups: Sequence[Group]
    lines: Sequence[Line]
    row_notes: Sequence[str]
    notes: Sequence[str]


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a CSV with a header as text.

    Raises:
        TableError: when it cannot be read, is empty or ragged.
    """
    cure = "delete it and run snakemake again"
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise TableError(f"{path} cannot be read: {error}", cure) from error
    if not rows:
        raise TableError(f"{path} has no rows", cure)
    if any(None in row or None in row.values() for row in rows):
        raise TableError(f"{path} has rows that are longer or shorter than its header", cure)
    return rows


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
    """``receptive_field_ms`` as ``receptive field (ms)``; the prefixes ``paper_`` and ``our_`` are told by groups."""
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


def build_page(
    title: str,
    rows: Sequence[Mapping[str, str]],
    headings: Mapping[str, str],
    notes: Sequence[str],
    hidden: Collection[str] = (),
) -> TablePage:
    """Lay out a table.

    A row is headed by its ``title`` with ``model`` under it, or else by its first column. ``note`` goes below the
    table. ``NAME_low``, ``NAME_high`` and ``NAME_plus_minus`` go into the cell of ``NAME``.

    Args:
        title: of the page.
        rows: text by column.
        headings: of columns, where :func:`heading` is not to choose; a column that the table lacks is passed over,
            so that one list serves runs of any number of levels.
        notes: below the table; where people rated models here, what these ratings are is told after them.
        hidden: columns to leave out; again, some may be lacking.

    Raises:
        TableError: when nothing is left to show.
    """
    columns = [column for column in rows[0] if column not in hidden]
    if not columns:
        raise TableError("every column is hidden", "leave out a --hide")
    head = "title" if "title" in columns else columns[0]
    name = "model" if "model" in columns and head != "model" else ""
    noted = [bool(row["note"]) if "note" in columns else False for row in rows]
    spreads = {column + ending for column in columns for ending in SPREADS}
    apart = {head, name, "note", *spreads}
    order = [MODEL_HEADING, MEASURED_HEADING, RATED_HEADING, PAPER_HEADING]
    shown = sorted((c for c in columns if c not in apart), key=lambda c: order.index(_group_of(c)))
    cells = {column: _cells(column, rows) for column in shown}
    row_notes = [f"{row[head]}: {row['note']}" for row, has in zip(rows, noted, strict=True) if has]
    numbers = [sum(noted[: place + 1]) if has else 0 for place, has in enumerate(noted)]
    return TablePage(
        title=title,
        head=headings.get(head, "Model" if head == "title" else heading(head)),
        groups=[
            Group(found, [headings.get(c, heading(c)) for c in members], found == PAPER_HEADING)
            for found, members in groupby(shown, _group_of)
        ],
        lines=[
            Line(
                heading=row[head],
                name=row[name] if name else "",
                note=numbers[place],
                cells=[cells[column][place] for column in shown],
            )
            for place, row in enumerate(rows)
        ],
        row_notes=row_notes,
        notes=[*notes, RATED_LEGEND] if any(column.startswith(OURS) for column in shown) else notes,
    )


def _cells(column: str, rows: Sequence[Mapping[str, str]]) -> list[Cell]:
    paper, texts = column.startswith(PAPER), [row[column] for row in rows]
    if not _is_numeric(texts):
        return [Cell(text, "", "text", paper) for text in texts]
    beside = {ending: [row.get(column + ending, "") for row in rows] for ending in SPREADS}
    places = decimals([*texts, *(text for part in beside.values() for text in part)])
    if column.startswith(OURS):
        # as papers print ratings
        places = min(places, 2)
    values = [_number(text) for text in texts]
    spreads = {ending: [_number(text) for text in part] for ending, part in beside.items()}
    return [
        Cell(
            text=_told(value, places),
            spread=_spread(within, low, high, places),
            kind="number",
            paper=paper,
        )
        for value, within, low, high in zip(values, *(spreads[ending] for ending in SPREADS), strict=True)
    ]


def _told(value: float | None, places: int) -> str:
    return "" if value is None else f"{value:,.{places}f}".replace("-", "\N{MINUS SIGN}")


def _spread(within: float | None, low: float | None, high: float | None, places: int) -> str:
    if within is not None:
        return f"± {_told(within, places)}"
    if low is not None and high is not None:
        return f"{_told(low, places)} – {_told(high, places)}"
    return ""


def table_html(page: TablePage) -> str:
    """The page as HTML."""
    return render("table.html", {"page": page})
