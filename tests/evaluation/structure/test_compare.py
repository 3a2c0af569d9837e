"""What is kept is what shows order; intervals and reasons; the JSON holds no NaN."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from descant.config.evaluation import Evaluation
from descant.evaluation.structure.compare import (
    REFERENCES,
    Source,
    StructureSummary,
    auc,
    curve_intervals,
    separate,
    summarise,
    summary,
)
from descant.evaluation.structure.measures import LEVEL, MEASURES, NOTES, STRUCTURE, of_kind

SETTINGS = Evaluation(bootstrap_draws=200)
NAMES = [measure.name for measure in of_kind(STRUCTURE, NOTES, LEVEL)]


def rows(condition: str, tracks: int, shift: dict[str, float], spread: float = 0.1, each: int = 4) -> pd.DataFrame:
    """Rows whose columns are noise about ``shift``; None where it is NaN."""
    random = np.random.default_rng(len(condition))
    table = pd.DataFrame(
        [(condition, f"t{track}", float(start)) for track in range(tracks) for start in range(each)],
        columns=["condition", "group", "start"],
    )
    for name in NAMES:
        table[name] = shift.get(name, 0.0) + spread * random.standard_normal(len(table))
    return table


def curves(conditions: list[str], tracks: int) -> pd.DataFrame:
    return pd.DataFrame(
        [(c, f"t{t}", "chroma", lag, 0.1, 4) for c in conditions for t in range(tracks) for lag in (0.25, 0.5)],
        columns=["condition", "group", "feature", "lag_seconds", "similarity", "excerpts"],
    )


def sources(tracks: int, shift: dict[str, float]) -> list[Source]:
    return [
        *(
            Source(name, title, rows(name, tracks, shift if name == "real" else {}), curves([name], tracks))
            for name, title in REFERENCES.items()
        ),
        Source("drawn:hop8", "hop-8", rows("drawn", 8, {}, each=1), curves(["drawn"], 8)),
    ]


def compare(sources: list[Source], seconds: float = 10.0, seed: int = 1) -> StructureSummary:
    separation = separate(sources[0].measures, sources[1].measures, SETTINGS, seed)
    return summary(sources, summarise(sources, SETTINGS, seed), separation, seconds, 0.95)


def test_what_shows_is_kept_and_what_does_not_is_dropped() -> None:
    real = rows("real", 6, {"pulse_clarity": 0.5, "key_strength": -0.5})
    separation = separate(real, rows("shuffled", 6, {}), SETTINGS, 1).set_index("measure")
    assert separation.loc["pulse_clarity", "verdict"] == separation.loc["key_strength", "verdict"] == "kept"
    assert separation.loc["pulse_clarity", "auc"] > 0.9 and separation.loc["key_strength", "auc"] < 0.1
    others = separation.drop(["pulse_clarity", "key_strength"])
    assert (others["verdict"] == "dropped").all()
    assert not separation.index.isin([measure.name for measure in of_kind(LEVEL)]).any()


def test_chance_alone_keeps_hardly_a_measure() -> None:
    """Five tracks, whose excerpts are alike: 8 in 100; with the plain percentile interval it would be 14."""
    random, verdicts = np.random.default_rng(0), []
    for _ in range(40):
        real, other = rows("real", 5, {}, spread=0.0), rows("shuffled", 5, {}, spread=0.0)
        for table in (real, other):
            table[NAMES] += np.repeat(random.standard_normal((5, len(NAMES))), 4, axis=0)
            table[NAMES] += 0.3 * random.standard_normal((20, len(NAMES)))
        verdicts += list(separate(real, other, Evaluation(), 1)["verdict"])
    assert verdicts.count("kept") / len(verdicts) < 0.1


def test_a_sure_but_small_difference_is_dropped() -> None:
    real = rows("real", 6, {}, spread=1.0)
    other = real.assign(condition="shuffled", pulse_clarity=real["pulse_clarity"] - 0.05)
    separation = separate(real, other, SETTINGS, 1).set_index("measure")
    assert separation.loc["pulse_clarity", "low"] > 0
    assert separation.loc["pulse_clarity", "verdict"] == "dropped"


def test_rows_are_paired_by_place_and_not_by_order() -> None:
    real, other = rows("real", 6, {}), rows("shuffled", 6, {})
    mixed = other.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(separate(real, other, SETTINGS, 1), separate(real, mixed, SETTINGS, 1))


def test_under_five_tracks_nothing_is_claimed() -> None:
    few = sources(4, {"pulse_clarity": 5.0})
    found, table = compare(few), summarise(few, SETTINGS, 1)
    assert found.kept == found.dropped == []
    assert "pulse_clarity" in found.undecided
    assert any("it takes 5 test tracks" in reason and "there are 4" in reason for reason in found.missing)
    real = table[table["source"] == "real"]
    assert real["low"].isna().all() and real["value"].notna().all()


def test_means_and_groups_of_the_table() -> None:
    table = summarise(sources(5, {}), SETTINGS, 1)
    own = rows("real", 5, {})
    row = table[(table["source"] == "real") & (table["measure"] == "dc")].iloc[0]
    assert row["value"] == pytest.approx(own["dc"].mean())
    assert (row["excerpts"], row["groups"], row["undefined"]) == (20, 5, 0)
    assert row["low"] < row["value"] < row["high"]


def test_summary_is_json_without_nan_and_names_what_is_undefined() -> None:
    given = sources(5, {"pulse_clarity": 1.0})
    given[3].measures.loc[:, "tempo_bpm"] = np.nan
    shown = json.loads(json.dumps(compare(given).model_dump(), allow_nan=False))
    assert shown["kept"] == ["pulse_clarity"]
    assert set(shown["models"]) == {"hop8"} and shown["models"]["hop8"]["tempo_bpm"] is None
    assert "hop-8: not reported, defined in none of its excerpts: tempo." in shown["missing"]
    assert set(shown["real"]) == set(NAMES)


def test_short_excerpts_are_reported() -> None:
    missing = compare(sources(5, {}), 0.1).missing
    (shown,) = [reason for reason in missing if "excerpts of 0.1 s are too short" in reason]
    for measure in of_kind(STRUCTURE, NOTES):
        assert f"{measure.title.lower()} ({measure.shortest:g} s)" in shown
    assert "loudness" not in shown


def test_no_real_music_stops_nothing() -> None:
    found = compare(sources(0, {}))
    assert found.kept == [] and found.real["dc"] is None
    assert any("no test track is as long" in reason for reason in found.missing)


def test_it_is_the_same_twice() -> None:
    first, second = sources(5, {}), sources(5, {})
    for measured in (summarise, curve_intervals):
        pd.testing.assert_frame_equal(measured(first, SETTINGS, 3), measured(second, SETTINGS, 3))
    assert compare(first, seed=3) == compare(second, seed=3)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=20), st.lists(st.integers(-5, 5), min_size=1, max_size=20))
def test_auc_is_mann_whitneys_u(first: list[int], second: list[int]) -> None:
    statistic = mannwhitneyu(first, second).statistic / (len(first) * len(second))
    assert auc(np.array(first, float), np.array(second, float)) == pytest.approx(statistic)
    assert auc(np.array([]), np.array([1.0])) is None


def test_every_measure_has_words() -> None:
    for measure in MEASURES:
        assert measure.title and measure.words and math.isfinite(measure.shortest)
