"""The rows of the table as the front page has them: in short, and a few to hear."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from descant.errors import ResultError
from descant.evaluation.table import FRESH
from descant.formatting import bracketed
from descant.report.blocks import Cell, Column, Line, Table

BITS = ("bits_per_sample", "bits_per_sample_low", "bits_per_sample_high")


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        model: its name in the configuration.
        title: what people call it.
        address: of its page, or empty.
        levels: sequences from audio up.
        bits: per sample; None for a model without a likelihood of audio.
        interval: of the bits, or empty.
        ratings: fidelity and musicality that the paper prints of its own model, or empty.
        beginning: that its networks began from trained ones, or empty.
    """

    model: str
    title: str
    address: str
    levels: int
    bits: float | None
    interval: str
    ratings: tuple[str, str]
    beginning: str = ""


def read_rows(table: Sequence[Mapping[str, str]], pages: Sequence[str]) -> list[Row]:
    """The rows of the table that ``descant.commands.table`` wrote, as text.

    Raises:
        ResultError: when a column is missing or holds no number.
    """
    rows = []
    try:
        for row in table:
            page = f"players/{row['model']}"
            bits, low, high = (float(row[key]) if row[key] else None for key in BITS)
            named = row["model"], row["title"], f"{page}.html" if page in pages else "", int(row["levels"])
            ratings = _rating(row, "fidelity"), _rating(row, "musicality")
            beginning = row.get("beginning", "").removeprefix(FRESH)
            rows.append(Row(*named, bits, bracketed(low, high, 2), ratings, beginning))
    except (KeyError, ValueError) as error:
        raise ResultError(f"the table is not the one of this pipeline: {error!r}", "run snakemake again") from error
    return rows


def _rating(row: Mapping[str, str], name: str) -> str:
    mean, within = row.get(f"paper_{name}", ""), row.get(f"paper_{name}_plus_minus", "")
    return f"{float(mean):.2f} ± {float(within):.2f}" if mean and within else ""


def choose_rows(rows: Sequence[Row]) -> list[tuple[Row, str]]:
    """Up to three rows to hear and why: by bits, by depth and a plain WaveNet, no row twice.

    Among equals the fewest bits per sample decide, then the order of the table; what is left out is a role that no
    other row can take.
    """
    if not rows:
        return []
    by_bits = sorted(rows, key=_bits_or_last)
    best, others = by_bits[0], by_bits[1:]
    chosen = [(best, "the first row of the table" if best.bits is None else "the fewest bits per sample of all")]
    most = max((row.levels for row in others), default=1)
    if most > 1:
        chosen.append(_fewest([row for row in others if row.levels == most], f"a stack of {most} levels"))
    plain = [row for row in others if row.levels == 1]
    if plain:
        chosen.append(_fewest(plain, f"{'another' if best.levels == 1 else 'a'} WaveNet with no codes"))
    return chosen


def _fewest(by_bits: Sequence[Row], what: str) -> tuple[Row, str]:
    first = by_bits[0]
    return first, what if len(by_bits) == 1 or first.bits is None else f"{what}, the fewest bits of these"


def _bits_or_last(row: Row) -> float:
    return math.inf if row.bits is None else row.bits


def board(rows: Sequence[Row]) -> Table:
    """The table in short: bits, and the ratings that the paper prints of its own models."""
    scored = [row for row in rows if row.bits is not None]
    fewest = min(scored, key=_bits_or_last, default=None)
    rated, bounded = any(any(row.ratings) for row in rows), [row for row in rows if row.interval]
    caption = f"Fewer bits are better{'; in brackets their interval over test tracks' if bounded else ''}."
    if len(bounded) < len(scored):
        caption += " No interval: under five test tracks."
    columns = [Column("Model"), Column("Bits per sample, at most")]
    if rated:
        caption += " The tinted columns are the paper's ratings by people of its own models (2018), not of these."
        columns += [Column(f"{name} (paper)", tinted=True) for name in ("Fidelity", "Musicality")]
    lines = []
    for row in rows:
        cells = [Cell("" if row.bits is None else f"{row.bits:.2f}", row.interval, row is fewest)]
        cells += [Cell(rating) for rating in row.ratings] if rated else []
        lines.append(Line(row.title, cells, row.beginning, row.address))
    return Table(caption, columns, lines)
