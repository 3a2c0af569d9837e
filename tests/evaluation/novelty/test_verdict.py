"""Shares, intervals and words say what was found and no more."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.errors import ResultError
from descant.evaluation.novelty.calibration import Calibration
from descant.evaluation.novelty.results import (
    AudioCalibration,
    AudioSearch,
    Hit,
    Share,
)
from descant.evaluation.novelty.verdict import (
    find_model,
    run_verdict,
    share_interval,
    summarise,
    worst_hits,
)
from descant.evaluation.novelty.windows import Cut, covered_seconds
from descant.results import read_json, write_json
from descant.statistics import Bootstrap

BOOTSTRAP = Bootstrap(200, 0.95, 1)
USED = Calibration(0.9, 0.6, 100, 5, 1, 40, 38)
TOO_SHORT = Calibration(None, None, 0, 0, 0, failure="the drawn clips are shorter than 3 s: they last 0.1 s")


def calibrated(part: Calibration) -> AudioCalibration:
    return AudioCalibration(4.0, 600.0, 4.0, 4.0, part, part, [Share(30.0, 0.0)] * 5 if part.threshold else [])


def a_hit(**over: object) -> Hit:
    given = {"check": "fingerprint", "sequence": 0, "start": 0.0, "seconds": 4.0, "score": 0.95, "nearness": 1.2,
             "is_match": True, "track": "a" * 16, "name": "A", "track_start": 1.0}  # fmt: skip
    return Hit(**{**given, **over})  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 20)), max_size=12))
def test_seconds_that_are_covered_count_once(parts: list[tuple[float, float]]) -> None:
    whole = [(round(start, 1), round(start + length, 1)) for start, length in parts]
    ticks = np.zeros(1300, bool)
    for start, end in whole:
        ticks[round(10 * start) : round(10 * end)] = True
    assert covered_seconds(whole) == pytest.approx(ticks.sum() / 10, abs=1e-6)


@given(st.integers(1, 400), st.integers(1, 100), st.integers(1, 60))
def test_windows_cover_all_of_a_clip(samples: int, length: int, hop: int) -> None:
    starts = Cut(length, hop).starts(samples)
    if samples < length:
        assert starts == []
    else:
        assert starts[0] == 0 and starts[-1] == samples - length
        assert all(later - start <= hop for start, later in itertools.pairwise(starts))


def test_an_interval_needs_five_sequences_and_never_claims_that_nothing_is_sure() -> None:
    assert share_interval([], BOOTSTRAP) is None
    few = share_interval([Share(4, 1)] * 4, BOOTSTRAP)
    assert few is not None and (few.value, few.low) == (0.25, None)
    none = share_interval([Share(4, 0)] * 8, BOOTSTRAP)
    # of eight sequences none matches: the rule of three
    assert none is not None and none.low == 0 and none.high == pytest.approx(1 - 0.05 ** (1 / 8))
    every = share_interval([Share(4, 4)] * 8, BOOTSTRAP)
    assert every is not None and every.high == 1 and every.low == pytest.approx(0.05 ** (1 / 8))
    some = share_interval([Share(4, 4), *[Share(4, 0)] * 7], BOOTSTRAP)
    assert some is not None and some.low is not None and some.high is not None
    assert some.low <= some.value == 0.125 <= some.high < 0.6


def test_the_summary_shows_what_was_not_measured(tmp_path: Path) -> None:
    known = calibrated(TOO_SHORT)
    model = find_model("m", "M", known, AudioSearch([], [], 0, 0), None, 2, 0.2, BOOTSTRAP)
    shown = summarise(known, [model], None)
    assert shown["verdict"] == "Not reported: the drawn clips are shorter than 3 s: they last 0.1 s."
    assert shown["missing"] == ["not reported: the drawn clips are shorter than 3 s: they last 0.1 s"]
    figures = shown["models"]["m"]  # type: ignore[index]
    assert figures["matched_share"] is None and figures["seconds"] == 0.2
    write_json(tmp_path / "summary.json", shown)
    assert "NaN" not in (tmp_path / "summary.json").read_text()


def test_the_verdict_of_a_run_names_the_model_that_copies_most() -> None:
    known = calibrated(USED)
    copies = AudioSearch([Share(4, 4), *[Share(4, 0)] * 7], [a_hit()], 8, 2)
    models = [
        find_model("a", "Copyist", known, copies, None, 8, 32.0, BOOTSTRAP),
        find_model("b", "Other", known, AudioSearch([Share(4, 0)] * 8, [], 8, 0), None, 8, 32.0, BOOTSTRAP),
    ]
    words = run_verdict(known, models, share_interval(known.floor, BOOTSTRAP))
    assert "4.0 s match, most of them of Copyist (12.5 %" in words and "of held-out music 0.0 % do" in words
    assert "fingerprints find 38 of 40" in words and "Not found by this" in words
    assert "25 % of the windows are silent or static" in models[0].verdict


def test_the_worst_matches_come_first_and_overlaps_once() -> None:
    known = calibrated(USED)
    hits = [
        a_hit(nearness=1.1, start=1.0),
        a_hit(nearness=1.3),
        a_hit(nearness=1.05, start=4.5),
        a_hit(nearness=1.2, check="notes"),
        a_hit(nearness=0.5, is_match=False, sequence=3),
    ]
    model = find_model("m", "M", known, AudioSearch([Share(4, 4)] * 5, hits, 5, 0), None, 5, 20.0, BOOTSTRAP)
    worst = [hit.nearness for _, hit in worst_hits([model], 20)]
    assert worst == [1.3, 1.2, 1.05]
    assert len(worst_hits([model], 2)) == 2
    near = find_model("m", "M", known, AudioSearch([Share(4, 0)] * 5, hits[-1:], 5, 0), None, 5, 20.0, BOOTSTRAP)
    assert [hit.is_match for _, hit in worst_hits([near], 20)] == [False]


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    known, search = calibrated(USED), AudioSearch([Share(4, 1)], [a_hit()], 3, 1)
    write_json(tmp_path / "known.json", known)
    write_json(tmp_path / "search.json", search)
    assert read_json(AudioCalibration, tmp_path / "known.json") == known
    assert read_json(AudioSearch, tmp_path / "search.json") == search
    (tmp_path / "torn.json").write_text(json.dumps({"shares": []}))
    for kind in (AudioCalibration, AudioSearch):
        for name in ("torn.json", "none.json"):
            with pytest.raises(ResultError, match="cannot be read"):
                read_json(kind, tmp_path / name)
