"""The measurement: what is shown, what is left out and why, and that it repeats."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from embedded_sets import drawn_set, set_of
from page_reading import make_page, read_page

from descant.config.evaluation import Evaluation
from descant.errors import ResultError
from descant.evaluation.distances.embed import EmbeddedSet
from descant.evaluation.distances.kinds import KINDS, LOGMEL, Kind, why_absent
from descant.evaluation.distances.measure import (
    FLOOR,
    FRECHET,
    MMD2,
    MODEL,
    NOISE,
    SHUFFLED,
    TRAIN,
    Candidate,
    Measured,
    Outlier,
    Row,
    find_outliers,
    measure_kind,
)
from descant.evaluation.distances.results import DistancesSummary, write_results
from descant.results import read_json, read_rows
from descant.statistics import Bootstrap

SETTINGS = Bootstrap(draws=200, confidence=0.95, seed=1)
SMALL = replace(LOGMEL, dimensions=2)


def measure(
    reference: EmbeddedSet, drawn: EmbeddedSet, kind: Kind = SMALL, absent: str = "", settings: Bootstrap = SETTINGS
) -> tuple[Measured, list[Candidate]]:
    noise = EmbeddedSet(reference.values * 3 + 5, reference.groups, reference.starts)
    candidates = [
        Candidate(MODEL, "near", "Near <model>", drawn),
        Candidate(TRAIN, "train", "training tracks", reference),
        Candidate(NOISE, "noise", "white noise", noise),
    ]
    return measure_kind(kind, absent, reference, candidates, settings), candidates


def row(measured: Measured, role: str, of: str = MMD2) -> Row:
    return next(row for row in measured.rows if row.role == role and row.measure == of)


def test_a_far_model_lies_above_the_floor_and_noise_above_it() -> None:
    random = np.random.default_rng(0)
    measured, _ = measure(drawn_set(random, 12, 3, 2), drawn_set(random, 9, 2, 2, mean=1.5))
    model, floor, noise = (row(measured, role).value or 0.0 for role in (MODEL, FLOOR, NOISE))
    assert floor < model < noise
    found = row(measured, MODEL)
    assert found.low is not None and found.high is not None and found.low < model < found.high
    assert (found.groups, found.excerpts, found.reason) == (9, 18, "")


@pytest.mark.parametrize(
    ("tracks", "sequences", "floor", "model", "interval"),
    [(1, 8, False, False, False), (2, 8, False, True, False), (4, 8, True, True, False), (5, 8, True, True, True),
     (8, 4, True, True, False), (8, 1, True, False, False)],
)  # fmt: skip
def test_what_too_few_groups_do_not_allow_is_absent_with_its_reason(
    tracks: int, sequences: int, floor: bool, model: bool, interval: bool
) -> None:
    random = np.random.default_rng(1)
    measured, _ = measure(drawn_set(random, tracks, 3, 2), drawn_set(random, sequences, 2, 2))
    found = row(measured, MODEL)
    assert (row(measured, FLOOR).value is not None) == floor == (not row(measured, FLOOR).reason)
    assert (found.value is not None) == model
    assert (found.low is not None) == (found.high is not None) == interval == (not found.reason)


def test_frechet_distances_need_ten_groups_a_dimension() -> None:
    random = np.random.default_rng(2)
    few, _ = measure(drawn_set(random, 40, 1, 2), drawn_set(random, 19, 1, 2))
    assert row(few, MODEL, FRECHET).value is None
    assert row(few, MODEL, FRECHET).reason == "not reported: 19 groups in the smaller set, needs 20"
    assert row(few, FLOOR, FRECHET).value is not None
    enough, _ = measure(drawn_set(random, 39, 1, 2), drawn_set(random, 20, 1, 2, mean=2.0))
    assert row(enough, FLOOR, FRECHET).value is None
    found = row(enough, MODEL, FRECHET)
    assert found.value == pytest.approx(8, rel=0.5) and (found.low or 0) < found.value < (found.high or 0)


def test_an_interval_of_the_frechet_distance_covers_the_true_one() -> None:
    random, covered = np.random.default_rng(3), 0
    for seed in range(40):
        drawn = Candidate(MODEL, "near", "near", drawn_set(random, 39, 1, 2, mean=1.0))
        measured = measure_kind(SMALL, "", drawn_set(random, 39, 1, 2), [drawn], Bootstrap(100, 0.95, seed))
        found = row(measured, MODEL, FRECHET)
        covered += (found.low or 0) <= 2 <= (found.high or 0)
    assert covered >= 34


def test_a_model_may_be_called_as_a_role_is() -> None:
    random = np.random.default_rng(8)
    reference, far = (drawn_set(random, 30, 1, 2, mean=mean) for mean in (0.0, 5.0))
    candidates = [Candidate(TRAIN, "train", "training tracks", reference), Candidate(MODEL, "train", "Train", far)]
    measured = measure_kind(SMALL, "", reference, candidates, SETTINGS)
    near, model = (row(measured, role, FRECHET).value or 0.0 for role in (TRAIN, MODEL))
    assert near < 1e-6 and model > 40


def test_excerpts_of_one_block_are_not_shuffled_and_that_is_reported() -> None:
    reference = drawn_set(np.random.default_rng(9), 8, 2, 2)
    candidates = [Candidate(SHUFFLED, SHUFFLED, "test tracks, shuffled", reference)]
    found = row(measure_kind(SMALL, "", reference, candidates, SETTINGS), SHUFFLED)
    assert found.value is None
    assert found.reason == "not reported: an excerpt is one block, which shuffling leaves as it is"


def test_real_excerpts_that_are_all_alike_measure_nothing() -> None:
    reference = set_of(np.ones((6, 2)))
    measured, _ = measure(reference, drawn_set(np.random.default_rng(0), 6, 1, 2))
    assert measured.bandwidth is None and all(row.value is None and row.reason for row in measured.rows)


def test_an_excerpt_more_changes_the_figure_and_a_run_more_does_not() -> None:
    def draw(each: int) -> EmbeddedSet:
        return drawn_set(np.random.default_rng(5), 8, each, 2)

    reference = drawn_set(np.random.default_rng(4), 8, 2, 2)
    once, again, more = (measure(reference, draw(each))[0] for each in (2, 2, 3))
    assert once == again and row(once, MODEL).value != row(more, MODEL).value
    assert measure(reference, draw(2), settings=Bootstrap(200, 0.95, 2))[0] != once


def written(folder: Path, absent: bool) -> Path:
    random, folder = np.random.default_rng(6), folder / str(absent)
    every, outliers = [], []
    for kind in KINDS:
        sets = drawn_set(random, 8, 2, kind.dimensions), drawn_set(random, 8, 1, kind.dimensions, 1.0)
        measured, candidates = measure(*sets, kind, why_absent(kind, 0.5 if absent else 3))
        every.append(measured)
        outliers += find_outliers(measured, sets[0], candidates)
    write_results(folder, every, outliers, 0.5 if absent else 3.0, Evaluation())
    return folder


def test_what_is_written_is_read_back_and_the_summary_is_what_a_front_page_reads(tmp_path: Path) -> None:
    folder, again = written(tmp_path / "a", False), written(tmp_path / "b", False)
    for name in ("distances.csv", "excerpts.csv", "summary.json"):
        assert (folder / name).read_bytes() == (again / name).read_bytes()
    rows, summary = read_rows(Row, folder / "distances.csv"), json.loads((folder / "summary.json").read_text())
    near = next(found for found in rows if found.role == MODEL)
    assert summary["headline"]["embedding"] == LOGMEL.title
    assert summary["headline"]["models"]["near"] == {"value": near.value, "low": near.low, "high": near.high}
    assert summary["headline"]["floor"] == next(found.value for found in rows if found.role == FLOOR)
    assert summary["missing"] == [
        f"Fréchet distance, {kind.title}: not reported: 8 groups in the smaller set, needs {10 * kind.dimensions:,}"
        for kind in KINDS
    ]
    outliers = read_rows(Outlier, folder / "excerpts.csv")
    own = [found for found in outliers if found.embedding == "logmel"]
    assert [found.rank for found in own] == list(range(1, 9))
    assert own == sorted(own, key=lambda found: -found.squared_distance)


def page_of(folder: Path) -> str:
    files = {"rows": "distances.csv", "excerpts": "excerpts.csv", "summary": "summary.json"}
    return make_page("distances", folder / "page.html", **{key: folder / name for key, name in files.items()})


def test_the_page_shows_the_figures_and_holds_no_script_of_others(tmp_path: Path) -> None:
    folder = written(tmp_path, False)
    rows, html = read_rows(Row, folder / "distances.csv"), page_of(folder)
    page = read_page(html, str(tmp_path))
    assert "<model>" not in html and "Near <model>" in page.text and "nan" not in page.text.lower().split()
    for kind in KINDS:
        found = next(one for one in rows if one.role == MODEL and one.embedding == kind.name)
        assert f"{found.value:.3f}".replace("-", "\N{MINUS SIGN}") in page.text
    assert html.count('class="chart"') == len(KINDS) and "FAD" not in page.text


def test_the_page_shows_what_is_absent(tmp_path: Path) -> None:
    folder = written(tmp_path, True)
    html = page_of(folder)
    page = read_page(html, str(tmp_path))
    assert "musicnn: not reported: it needs excerpts of 2.98 s, these are of 0.5 s" in page.text
    assert "shorter than the 3 s that evaluation.distances.seconds asks for" in page.text
    assert html.count('class="chart"') == 1


def test_files_that_cannot_be_read_are_reported(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("{}")
    for path in (tmp_path / "bad", tmp_path / "none"):
        for kind in (Row, Outlier):
            with pytest.raises(ResultError, match="run snakemake again"):
                read_rows(kind, path)
        with pytest.raises(ResultError, match="run snakemake again"):
            read_json(DistancesSummary, path)
