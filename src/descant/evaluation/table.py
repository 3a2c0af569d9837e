"""The table: one row a model, our likelihoods, and beside them what the paper prints.

For a stack, bits per sample ≤ Σ over levels of bits(level | level above) / hop(level), the top level's bits being its
prior's: -log p(x) ≤ -log p(x, codes), since the codes are a function of x. This bound compares all rows that have it:
one whose codes are decoded in one pass has bits of its codes alone, and none of the audio.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from descant.config.models import Paper
from descant.errors import ModelFileError
from descant.parquet import read_own
from descant.statistics import Bootstrap, ratio_interval

# where another row began from trained networks
FRESH = "from fresh weights"
BITS = pa.schema([("track", pa.string()), ("steps", pa.int64()), ("samples", pa.int64()), ("bits", pa.float64())])
TRACK_COLUMNS = ("model", "track", "samples", "bits")


@dataclass(frozen=True)
class Row:
    """A model's facts and the bits of its levels.

    Attributes:
        model: its name in the configuration.
        title: name of the row.
        note: what a reader must know of it.
        beginning: whether its networks began from trained ones, in words; empty for fresh weights.
        levels: that are drawn, the audio counted.
        receptive_field: the prior's, in audio samples.
        trained_steps: optimizer steps of all its networks; 0: they keep the weights that they began with.
        bits: a table a level (track, steps, samples, bits), the finest first; empty where there is no likelihood.
        paper: what the paper prints, or None.
        finest: the finest level drawn: 0 is the audio; of codes that are decoded there are no bits of the audio.
    """

    model: str
    title: str
    note: str
    beginning: str
    levels: int
    receptive_field: int
    trained_steps: int
    bits: Sequence[pd.DataFrame]
    paper: Paper | None
    finest: int = 0


def read_bits(path: Path) -> pd.DataFrame:
    """The bits of every test track under one network, as ``likelihood`` wrote them.

    Raises:
        ResultError: when the file cannot be read.
    """
    bits: pd.DataFrame = read_own(path, BITS).to_pandas()
    return bits


def track_bits(row: Row) -> pd.DataFrame:
    """The bound of every track, bits of all levels added: model, track, samples, bits; of at least one level.

    Raises:
        ModelFileError: when the levels did not score the same samples of the same tracks.
    """
    first = row.bits[0].set_index("track")
    total = pd.Series(0.0, index=first.index)
    for table in row.bits:
        by_track = table.set_index("track").reindex(first.index)
        # a level's last step may reach beyond the audio, by less than a step
        beyond = by_track["samples"] - first["samples"]
        if len(table) != len(first) or not (beyond.ge(0) & (beyond * by_track["steps"]).lt(by_track["samples"])).all():
            raise ModelFileError(
                f"the levels of {row.model} scored different tracks", "delete results/likelihood and run again"
            )
        total += by_track["bits"]
    frame = pd.DataFrame({"samples": first["samples"], "bits": total}).reset_index()
    frame.insert(0, "model", row.model)
    return frame


def measure(row: Row, sample_rate: int, bootstrap: Bootstrap) -> dict[str, object]:
    """The measured columns of a row; those of the audio are absent where codes are decoded to it.

    Raises:
        ModelFileError: when the levels did not score the same samples of the same tracks.
    """
    if not row.bits:
        return {}
    first = track_bits(row)
    columns: dict[str, object] = {
        f"bits_per_step_level{level}": float(table["bits"].sum() / table["steps"].sum())
        for level, table in enumerate(row.bits, row.finest)
    }
    bits, samples = first["bits"].to_numpy(np.float64), first["samples"].to_numpy(np.int64)
    bound = ratio_interval(bits, samples, bootstrap)
    columns["bits_per_second"] = bound.value * sample_rate
    if not row.finest:
        columns["bits_per_sample"] = bound.value
        columns["bits_per_sample_low"] = bound.low
        columns["bits_per_sample_high"] = bound.high
    columns["test_tracks"] = len(first)
    columns["test_seconds"] = float(first["samples"].sum() / sample_rate)
    return columns


def build_table(rows: Sequence[Row], sample_rate: int, bootstrap: Bootstrap) -> pd.DataFrame:
    """The whole table; what was not measured or not printed is absent (NaN)."""
    lines = []
    for row in rows:
        line: dict[str, object] = {
            "model": row.model,
            "title": row.title,
            "levels": row.levels,
            "receptive_field_samples": row.receptive_field,
            "receptive_field_ms": 1000 * row.receptive_field / sample_rate,
            "trained_steps": row.trained_steps,
            **({"beginning": row.beginning or FRESH} if any(each.beginning for each in rows) else {}),
            **measure(row, sample_rate, bootstrap),
        }
        if row.paper is not None:
            line["paper_receptive_field_ms"] = row.paper.receptive_field_ms
            for name, score in (("fidelity", row.paper.fidelity), ("musicality", row.paper.musicality)):
                line[f"paper_{name}"] = score.mean
                line[f"paper_{name}_plus_minus"] = score.plus_minus
        line["note"] = row.note
        lines.append(line)
    table = pd.DataFrame(lines, columns=_ordered(list(dict.fromkeys(name for line in lines for name in line))))
    # whole numbers stay whole beside an absent one
    return table.astype({"test_tracks": "Int64"})


BOUND = ("bits_per_second", "bits_per_sample", "bits_per_sample_low", "bits_per_sample_high")
MEASURED = (*BOUND, "test_tracks", "test_seconds")


def _ordered(columns: list[str]) -> list[str]:
    level = [name for name in columns if name.startswith("bits_per_step_level")]
    paper = [name for name in columns if name.startswith("paper_")]
    facts = [name for name in columns if name not in (*level, *paper, *MEASURED, "note")]
    return [*facts, *sorted(level), *MEASURED, *paper, "note"]
