"""Synthetic raters drive the store, the export and the analysis, and are never taken for people."""

from pathlib import Path

import numpy as np
import pytest
from small_tests import pair_test, small_test

from descant.config.listening import Screening, Spread
from descant.errors import ListeningError
from descant.listening.analysis import analyse
from descant.listening.digest import ratings_digest
from descant.listening.export import export
from descant.listening.ratings import Ratings, check_ratings
from descant.listening.screening import screen
from descant.listening.simulate import simulate_ratings, store_ratings, true_scores
from descant.listening.store import Store


def simulated(path: Path, careless: float = 0.0, seed: int = 1, raters: int = 12) -> Ratings:
    """Ratings that went through the store."""
    manifest, design = small_test(items=6)
    scores = true_scores(manifest)
    ratings = simulate_ratings(manifest, design, raters, Spread(), careless, seed, scores)
    with Store(path, "simulated") as store:
        store_ratings(store, manifest, design, ratings, seed)
    return check_ratings(export(path, "simulated"), "export")


def test_what_went_in_comes_out(tmp_path: Path) -> None:
    found = analyse(simulated(tmp_path / "s.sqlite"), Screening(), 0.95).everybody
    truth = true_scores(small_test()[0])
    assert found is not None and len(found.scores) == 2 * 5
    for score in found.scores:
        assert score.low is not None and score.high is not None
        # rounding to the scale draws the best and the worst towards its middle
        assert score.low - 0.3 <= truth[score.system][score.scale] <= score.high + 0.3
    better = next(found for found in found.differences if (found.first, found.second) == ("one", "two"))
    assert better.difference == pytest.approx(1.5, abs=0.5)


def test_the_same_seed_gives_the_same_ratings_and_another_others(tmp_path: Path) -> None:
    tables = [
        simulated(tmp_path / name, seed=seed).table.drop(columns="created")
        for name, seed in (("a.sqlite", 1), ("b.sqlite", 1), ("a.sqlite", 1), ("c.sqlite", 2))
    ]
    assert tables[0].equals(tables[1]) and tables[0].equals(tables[2]) and not tables[0].equals(tables[3])


def test_careless_raters_are_found_and_the_others_stay(tmp_path: Path) -> None:
    left_out = []
    for careless in (0.0, 1.0):
        table = simulated(tmp_path / f"{careless}.sqlite", careless, raters=60).table
        left_out.append(sum(bool(rater.reasons) for rater in screen(table, Screening())))
    assert left_out[0] <= 3 and left_out[1] >= 45


def test_simulated_ratings_are_refused_among_peoples_and_the_other_way(tmp_path: Path) -> None:
    assert simulated(tmp_path / "s.sqlite").source == "simulated"
    with pytest.raises(ListeningError, match="simulated"):
        export(tmp_path / "s.sqlite", "people")
    Store(tmp_path / "p.sqlite", "people").close()
    with pytest.raises(ListeningError, match="people"):
        simulated(tmp_path / "p.sqlite")


def test_the_digest_changes_with_ratings_only(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    assert ratings_digest(path) == ""
    path.touch()
    assert ratings_digest(path) == ""
    manifest, design = small_test()
    with Store(path, "simulated") as store:
        store.add_test(manifest, design)
        session = store.begin(design.design)
        assert ratings_digest(path) == ""
        rating = simulate_ratings(manifest, design, 1, Spread(), 0, 1, true_scores(manifest))
        store_ratings(store, manifest, design, rating, 1)
        first = ratings_digest(path)
        store.begin(design.design)
        assert first and ratings_digest(path) == first
        store.exclude(session.session, True, "")
        assert ratings_digest(path) == first
        rated = store.read("SELECT session FROM ratings")[0]["session"]
        store.exclude(rated, True, "asleep")
        assert ratings_digest(path) != first
    path.write_text("no database at all, but a text that is long enough to be looked at")
    with pytest.raises(ListeningError, match="no file of ratings"):
        ratings_digest(path)


def test_habits_have_the_spread_that_was_asked_for() -> None:
    manifest, design = small_test(items=30, raters=200)
    spread = Spread(rater=0.6, item=0.0, residual=0.3)
    middle = {system: {"fidelity": 3.0, "musicality": 3.0} for system in true_scores(manifest)}
    ratings = simulate_ratings(manifest, design, 200, spread, 0.0, 1, middle)
    own = {page.page for page in design.lists[0].pages if manifest.by_name()[page.stimulus].kind != "control"}
    means = np.zeros(200)
    for rating in ratings:
        if rating.scale == "fidelity" and rating.page in own:
            means[rating.rater] += rating.value / len(own)
    assert means.mean() == pytest.approx(3.0, abs=0.1) and means.std() == pytest.approx(0.6, abs=0.08)


def test_preferences_go_the_whole_way_too(tmp_path: Path) -> None:
    manifest, design = pair_test()
    ratings = simulate_ratings(manifest, design, 12, Spread(), 0.0, 1, true_scores(manifest))
    with Store(tmp_path / "ab.sqlite", "simulated") as store:
        store_ratings(store, manifest, design, ratings, 1)
    read = check_ratings(export(tmp_path / "ab.sqlite", "simulated"), "export")
    found = analyse(read, Screening(), 0.95)
    assert not found.excluded and {rater.controls for rater in found.raters} == {1}
    assert found.everybody is not None and found.everybody.preferences is not None
    (share,) = found.everybody.preferences.shares
    assert (share.first, share.second, share.raters, share.items, share.ratings) == ("one", "two", 12, 6, 72)
    assert share.share > 0.85 and share.low is not None and share.low > 0.5
    assert found.everybody.preferences.heard_first == pytest.approx(0.5, abs=0.1)
