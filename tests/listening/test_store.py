"""The file of ratings: what it takes, refuses, keeps, exports and forgets."""

import csv
import io
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from listening_answers import answer
from small_tests import small_test

from descant.errors import ListeningError
from descant.listening import sessions as sessions_module
from descant.listening import store as store_module
from descant.listening.answers import RatingsFile, read_ratings_file
from descant.listening.export import export, table_of, write_export
from descant.listening.ratings import read_ratings
from descant.listening.sessions import (
    DeletedSessionError,
    InvalidAnswerError,
    RevisionConflictError,
    UnknownSessionError,
)
from descant.listening.store import Store

MANIFEST, DESIGN = small_test(items=2, raters=3)
SHA = DESIGN.design


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ratings" / "ratings.sqlite"


@pytest.fixture
def store(path: Path):
    with Store(path, "people") as opened:
        opened.add_test(MANIFEST, DESIGN)
        yield opened


def test_the_latest_revision_counts_and_all_are_kept(store: Store) -> None:
    session = store.begin(SHA).session
    for revision, value in ((1, 2), (3, 5), (2, 4)):
        store.save(session, [answer(revision=revision, value=value)])
    assert [(kept.revision, kept.value) for kept in store.answers(session)] == [(3, 5)]
    assert table_of(store)["value"].tolist() == [5]
    assert [row["value"] for row in store.read("SELECT value FROM ratings ORDER BY revision")] == [2, 4, 5]


def test_the_same_again_changes_nothing_and_another_value_is_a_conflict(store: Store) -> None:
    session = store.begin(SHA).session
    for _ in range(3):
        store.save(session, [answer(value=2)])
    store.save(session, [answer(value=3, revision=2)])
    with pytest.raises(RevisionConflictError) as shown:
        store.save(session, [answer(value=4)])
    assert shown.value.latest == 2
    assert len(store.read("SELECT * FROM ratings")) == 2


def test_of_several_ratings_all_are_stored_or_none(store: Store) -> None:
    session = store.begin(SHA).session
    with pytest.raises(InvalidAnswerError):
        store.save(session, [answer(), answer(page=1), answer(page=999)])
    assert store.answers(session) == []


@pytest.mark.parametrize("over", [{"page": 999}, {"scale": "preference"}, {"scale": "kind"}])
def test_what_the_list_does_not_ask_is_refused(store: Store, over: dict[str, object]) -> None:
    session = store.begin(SHA).session
    with pytest.raises(InvalidAnswerError):
        store.save(session, [answer(**over)])
    with pytest.raises(UnknownSessionError):
        store.save("0" * 32, [answer()])


def test_people_and_simulated_raters_never_share_a_file(store: Store, path: Path, tmp_path: Path) -> None:
    with pytest.raises(ListeningError, match="never put people's and simulated"):
        Store(path, "simulated")
    with Store(tmp_path / "simulated.sqlite", "simulated") as other:
        other.add_test(MANIFEST, DESIGN)
        other.save(other.begin(SHA).session, [answer()])
        assert set(table_of(other)["source"]) == {"simulated"}
    with pytest.raises(ListeningError, match="simulated"):
        export(tmp_path / "simulated.sqlite")


def test_a_file_that_is_no_database_is_reported_and_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("my notes " * 100, encoding="utf-8")
    with pytest.raises(ListeningError, match="no file of ratings"):
        Store(other, "people")
    assert other.read_text(encoding="utf-8") == "my notes " * 100
    with pytest.raises(ListeningError, match="nobody has rated"):
        export(tmp_path / "missing.sqlite")
    assert not (tmp_path / "missing.sqlite").exists()


def test_lists_are_dealt_evenly_by_many_threads(store: Store) -> None:
    with ThreadPoolExecutor(16) as pool:
        begun = list(pool.map(lambda _: store.begin(SHA), range(61)))
    assert sorted(Counter(session.list for session in begun).values()) == [20, 20, 21]
    assert len({session.session for session in begun}) == 61


