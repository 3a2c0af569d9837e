"""Distances in the pipeline: at test size hardly anything can be measured, and all of that is shown."""

import csv
import json
from pathlib import Path

import pytest
import yaml
from page_reading import read_page
from pipeline import ROOT, TINY, planned

from descant.config.loading import load, merge
from descant.config.reading import read_yaml

pytestmark = pytest.mark.slow


def test_what_cannot_be_measured_is_reported_and_stops_nothing(finished: Path) -> None:
    config, folder = load(ROOT / "config.yaml", TINY), finished / "results/evaluation/distances"
    summary = json.loads((folder / "summary.json").read_text())
    assert set(summary["headline"]["models"]) == set(config.models) and summary["headline"]["floor"] is None
    assert summary["seconds"] == 0.11 and summary["headline"]["embedding"] == "log-mel statistics"
    assert summary["missing"] == [
        "log-mel statistics: not reported: 1 test track long enough, needs 2",
        "basic-pitch posteriors: not reported: it needs excerpts of 1.99 s, these are of 0.11 s",
        "musicnn: not reported: it needs excerpts of 2.98 s, these are of 0.11 s",
    ]
    with (folder / "distances.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["name"] for row in rows} == {*config.models, "train", "shuffled", "noise", "floor"}
    assert not any(row["value"] for row in rows) and all(row["reason"] for row in rows)
    page = read_page((finished / "results/report/distances.html").read_text(), str(finished))
    assert all(reason in page.text for reason in summary["missing"])


def test_another_choice_of_excerpts_embeds_again_and_draws_nothing(finished: Path) -> None:
    path = finished.parent / "distances.yaml"
    path.write_text(yaml.safe_dump(merge(read_yaml(TINY), {"evaluation": {"distances": {"tracks": 3}}})))
    jobs = planned(finished, "all", over=path)
    assert {job.split()[0] for job in jobs if not job.startswith("all")} >= {"embed_drawn", "embed_real", "distances"}
    assert not any(job.startswith(("train", "draw", "likelihood", "pack")) for job in jobs)


def test_another_level_of_confidence_puts_other_intervals_to_what_was_measured(finished: Path) -> None:
    path = finished.parent / "confidence.yaml"
    path.write_text(yaml.safe_dump(merge(read_yaml(TINY), {"evaluation": {"confidence": 0.9}})))
    rules = {job.split()[0] for job in planned(finished, "all", over=path)}
    figures = {"distances", "structure_summary", "novelty", "reconstruction", "onsets", "note_f1", "write_table"}
    assert rules == {*figures, "page", "all"}
