"""The table of Mel2Mels, from metrics written by hand."""

import json
import re
from pathlib import Path

import pytest
from page_reading import make_page

from descant.commands.table_mel2mel import table_mel2mel
from descant.config.models import Ablation
from descant.errors import PageError, ResultError
from descant.evaluation.table_mel2mel import Line, Mel2MelTraining, TableGiven, summarise, to_markdown
from descant.results import parse_given, read_rows

PAPER = Ablation.model_validate(
    {"train": {"mean": 4.09, "plus_minus": 0.3}, "validation": {"mean": 4.75, "plus_minus": 0.05}}
)
# of 100 steps the last tenth begins at step 90
TRAIN = {10: 0.5, 80: 0.1, 90: 0.001, 95: 0.002, 100: 0.006}
VALIDATION = {50: 0.3, 89: 0.2, 90: 0.004, 100: 0.006}


def training(folder: Path, train: dict[int, float], validation: dict[int, float], **facts: object) -> Mel2MelTraining:
    lines = ["step,split,metric,value"]
    for split, figures in (("train", train), ("validation", validation)):
        for step, value in figures.items():
            lines += [f"{step},{split},tanh_log_abs,{value}", f"{step},{split},log_abs,{7 * value}"]
    path = folder / "metrics.csv"
    path.write_text("\n".join(lines) + "\n")
    given = {"model": "a", "title": "A | B", "metrics": path, "steps": 100, "parameters": 1234} | facts
    return Mel2MelTraining.model_validate(given)


def test_mean_and_deviation_of_the_last_tenth(tmp_path: Path) -> None:
    summary = summarise(TableGiven(rows=[training(tmp_path, TRAIN, VALIDATION, paper=PAPER)]))
    (line,) = summary.rows
    # of 1, 2 and 6: 3, and the root of (4 + 1 + 9) / 2; of 4 and 6: 5, and the root of 2
    assert (line.train, line.train_sd, line.train_figures) == (pytest.approx(3), pytest.approx(7**0.5), 3)
    assert (line.validation, line.validation_sd, line.validation_figures) == (
        pytest.approx(5), pytest.approx(2**0.5), 2,
    )  # fmt: skip
    assert (line.parameters, line.steps, summary.missing) == (1234, 100, [])
    text = to_markdown(summary)
    assert r"| A \| B " in text and "| 3.00 ± 2.65 " in text and "| 5.00 ± 1.41 " in text
    assert "| 4.09 ± 0.30 " in text and "| 4.75 ± 0.05 " in text
    assert "no interval over pieces" in text and "of another size and trained on other data" in text


@pytest.mark.parametrize(
    ("train", "validation", "figures", "missing"),
    [
        ({100: 0.001}, {100: 0.002}, (1, None, 2, None),
         ["1 training figure in the last tenth of training, so no deviation", "1 validation in the last tenth of"]),
        (TRAIN, {}, (3, 7**0.5, None, None), ["0 validations in the last tenth of training, so no figure"]),
        ({10: 0.1, 50: 0.2}, {50: 0.3}, (None, None, None, None),
         ["trained for 50 of 100 steps", "0 training figures in", "0 validations in"]),
        (TRAIN, {90: 0.001, 95: float("nan"), 100: 0.003}, (3, 7**0.5, 2, 2**0.5), []),
    ],
)  # fmt: skip
def test_what_is_missing_is_said(
    tmp_path: Path,
    train: dict[int, float],
    validation: dict[int, float],
    figures: tuple[float | None, ...],
    missing: list[str],
) -> None:
    summary = summarise(TableGiven(rows=[training(tmp_path, train, validation)]))
    (line,) = summary.rows
    assert (line.train, line.train_sd, line.validation, line.validation_sd) == tuple(
        None if figure is None else pytest.approx(figure) for figure in figures
    )
    assert len(summary.missing) == len(missing)
    assert all(said.startswith(f"A | B: {words}") for said, words in zip(summary.missing, missing, strict=True))
    text = to_markdown(summary)
    assert "dissertation" not in text and all(said in text for said in summary.missing)


def test_the_command_and_the_section_of_the_page(tmp_path: Path) -> None:
    whole = training(tmp_path, TRAIN, VALIDATION, title="<b>&", paper=PAPER)
    short = tmp_path / "short.csv"
    short.write_text("step,split,metric,value\n50,train,tanh_log_abs,0.1\n")
    rows = [whole, whole.model_copy(update={"model": "b", "metrics": short, "paper": None})]
    given = TableGiven(rows=rows).model_dump_json()
    csv, markdown, summary = (tmp_path / f"table.{ending}" for ending in ("csv", "md", "json"))
    table_mel2mel(given, csv, markdown, summary)
    read = read_rows(Line, csv)
    assert [line.model for line in read] == ["a", "b"] and read[0].validation == pytest.approx(5)
    assert read[1].paper_train is None and read[1].train is None and markdown.read_text().count("±") > 3
    assert len(json.loads(summary.read_text())["missing"]) == 3
    html = make_page("curves", tmp_path / "out.html", metrics={"a": tmp_path / "metrics.csv"}, mel2mel=summary)
    assert "<h2 id" in html and "Mel2Mels compared" in html and "&lt;b&gt;&amp;" in html
    section = html[html.index("Mel2Mels compared</h2>") :]
    cells = [re.sub(r"<[^>]*>", " ", cell).split() for cell in re.findall(r"<td[^>]*>(.*?)</td>", section)]
    assert cells[:6] == [
        ["1,234"], ["100"], ["3.00", "±", "2.65"], ["5.00", "±", "1.41"], ["4.09", "±", "0.30"], ["4.75", "±", "0.05"],
    ]  # fmt: skip
    assert "another size, other data" in section and "trained for 50 of 100 steps" in section


def test_wrong_files_and_names_given_twice_are_refused(tmp_path: Path) -> None:
    row = training(tmp_path, TRAIN, VALIDATION)
    with pytest.raises(PageError, match="a is given twice"):
        parse_given(TableGiven, json.dumps({"rows": [row.model_dump(mode="json")] * 2}))
    row.metrics.write_text("step\n")
    with pytest.raises(ResultError, match="columns"):
        summarise(TableGiven(rows=[row]))
