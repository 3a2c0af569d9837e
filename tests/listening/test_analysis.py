"""From ratings to scores and back from the file."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from listeners import DESIGN, ratings_table

from descant.config.listening import Screening
from descant.errors import ListeningError
from descant.listening.analysis import SCORE_COLUMNS, Analysis, analyse, read_analysis, score_table, write_analysis
from descant.listening.mixed_model import fit_mixed_model
from descant.listening.preferences import compare_preferences
from descant.listening.ratings import check_ratings, read_ratings

MEANS = {"one": 3.4, "two": 2.4, "real": 4.5, "anchor_fidelity": 1.5}


def analysed(table: pd.DataFrame) -> Analysis:
    return analyse(check_ratings(table, "test"), Screening(), 0.95)


def test_scores_and_differences_are_those_that_went_in() -> None:
    found = analysed(ratings_table(MEANS, 20, 12)).everybody
    assert found is not None and (found.raters, found.ratings) == (20, 20 * 12 * 4)
    assert [score.system for score in found.scores] == ["one", "two", "real", "anchor_fidelity"]
    for score in found.scores:
        assert score.low is not None and score.high is not None and score.sem is not None
        # rounding to the scale draws the best and the worst towards its middle
        assert score.low - 0.2 <= MEANS[score.system] <= score.high + 0.2
        assert score.high - score.low > 2 * 1.96 * score.sem
        assert sum(score.histogram.values()) == score.ratings == 240
        assert (score.raters, score.items) == (20, 12)
    pairs = {(found.first, found.second): found for found in found.differences}
    assert set(pairs) == {("one", "two"), ("one", "real"), ("two", "real")}
    assert pairs["one", "two"].difference == pytest.approx(1.0, abs=0.25)
    assert all(found.p is not None and found.p_holm is not None and found.p_holm >= found.p for found in pairs.values())


def test_the_classical_error_is_the_papers() -> None:
    table = ratings_table({"one": 3.0}, 9, 9)
    found = analysed(table).everybody
    assert found is not None
    values = table["value"].to_numpy()
    assert found.scores[0].mean == values.mean()
    assert found.scores[0].sem == pytest.approx(values.std(ddof=1) / np.sqrt(81))


def test_a_repeated_clip_counts_once_and_controls_not_at_all() -> None:
    table = ratings_table({"one": 3.0}, 4, 5)
    again = table[table["item"] == 0].assign(value=1.0, position=90, page=90)
    control = table[table["item"] == 1].assign(kind="control", system="control_noise", stimulus="c", position=91)
    both = analysed(pd.concat([table, again, control], ignore_index=True)).everybody
    assert both == analysed(table).everybody


def test_both_results_are_reported_when_somebody_is_left_out(tmp_path: Path) -> None:
    table = ratings_table(MEANS, 6, 5)
    found = analysed(table.assign(excluded=table["session"] == "s002"))
    assert found.everybody is not None and found.screened is not None
    assert (found.everybody.raters, found.screened.raters) == (6, 5)
    assert [rater.rater for rater in found.excluded] == [2]
    scores = score_table(found)
    assert list(scores.columns) == list(SCORE_COLUMNS)
    assert scores.groupby("screened")["raters"].max().to_dict() == {"no": 6, "yes": 5}
    write_analysis(found, tmp_path / "a.json", tmp_path / "s.csv")
    assert read_analysis(tmp_path / "a.json") == found
    first = (tmp_path / "a.json").read_bytes()
    write_analysis(analysed(table.assign(excluded=table["session"] == "s002")), tmp_path / "a.json", tmp_path / "s.csv")
    assert (tmp_path / "a.json").read_bytes() == first
    everybody_out = analysed(table.assign(excluded=True))
    assert everybody_out.screened is None and set(score_table(everybody_out)["screened"]) == {"no"}


def test_ratings_of_another_test_are_left_aside(tmp_path: Path) -> None:
    table = ratings_table(MEANS, 3, 2)
    old = table.assign(design="0" * 64)
    both = pd.concat([table, old], ignore_index=True)
    both.to_parquet(tmp_path / "r.parquet")
    both.to_csv(tmp_path / "r.csv", index=False)
    for name in ("r.parquet", "r.csv"):
        read = read_ratings(tmp_path / name, DESIGN)
        assert len(read.table) == len(table) and read.others == len(old)
        with pytest.raises(ListeningError, match="2 tests"):
            read_ratings(tmp_path / name)
    found = analyse(read_ratings(tmp_path / "r.csv", "f" * 64), Screening(), 0.95)
    assert found.everybody is None and found.others == len(both) and score_table(found).empty
    write_analysis(found, tmp_path / "a.json", tmp_path / "s.csv")
    assert read_analysis(tmp_path / "a.json") == found


def test_people_and_simulated_raters_are_never_put_together(tmp_path: Path) -> None:
    table = ratings_table(MEANS, 3, 2)
    table.loc[0, "source"] = "simulated"
    with pytest.raises(ListeningError, match="'people', 'simulated'"):
        check_ratings(table, "mixed")
    assert analysed(table.assign(source="simulated")).source == "simulated"
    with pytest.raises(ListeningError, match="lacks the columns"):
        check_ratings(table.drop(columns="source"), "short")
    with pytest.raises(ListeningError, match="no numbers"):
        check_ratings(table.assign(source="people", value="good"), "words")
    (tmp_path / "a.json").write_text(json.dumps({"version": 1}))
    with pytest.raises(ListeningError, match="no analysis"):
        read_analysis(tmp_path / "a.json")


def test_comments_are_kept_as_they_are_once_a_page() -> None:
    hostile = 'a & b % + "q" <script>\n\t😀 \\ =1+1'
    table = ratings_table({"one": 3.0}, 2, 2)
    table.loc[0, "comment"] = hostile
    both = pd.concat([table, table.assign(scale="musicality")], ignore_index=True)
    assert [comment.text for comment in analysed(both).comments] == [hostile]


def test_the_mixed_model_finds_what_went_in_and_agrees_with_the_means() -> None:
    table = ratings_table({"one": 3.2, "two": 2.6}, 30, 20, spread=(0.5, 0.4, 0.6))
    read = check_ratings(table, "test").table
    found = fit_mixed_model(read, "fidelity")
    assert found.converged and found.rater_sd is not None and found.clip_sd is not None
    assert found.rater_sd == pytest.approx(0.5, abs=0.2) and found.clip_sd == pytest.approx(0.4, abs=0.2)
    means = read.groupby("system")["value"].mean()
    assert {mean.system: mean.mean for mean in found.means} == pytest.approx(means.to_dict(), abs=0.01)


def test_the_mixed_model_takes_clips_of_one_item_for_clips_of_their_own() -> None:
    # without a prime they share a number and nothing else; an effect of the item would find next to nothing here
    luck = np.random.default_rng(3).normal(0, 0.8, 60)
    table = ratings_table({"one": 3.0, "two": 3.0, "three": 3.0}, 12, 20, spread=(0.3, 0.0, 0.4))
    clips = np.unique(table["stimulus"], return_inverse=True)[1]
    found = fit_mixed_model(check_ratings(table.assign(value=table["value"] + luck[clips]), "test").table, "fidelity")
    assert found.converged and found.clip_sd == pytest.approx(0.8, abs=0.15)
    # the error of a mean is that of 20 clips and 12 raters
    assert [mean.error for mean in found.means] == pytest.approx([np.hypot(0.8 / 20**0.5, 0.3 / 12**0.5)] * 3, rel=0.3)


def test_what_the_mixed_model_cannot_do_is_reported() -> None:
    few = check_ratings(ratings_table({"one": 3.0}, 2, 2), "test").table
    assert not (found := fit_mixed_model(few, "fidelity")).converged and "too few" in found.remark
    alike = check_ratings(ratings_table({"one": 3.0}, 9, 9).assign(value=3.0), "test").table
    assert not (found := fit_mixed_model(alike, "fidelity")).converged and "the same" in found.remark


def preferences(share: float, raters: int = 20, items: int = 10) -> pd.DataFrame:
    """Two systems compared in either order; the first named is preferred with a probability."""
    random = np.random.default_rng(0)
    table = ratings_table({"one": 3.0}, raters, items, scale="preference")
    swapped = np.arange(len(table)) % 2 == 1
    wins = random.random(len(table)) < share
    return table.assign(
        system=np.where(swapped, "two", "one"),
        other_system=np.where(swapped, "one", "two"),
        other="x",
        value=np.where(wins != swapped, 1.0, 2.0),
    )


def test_preferences_are_counted_whatever_the_order() -> None:
    found = analysed(preferences(0.75)).everybody
    assert found is not None and found.preferences is not None and not found.scores
    (share,) = found.preferences.shares
    assert (share.first, share.second, share.ratings) == ("one", "two", 200)
    assert share.share == pytest.approx(0.75, abs=0.08)
    assert share.low is not None and share.high is not None and 0.5 < share.low < share.share < share.high < 1
    assert share.p_holm is not None and share.p_holm < 0.01
    assert found.preferences.heard_first == pytest.approx(0.5, abs=0.1)
    equal = check_ratings(preferences(0.5), "test").table
    undecided = compare_preferences(equal, 0.95).shares[0]
    assert undecided.low is not None and undecided.high is not None and undecided.low < 0.5 < undecided.high
    with pytest.raises(ListeningError, match="what was compared"):
        compare_preferences(equal.drop(columns="other"), 0.95)
