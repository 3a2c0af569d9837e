import json
import re
from pathlib import Path

import pytest
from page_reading import read_page

from descant.evaluation.charts import Point, thin
from descant.evaluation.curves import CurvesError, build_groups, curves_html, read_curves

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


def specs(html: str) -> list[dict]:
    return [json.loads(text) for text in re.findall(r'<script type="application/json">(.*?)</script>', html, re.S)]


def test_page_holds_every_series_and_one_copy_of_the_library(tmp_path: Path) -> None:
    names = ["vqvae8", "vqvae8.amae8", "large on audio", HOSTILE]
    read = [read_curves(name, write(tmp_path / f"{number}.csv", ada=number < 2)) for number, name in enumerate(names)]
    html = curves_html(f"Curves {HOSTILE}", read)
    page = read_page(html, str(tmp_path))
    assert HOSTILE not in html and html.count("window.vegaEmbed=") == 1 and html.count("<script") == 4 + 3
    assert "eval" not in next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert all(name in page.text for name in names)
    seen = []
    for spec in specs(html):
        values = next(iter(spec["datasets"].values()))
        seen.append({(row["training"], row["split"]) for row in values})
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


def test_last_figures_are_told_and_absent_ones_are_not_made_up(tmp_path: Path) -> None:
    adas, priors = build_groups(
        [read_curves("a", write(tmp_path / "a.csv", True)), read_curves("p", write(tmp_path / "p.csv", False))]
    )
    assert [(f.steps, f.headline, f.perplexity, f.gap) for f in adas.finals] == [("4", "2.250", "40.0", "0.400")]
    assert [(f.headline, f.perplexity, f.gap) for f in priors.finals] == [("2.250", "", "")]


def test_trainings_watched_by_another_figure_have_a_part_of_their_own(tmp_path: Path) -> None:
    lines = [f"{step},{split},log_loss,{step}" for step in (1, 2) for split in ("train", "validation")]
    (tmp_path / "m.csv").write_text("\n".join(["step,split,metric,value", "1,train,loss,3", *lines]) + "\n")
    read = [read_curves("p", write(tmp_path / "p.csv", False)), read_curves("m", tmp_path / "m.csv")]
    assert [training.headline for training in read] == ["bits", "log_loss"]
    groups = build_groups(read)
    assert [(group.heading, group.unit, [f.headline for f in group.finals]) for group in groups] == [
        ("Priors", "Bits per step", ["2.250"]),
        ("Log loss", "log loss", ["2.000"]),
    ]


def test_same_metrics_same_bytes(tmp_path: Path) -> None:
    read = [read_curves("a", write(tmp_path / "a.csv", True))]
    assert curves_html("t", read) == curves_html("t", read)


def test_long_series_are_averaged() -> None:
    points = [Point("a", step, "train", float(step)) for step in range(1, 10_001)]
    few = thin(points, 400)
    assert len(few) == 400 and few[0].value == 13.0 and few[0].step == 25 and few[-1].step == 10_000
    assert thin(points[:3]) == points[:3] and thin([]) == []


def test_not_finite_is_left_out(tmp_path: Path) -> None:
    read = read_curves("a", write(tmp_path / "a.csv", False, extra="5,train,bits,nan\n6,train,bits,inf\n"))
    assert max(point.step for point in read.points["bits"]) == 4


@pytest.mark.parametrize(
    "text", ["", "step,value\n1,2\n", "step,split,metric,value\n", "step,split,metric,value\nx,train,bits,1\n",
             "step,split,metric,value\n1,train\n"]
)  # fmt: skip
def test_wrong_files_are_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(CurvesError, match="run snakemake again"):
        read_curves("a", tmp_path / "m.csv")


def test_missing_file_and_names_given_twice(tmp_path: Path) -> None:
    with pytest.raises(CurvesError, match="cannot be read"):
        read_curves("a", tmp_path / "none.csv")
    read = read_curves("a", write(tmp_path / "a.csv", False))
    for given in ([], [read, read]):
        with pytest.raises(CurvesError, match="--metrics"):
            curves_html("t", given)
