import re
from pathlib import Path

import pytest
from page_reading import make_page, read_page, specs

from descant.errors import PageError, ResultError
from descant.report.charts import Point, thin
from descant.report.metrics import VALIDATION, read_metrics

HOSTILE = "</script><script>alert(1)</script>"


def write(path: Path, ada: bool, steps: int = 4, extra: str = "") -> Path:
    lines = ["step,split,metric,value"]
    for step in range(1, steps + 1):
        lines += [f"{step},train,bits,{8 / step}", f"{step},train,gradient_norm,1.0"]
        if ada:
            lines += [f"{step},validation,perplexity,{10 * step}", f"{step},validation,gap,{step / 10}"]
        lines += [f"{step},validation,bits,{9 / step}"]
    path.write_text("\n".join(lines) + "\n" + extra)
    return path


def page_of(folder: Path, **metrics: Path) -> str:
    return make_page("curves", folder / "out.html", metrics=metrics)


def last_figures(html: str) -> list[list[str]]:
    """The rows of the tables of last validations."""
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', html)
    return [[name, *re.findall(r"<td[^>]*>(.*?)</td>", cells)] for name, cells in rows]


def test_page_holds_every_series_and_one_copy_of_the_library(tmp_path: Path) -> None:
    names = ["vqvae8", "vqvae8.amae8", "large on audio", HOSTILE]
    files = {name: write(tmp_path / f"{number}.csv", ada=number < 2) for number, name in enumerate(names)}
    html = page_of(tmp_path, **files)
    page = read_page(html, str(tmp_path))
    assert HOSTILE not in html and html.count("window.vegaEmbed=") == 1 and html.count("<script") == 4 + 3
    assert "eval" not in next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert all(name in page.text for name in names)
    seen = []
    for spec in specs(html):
        values = next(iter(spec["datasets"].values()))
        seen.append({(row["series"], row["weight"]) for row in values})
        assert {layer["encoding"]["x"]["title"] for layer in spec["layer"]} == {"training steps"}
        assert (
            all(layer["encoding"]["y"]["title"] for layer in spec["layer"]) and spec["layer"][2]["encoding"]["tooltip"]
        )
    both = ("train", "validation")
    assert seen == [
        {(name, split) for name in names[:2] for split in both},
        {(name, "validation") for name in names[:2]},
        {(name, "validation") for name in names[:2]},
        {(name, split) for name in names[2:] for split in both},
    ]


def test_last_figures_are_shown_and_absent_ones_are_not_made_up(tmp_path: Path) -> None:
    html = page_of(tmp_path, a=write(tmp_path / "a.csv", True), p=write(tmp_path / "p.csv", False))
    assert last_figures(html) == [["a", "4", "2.250", "40.0", "0.400"], ["p", "4", "2.250"]]


def test_trainings_watched_by_another_figure_have_a_part_of_their_own(tmp_path: Path) -> None:
    lines = [f"{step},{split},log_loss,{step}" for step in (1, 2) for split in ("train", "validation")]
    (tmp_path / "m.csv").write_text("\n".join(["step,split,metric,value", "1,train,loss,3", *lines]) + "\n")
    assert read_metrics(tmp_path / "m.csv").headline == "log_loss"
    html = page_of(tmp_path, p=write(tmp_path / "p.csv", False), m=tmp_path / "m.csv")
    assert re.findall(r"<h2 id.*?>(.*?)</h2>", html) == ["Priors", "Log loss"]
    assert last_figures(html) == [["p", "4", "2.250"], ["m", "2", "2.000"]]
    small = [f"1,{split},loss,{0.00351}" for split in ("train", "validation")]
    (tmp_path / "s.csv").write_text("\n".join(["step,split,metric,value", *small]) + "\n")
    assert last_figures(page_of(tmp_path, s=tmp_path / "s.csv")) == [["s", "1", "0.00351"]]


def test_same_metrics_same_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", True)
    assert page_of(tmp_path, a=path) == page_of(tmp_path, a=path)


def test_long_series_are_averaged() -> None:
    points = [Point(step, float(step)) for step in range(1, 10_001)]
    few = thin(points, 400)
    assert len(few) == 400 and few[0].value == 13.0 and few[0].x == 25 and few[-1].x == 10_000
    assert thin(points[:3]) == points[:3] and thin([]) == []


def test_not_finite_is_left_out(tmp_path: Path) -> None:
    read = read_metrics(write(tmp_path / "a.csv", False, extra="5,train,bits,nan\n6,train,bits,inf\n"))
    assert read.steps == 4 and read.last("bits") == 2.25 and ("bits", VALIDATION) in read.points


@pytest.mark.parametrize(
    "text", ["", "step,value\n1,2\n", "step,split,metric,value\n", "step,split,metric,value\nx,train,bits,1\n",
             "step,split,metric,value\n1,train\n"]
)  # fmt: skip
def test_wrong_files_are_reported(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(ResultError, match="run snakemake again"):
        read_metrics(tmp_path / "m.csv", validated=True)


def test_a_missing_file_and_no_training_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="cannot be read"):
        read_metrics(tmp_path / "none.csv")
    with pytest.raises(PageError, match="no training"):
        page_of(tmp_path)
