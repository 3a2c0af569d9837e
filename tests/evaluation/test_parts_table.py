"""The table of models of parts and its page, from figures written by hand."""

from dataclasses import replace
from pathlib import Path

import pytest
from page_reading import make_page, read_page

from descant.commands.table_parts import table_parts
from descant.errors import ResultError
from descant.evaluation.parts_baselines import (
    ALL,
    CLEAN,
    COMPOSE,
    FILL,
    BaselineRow,
    PartsBaselines,
)
from descant.evaluation.parts_scores import BASELINE, NEXT, PartsLine
from descant.evaluation.parts_table import DRAWN, MASKED, REAL, Drawing, PartsFigures, PartsTable, join
from descant.report.pages.parts import best_in_words
from descant.results import read_json, read_rows, write_json
from descant.scores.parts import VOICES
from descant.scores.voice_leading import Rates
from descant.statistics import Interval

RATES = Rates(0.17, 0.06, 1.25, None, 0.5, 0.5, 0.0)
FIGURES = ("nats_per_token", "nats_per_changed_token", "accuracy", "changed_accuracy")
HOSTILE = "<b>"


def baseline(task: str, coding: str = "events", material: str = ALL) -> BaselineRow:
    figures = {key + end: value for key in FIGURES for end, value in (("", 0.5), ("_low", 0.4), ("_high", 0.6))}
    return BaselineRow(task, coding, "n-gram", material, pieces=6, tokens=100, changed_tokens=20, **figures)


def line(task: str, name: str, value: float, bound: bool = False, material: str = ALL) -> PartsLine:
    kind = BASELINE if name == "hold" else "rmvae"
    skipped = {COMPOSE: "accuracy", NEXT: "nats"}.get(task, "none")
    figures = {key + end: None if end or skipped in key else value for key in FIGURES for end in ("", "_low", "_high")}
    return PartsLine(task, "" if name == "hold" else name, name, kind, bound, material, 3, 90, 18, **figures)


def row(name: str, value: float, bound: bool, *materials: str) -> PartsFigures:
    lines = [line(task, name, value, bound) for task in (COMPOSE, NEXT, *map(FILL.format, VOICES))]
    lines += [line(COMPOSE, name, value, bound, CLEAN), line(NEXT, "hold", 0.0)]
    interval, real = Interval(value, value / 2, 2 * value), Drawing(REAL, 3, 40, RATES, {"pitch": [0.5, 1.0]})
    drawings = [real, *(Drawing(one, 2, 8, RATES, {"pitch": [2.5, None]}) for one in materials)]
    music = dict.fromkeys(("scale", "rhythm", "harmony"), interval)
    return PartsFigures(
        name, name, "rmvae", bound, lines, {"soprano": interval}, interval if bound else None, music, music, drawings
    )


BASELINES = PartsBaselines(
    0.95,
    [baseline(COMPOSE), baseline(COMPOSE, "merged"), *(baseline(FILL.format(voice)) for voice in VOICES)],
    [],
)
ROWS = [row("exact", 0.375, False, DRAWN, MASKED), row(HOSTILE, 0.25, True, DRAWN)]


def test_rows_stand_beside_the_baselines_in_their_own_coding(tmp_path: Path) -> None:
    table = join(BASELINES, ROWS)
    assert [(one.title, one.task) for one in table.lines if one.kind == BASELINE] == [
        ("n-gram", COMPOSE), *(("n-gram", FILL.format(voice)) for voice in VOICES), ("hold", NEXT),
    ]  # fmt: skip
    assert len(table.lines) == 6 + 2 * 7
    counted, of_ours = next(one for one in BASELINES.rows), table.lines[0]
    assert {key: getattr(counted, key) for key in FIGURES} == {key: getattr(of_ours, key) for key in FIGURES}
    files = [tmp_path / f"{number}.json" for number in range(2)]
    for path, one in zip(files, ROWS, strict=True):
        write_json(path, one)
    write_json(tmp_path / "baselines.json", BASELINES)
    table_parts(files, tmp_path / "baselines.json", tmp_path / "t.json", tmp_path / "t.csv")
    assert read_json(PartsTable, tmp_path / "t.json") == table
    assert read_rows(PartsLine, tmp_path / "t.csv") == table.lines
    files[0].write_text("{")
    with pytest.raises(ResultError):
        table_parts(files, tmp_path / "baselines.json", tmp_path / "t.json", tmp_path / "t.csv")


def test_the_page_says_what_is_a_bound_what_is_best_and_what_is_the_thesis_s(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    write_json(path, join(BASELINES, ROWS))
    html = make_page("parts", tmp_path / "parts.html", table=path)
    page = read_page(html, str(tmp_path), HOSTILE)
    assert "≤ 0.250" in page.text and "≤ 0.375" not in page.text and "[0.400, 0.600]" in page.text
    assert "exact, drawn by the rules" in page.text and "Bach, test pieces" in page.text
    assert f"On: {CLEAN}." in page.text and "21.1 % / 44.5 % / 34.4 %" in page.text
    assert "not measured here" in page.text and "read the columns of changed ones" in page.text


def test_the_best_is_named_with_what_it_is_best_at() -> None:
    table = join(BASELINES, ROWS)
    words = best_in_words(table)
    assert words[0] == "Composing, by nats a changed token: <b> (a bound), 0.25."
    assert words[1] == "The next measure, by changed tokens that are right: exact, 0.38."
    assert words[2:] == [f"Filling the {voice}, by the same: n-gram, 0.50." for voice in VOICES]
    alike = replace(table, lines=[line(NEXT, "a", 0.5), line(NEXT, "b", 0.5)])
    assert best_in_words(alike) == ["The next measure, by changed tokens that are right: a and b, 0.50."]