def test_sessions_set_aside_or_left_without_a_rating_give_their_list_free(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (store.begin(SHA) for _ in range(3))
    assert [first.list, second.list, third.list] == [0, 1, 2]
    store.save(first.session, [answer()])
    store.save(second.session, [answer()])
    store.exclude(second.session, True, "talked on the phone")
    assert store.begin(SHA).list == 1
    store.exclude(second.session, False, "did not")
    clock = store_module.time.time() + sessions_module.RESERVED_SECONDS + 1
    monkeypatch.setattr(store_module.time, "time", lambda: clock)
    # the third never rated, nor did the one after it
    assert [store.begin(SHA).list for _ in range(3)] == [2, 0, 1]
    kinds = [(row["kind"], row["detail"]) for row in store.read("SELECT kind, detail FROM events ORDER BY number")]
    assert kinds == [("excluded", "talked on the phone"), ("included", "did not")]


def test_a_deleted_session_leaves_no_trace_of_what_was_said(store: Store, path: Path) -> None:
    session = store.begin(SHA).session
    store.save(session, [answer(comment="a secret that must go")])
    store.exclude(session, True, "another secret")
    store.delete(session)
    with pytest.raises(DeletedSessionError):
        store.save(session, [answer()])
    with pytest.raises(DeletedSessionError):
        store.bring(SHA, 0, session)
    assert [(row["session"], row["kind"]) for row in store.read("SELECT * FROM events")] == [(session, "deleted")]
    for file in path.parent.iterdir():
        assert b"secret" not in file.read_bytes(), file.name


def test_a_session_that_is_brought_twice_is_one(store: Store) -> None:
    brought = store.bring(SHA, 2, "a" * 32)
    assert store.bring(SHA, 2, "a" * 32) == brought
    with pytest.raises(ListeningError, match="another list"):
        store.bring(SHA, 1, "a" * 32)
    with pytest.raises(ListeningError, match="no list 3"):
        store.bring(SHA, 3, "b" * 32)
    with pytest.raises(ListeningError, match="not known"):
        store.begin("e" * 64)


def test_ratings_keep_their_meaning_when_the_test_is_made_anew(store: Store, path: Path, tmp_path: Path) -> None:
    store.save(store.begin(SHA).session, [answer()])
    other, design = small_test(models=("three", "four"), items=2, raters=3)
    other, design = (part.model_copy(update={"design": "e" * 64}) for part in (other, design))
    store.add_test(other, design)
    store.save(store.begin("e" * 64).session, [answer(value=1)])
    assert export(path)["system"].tolist() == ["one", "three"]
    table = export(path, design=SHA)
    assert table["system"].tolist() == ["one"]
    write_export(table, tmp_path / "ratings.parquet")
    write_export(table, tmp_path / "ratings.csv")
    for name in ("ratings.parquet", "ratings.csv"):
        read = read_ratings(tmp_path / name)
        assert (read.design, read.source, read.table["value"].tolist()) == (SHA, "people", [4.0])


def test_an_export_without_ratings_has_all_columns(store: Store) -> None:
    table = table_of(store)
    assert len(table) == 0
    assert {"session", "system", "value", "excluded", "source", "design"} <= set(table.columns)


@given(st.lists(st.text(max_size=60), min_size=1, max_size=5))
def test_comments_are_exported_as_they_were(tmp_path_factory: pytest.TempPathFactory, comments: list[str]) -> None:
    folder = tmp_path_factory.mktemp("comments")
    with Store(folder / "ratings.sqlite", "people") as store:
        store.add_test(MANIFEST, DESIGN)
        session = store.begin(SHA).session
        store.save(session, [answer(page=page, comment=comment) for page, comment in enumerate(comments)])
        table = table_of(store)
    assert table["comment"].tolist() == comments
    for name in ("ratings.parquet", "ratings.csv"):
        write_export(table, folder / name)
    assert pd.read_parquet(folder / "ratings.parquet")["comment"].tolist() == comments
    text = (folder / "ratings.csv").read_bytes().decode()
    assert [row["comment"] for row in csv.DictReader(io.StringIO(text, newline=""))] == comments


def test_a_file_of_ratings_is_read_or_reported(tmp_path: Path) -> None:
    sent = RatingsFile(design=SHA, session="a" * 32, list=1, ratings=(answer(), answer(scale="musicality")))
    path = tmp_path / "ratings.json"
    path.write_text(sent.model_dump_json(), encoding="utf-8")
    assert read_ratings_file(path) == sent
    for text in ("{}", "", sent.model_dump_json().replace("descant-ratings", "other"), "\ud800"):
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        with pytest.raises(ListeningError, match="no file of ratings"):
            read_ratings_file(path)


def test_positions_are_those_of_the_list(store: Store) -> None:
    session = store.begin(SHA)
    pages = DESIGN.lists[session.list].pages
    store.save(session.session, [answer(page=page.page) for page in pages])
    table = table_of(store)
    assert table["position"].tolist() == list(range(len(pages)))
    assert table["stimulus"].tolist() == [page.stimulus for page in pages]
    noise = table[table["system"] == "control_noise"]
    assert (noise["lowest"].item(), noise["highest"].item()) == (1, 2)
    assert np.isnan(table["lowest"].astype(float)).sum() == len(table) - 2
