"""The listening test in the pipeline: nothing of it without ratings, and the table once people have rated."""

import json
import shutil
from pathlib import Path
from uuid import uuid4

import pandas as pd
import pytest
from pipeline import planned, run

from descant.config.listening import Spread
from descant.listening.answers import Answer
from descant.listening.files import read_design, read_manifest
from descant.listening.simulate import simulate_ratings, true_scores
from descant.listening.store import Store

pytestmark = pytest.mark.slow

LISTENING = ("stimuli", "listening", "export", "simulate")


def rate(folder: Path, raters: int) -> None:
    """Let people (whose ratings a test draws) rate the test of a folder."""
    manifest = read_manifest(folder / "results/listening/manifest.json")
    design = read_design(folder / "results/listening/design.json")
    drawn = simulate_ratings(manifest, design, raters, Spread(), 0.0, 1, true_scores(manifest))
    with Store(folder / "ratings/ratings.sqlite", "people") as store:
        store.add_test(manifest, design)
        for rater in range(raters):
            own = [rating for rating in drawn if rating.rater == rater]
            session = store.bring(design.design, own[0].list, uuid4().hex)
            answers = [
                Answer(page=r.page, scale=r.scale, value=r.value, revision=1, plays=1, heard_ms=100, rating_ms=100)
                for r in own
            ]
            store.save(session.session, answers)


@pytest.fixture(scope="module")
def listening(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of its own, with stimuli and design, and with simulated raters."""
    folder = tmp_path_factory.mktemp("listening") / "run"
    shutil.copytree(finished, folder, symlinks=True)
    run(folder, "--cores", "2", "listening_simulation")
    return folder


def test_without_ratings_nothing_of_the_test_is_in_the_pipeline(finished: Path) -> None:
    assert not any(job.startswith(LISTENING) for job in planned(finished, "--forceall", "all"))
    assert "our_" not in (finished / "results/table/table.csv").read_text()


def test_simulated_raters_make_a_page_and_never_join_the_table(listening: Path) -> None:
    page = (listening / "results/report/simulated/listening.html").read_text()
    assert "<h1>SIMULATED" in page and str(listening) not in page
    scores = pd.read_csv(listening / "results/listening/simulated/scores.csv")
    assert set(scores["source"]) == {"simulated"}
    assert not any(job.startswith(("write_table", *LISTENING)) for job in planned(listening, "all"))
    assert not (listening / "ratings").exists()


def test_ratings_join_the_table_and_rerun_only_what_uses_them(listening: Path) -> None:
    before = pd.read_csv(listening / "results/table/table.csv")
    rate(listening, 3)
    jobs = planned(listening, "table")
    assert jobs == {"export_ratings", "listening_analysis source=", "write_table", "table"}
    run(listening, "--cores", "2", "all")
    after = pd.read_csv(listening / "results/table/table.csv")
    assert after[before.columns].equals(before)
    for scale in ("fidelity", "musicality"):
        assert after[f"our_{scale}"].between(1, 5).all() and (after[f"our_{scale}_n"] > 0).all()
    assert after["our_raters"].max() == 3
    assert "rated here: fidelity" in (listening / "results/table/table.md").read_text()
    assert "Rated here, by people" in (listening / "results/report/table.html").read_text()
    assert "SIMULATED" not in (listening / "results/report/listening.html").read_text()
    assert "Nothing to be done" in run(listening, "--cores", "2", "all").stderr
    rate(listening, 2)
    assert planned(listening, "table") == jobs
    run(listening, "--cores", "2", "table")
    assert json.loads((listening / "results/listening/analysis.json").read_text())["everybody"]["raters"] == 5
