from pathlib import Path

import pandas as pd
import pytest

from descant.corpus.table import REJECTED, USED, Entry, columns, read_table, write_csv, write_table
from descant.errors import ResultError
from descant.sequences import Labels

TITLES = ["<script>alert(1)</script>", '=cmd|"/c calc"!A1', "a,b;c", "", "\N{SNOWMAN} é", 'quo"te', "{{ 7*7 }}"]


def entries() -> tuple[Entry, ...]:
    return tuple(
        Entry(f"{n:016x}", title, f"{n}.wav", n / 3, 16000, 1, USED, "train", "", "", artist=title[::-1], genre=title)
        for n, title in enumerate(TITLES)
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_table(entries(), tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet") == entries()
    write_table((), tmp_path / "none.parquet")
    assert read_table(tmp_path / "none.parquet") == ()
    with pytest.raises(ResultError, match="cannot be read"):
        read_table(tmp_path / "missing.parquet")


def test_labels_are_data_in_the_csv(tmp_path: Path) -> None:
    write_csv(entries(), tmp_path / "t.csv")
    table = pd.read_csv(tmp_path / "t.csv", dtype=str, keep_default_na=False)
    assert list(table.columns) == columns() and list(table["title"]) == TITLES
    assert list(table["artist"]) == [title[::-1] for title in TITLES]


def test_setting_aside_keeps_the_labels() -> None:
    first = entries()[0]
    aside = first.set_aside("no sound", "0" * 16)
    assert (aside.status, aside.split, aside.reason, aside.duplicate_of) == (REJECTED, "", "no sound", "0" * 16)
    assert aside.labels == first.labels == Labels(TITLES[0], TITLES[0][::-1], TITLES[0]) and not aside.is_used
