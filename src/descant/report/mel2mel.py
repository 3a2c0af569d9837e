"""The table of Mel2Mels as a part of a page."""

from pathlib import Path

from descant.evaluation.table_mel2mel import LEGEND, PAPER_LEGEND, Mel2MelSummary, has_paper
from descant.formatting import decimal
from descant.report.blocks import Block, Cell, Column, Items, Line, Section, Table, Text
from descant.results import read_json

HEADING = "Mel2Mels compared"
DIGITS = 2
LOSSES = ("Training loss ×10³", "Validation loss ×10³")


def _cell(mean: float | None, deviation: float | None) -> Cell:
    return Cell(decimal(mean, DIGITS), "" if deviation is None else f"± {decimal(deviation, DIGITS)}")


def mel2mel_section(path: Path) -> Section:
    """The table, what its figures are, and what is missing from it.

    Args:
        path: of the summary that the command ``table_mel2mel`` wrote.

    Raises:
        ResultError: when it cannot be read.
    """
    summary = read_json(Mel2MelSummary, path)
    published = has_paper(summary.rows)
    columns = [Column(heading) for heading in ("Network", "Parameters", "Steps", *LOSSES)]
    lines = []
    for row in summary.rows:
        cells = [Cell(f"{row.parameters:,}"), Cell(f"{row.steps:,}")]
        cells += [_cell(row.train, row.train_sd), _cell(row.validation, row.validation_sd)]
        if published:
            cells += [
                _cell(row.paper_train, row.paper_train_plus_minus),
                _cell(row.paper_validation, row.paper_validation_plus_minus),
            ]
        lines.append(Line(row.title, cells, row.model))
    groups = [("Measured here", 4)]
    legends = [LEGEND]
    if published:
        columns += [Column(heading, tinted=True) for heading in LOSSES]
        groups.append(("Kim's dissertation (2019): another size, other data", 2))
        legends.append(PAPER_LEGEND)
    table = Table("A dash stands where there is no figure.", columns, lines, groups, wide=True)
    missing: list[Block] = [Items(summary.missing, "small")] if summary.missing else []
    return Section(HEADING, [table, *(Text(words, "quiet small") for words in legends), *missing])
