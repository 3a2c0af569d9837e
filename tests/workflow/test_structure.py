"""Structure and notes in the pipeline: where hardly anything can be measured, the pages say so and nothing stops."""

import json
from pathlib import Path

import pandas as pd
import pytest
from pipeline import ROOT, TINY, planned, run

from descant.config.loading import load

pytestmark = pytest.mark.slow
MEASURED = "results/evaluation/structure"


def test_a_tenth_of_a_second_shows_its_level_and_why_nothing_else(finished: Path) -> None:
    models = set(load(ROOT / "config.yaml", TINY).models)
    summary = json.loads((finished / MEASURED / "summary.json").read_text())
    assert set(summary["models"]) == models and summary["kept"] == []
    assert any("excerpts of 0.11 s are too short" in reason for reason in summary["missing"])
    for values in (summary["real"], *summary["models"].values()):
        assert values["silent_share"] is not None and values["pulse_clarity"] is None
    table = pd.read_csv(finished / MEASURED / "table.csv")
    assert {f"drawn:{model}" for model in models} < set(table["source"])
    page = (finished / "results/report/structure.html").read_text()
    assert str(finished) not in page and "Not reported: the excerpts are shorter than the two seconds" in page
    assert not list((finished / "results/evaluation/transcription").glob("*/*.mid"))


def test_longer_excerpts_measure_again_and_draw_again_nothing(finished: Path, tmp_path: Path) -> None:
    change = tmp_path / "shorter.yaml"
    change.write_text(TINY.read_text().replace("evaluation: {", "evaluation: {structure: {seconds: 0.05}, "))
    jobs = planned(finished, f"{MEASURED}/summary.json", over=change)
    assert {job.split()[0] for job in jobs} == {
        "measure_structure",
        "measure_real_structure",
        "transcribe",
        "transcribe_real",
        "structure_summary",
    }


def test_another_order_of_the_blocks_leaves_the_models_alone(finished: Path, tmp_path: Path) -> None:
    change = tmp_path / "blocks.yaml"
    change.write_text(TINY.read_text().replace("evaluation: {", "evaluation: {structure: {block_seconds: 0.2}, "))
    jobs = planned(finished, f"{MEASURED}/summary.json", over=change)
    assert {job.split()[0] for job in jobs} == {"measure_real_structure", "transcribe_real", "structure_summary"}


def test_it_is_the_same_twice(finished: Path) -> None:
    before = (finished / MEASURED / "summary.json").read_bytes()
    forced = ["measure_real_structure", "transcribe_real", "structure_summary"]
    run(finished, "--cores", "1", f"{MEASURED}/summary.json", "--forcerun", *forced)
    assert (finished / MEASURED / "summary.json").read_bytes() == before
