"""Strangers who rate: how much they may begin, store, hold open and steer; and who deletes is answered truly."""

import resource
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pandas as pd
import pytest
from browsing import Rater, chromium, needs_browser
from listening_answers import answer
from served import ANSWER, Served, make_test
from small_tests import small_test

from descant.config.listening import Listening
from descant.listening import sessions
from descant.listening.answers import COMMENT_BYTES, LAST_REVISION, RatingsFile
from descant.listening.database import UnavailableError
from descant.listening.export import csv_bytes, for_spreadsheets
from descant.listening.importers import import_files
from descant.listening.sessions import FullSessionError, TooManySessionsError
from descant.listening.store import Store

MANIFEST, DESIGN = small_test(items=2, raters=3)
SHA = DESIGN.design


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ratings" / "ratings.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store(path, "people") as opened:
        opened.add_test(MANIFEST, DESIGN)
        yield opened


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("strangers")
    server = Served(folder, make_test(folder / "test"), most_sessions=30)
    server.start()
    yield server
    assert server.stop() == 0


def reader(path: Path) -> sqlite3.Connection:
    """Another program that has begun to read, and does not end."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN")
    connection.execute("SELECT COUNT(*) FROM ratings").fetchall()
    return connection


def writer(path: Path) -> sqlite3.Connection:
    """Another program that holds the lock for writing."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    return connection


def on_disk(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


def test_a_deletion_is_done_when_it_says_so(store: Store, path: Path) -> None:
    session = store.begin(SHA).session
    store.save(session, [answer(comment="a secret that must go")])
    other = store.begin(SHA).session
    with closing(reader(path)):
        begun = time.monotonic()
        assert not store.delete(session)
        # nobody waits behind who deletes
        store.save(other, [answer()])
        assert time.monotonic() - begun < 10
        assert store.deletions_in_journal() == 1
        assert b"secret" in on_disk(path)
        assert not store.empty_journal()
    assert store.empty_journal()
    assert store.deletions_in_journal() == 0
    assert b"secret" not in on_disk(path)


def test_raters_do_not_wait_while_somebody_deletes(store: Store, path: Path) -> None:
    session, other = store.begin(SHA).session, store.begin(SHA).session
    store.save(session, [answer()])
    saved = 0
    with closing(reader(path)), ThreadPoolExecutor(1) as pool:
        deleting = pool.submit(store.delete, session)
        while not deleting.done() and saved < LAST_REVISION:
            # one that waited behind the deletion's lock for longer than a writer waits would be refused
            saved += 1
            store.save(other, [answer(revision=saved)])
    assert not deleting.result()
    assert saved > 2


def test_reading_waits_for_nobody_who_writes(store: Store, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = store.begin(SHA).session
    store.save(session, [answer()])
    # who holds the lock never lets go: what waited for it would fail
    with closing(writer(path)):
        assert store.session(session).session == session
        assert len(store.answers(session)) == 1
        with Store(path, "people") as again:
            assert len(again.answers(session)) == 1
        begun = time.monotonic()
        with pytest.raises(UnavailableError, match="locked"):
            store.save(session, [answer(scale="musicality")])
        assert time.monotonic() - begun < 8
    store.save(session, [answer(scale="musicality")])


def test_one_rating_in_each_of_many_sessions_steers_nobody(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1e9
    monkeypatch.setattr("descant.listening.store.time.time", lambda: now)
    begun = [store.begin(SHA) for _ in range(400)]
    for session in begun:
        if session.list != 0:
            store.save(session.session, [answer()])
    now += sessions.RESERVED_SECONDS + 1
    # the shares that were heard: 133 single ratings of 12 or so are 11 lists
    asked = 2 * len(DESIGN.lists[0].pages)
    dealt = Counter(store.begin(SHA).list for _ in range(60))
    assert dealt[0] <= 20 + 133 / asked + 1
    assert min(dealt.values()) >= 10


def test_so_many_sessions_may_begin_and_no_more(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "UNRATED_SESSIONS", 5)
    begun = [store.begin(SHA, most=7) for _ in range(5)]
    with pytest.raises(TooManySessionsError, match="many have just begun"):
        store.begin(SHA, most=7)
    store.save(begun[0].session, [answer()])
    store.begin(SHA, most=7)
    store.save(begun[1].session, [answer()])
    store.begin(SHA, most=7)
    with pytest.raises(TooManySessionsError, match="7 sessions were begun"):
        store.begin(SHA, most=7)


def test_a_session_stores_so_much_and_no_more(store: Store, path: Path) -> None:
    session, other = store.begin(SHA).session, store.begin(SHA).session
    stored = 0
    with pytest.raises(FullSessionError, match="at most"):
        for revision in range(1, 1000):
            store.save(session, [answer(revision=revision, comment=f"{revision:05}" * (COMMENT_BYTES // 5))])
            stored += COMMENT_BYTES
    most = sessions.SESSION_BYTES + sessions.BYTES_PER_ANSWER * 2 * len(DESIGN.lists[0].pages)
    assert most - 2 * COMMENT_BYTES < stored <= most
    store.save(other, [answer(comment="x" * COMMENT_BYTES)])


def sent_back(folder: Path, session: str, value: int, pages: tuple[int, ...]) -> Path:
    ratings = tuple(answer(page=page, value=value) for page in pages)
    content = RatingsFile(design=SHA, session=session * 32, list=0, ratings=ratings)
    path = folder / f"{session}-{value}.json"
    path.write_text(content.model_dump_json(), encoding="utf-8")
    return path


def test_of_files_that_contradict_each_other_none_is_stored(store: Store, tmp_path: Path) -> None:
    first, second = sent_back(tmp_path, "a", 4, (0, 1)), sent_back(tmp_path, "a", 2, (2, 1))
    with pytest.raises(Exception, match=r"a-2\.json: another value is stored"):
        import_files([first, second], store, MANIFEST, DESIGN)
    assert store.read("SELECT * FROM ratings") == [] and store.read("SELECT * FROM sessions") == []
    assert [found.added for found in import_files([first], store, MANIFEST, DESIGN)] == [2]


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"])
def test_a_spreadsheet_runs_no_comment(text: str) -> None:
    table = pd.DataFrame({"comment": [text, "a = b", ""], "value": [-1, 2, 3], "system": ["a", "=b", None]})
    escaped = for_spreadsheets(table)
    assert escaped["comment"].tolist() == [f"'{text}", "a = b", ""]
    assert escaped["value"].tolist() == [-1, 2, 3] and escaped["system"].tolist()[:2] == ["a", "'=b"]
    assert table["comment"][0] == text
    assert b'"a = b"' in csv_bytes(escaped)


@pytest.mark.parametrize("place", ["{cwd}/results/ratings", "results", "link/ratings", "{cwd}/x/../results"])
def test_ratings_stay_out_of_results_however_it_is_written(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "link").symlink_to("results")
    with pytest.raises(ValueError, match="make clean"):
        Listening(folder=place.format(cwd=tmp_path))
    for kept in ("ratings", "results-of-people", str(tmp_path / "ratings"), "/elsewhere/results"):
        assert Listening(folder=kept).folder == kept


def unfinished(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(f"GET /study.json HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX: ".encode())
    return connection


def test_unfinished_headers_keep_nobody_out(served: Served) -> None:
    assert served.process is not None
    resource.prlimit(served.process.pid, resource.RLIMIT_NOFILE, (420, 420))
    with ExitStack() as held:
        for _ in range(450):
            held.enter_context(unfinished(served.port))
        # long before the server gives unfinished headers up
        assert httpx.get(f"{served.url}/study.json", timeout=5).status_code == 200


def test_a_full_disk_is_answered_at_once_and_logged_in_a_line(tmp_path: Path) -> None:
    served = Served(tmp_path, make_test(tmp_path / "test"), log=tmp_path / "log")
    served.start()
    assert served.process is not None
    with httpx.Client(base_url=served.url, timeout=30) as client:
        session = served.begin(client)
        # the journal cannot grow: what SQLite meets is an error of the system
        size = served.database.with_name("ratings.sqlite-wal").stat().st_size
        unlimited = resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        for _ in range(3):
            refused = client.post(f"/s/{session}/ratings", json=ANSWER)
            assert refused.status_code == 503
            assert str(tmp_path) not in refused.text
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, unlimited)
        assert client.post(f"/s/{session}/ratings", json=ANSWER).status_code == 200
        assert len(client.get(f"/s/{session}/session.json").json()["answers"]) == 1
    served.stop()
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == 3 and all("cannot be used just now" in line for line in lines)


@needs_browser
@pytest.mark.slow
def test_who_comes_too_late_and_who_deletes_is_answered_truly(tmp_path: Path) -> None:
    served = Served(tmp_path, make_test(tmp_path / "test"), most_sessions=1)
    served.start()
    with httpx.Client(base_url=served.url) as client, chromium(tmp_path / "profile") as driver:
        session, rater = served.begin(client), Rater(driver)
        assert client.post(f"/s/{session}/ratings", json=ANSWER).status_code == 200
        driver.get(served.url)
        rater.until(lambda: driver.find_elements("css selector", "#screen button.main"))
        rater.find("#screen button.main").click()
        rater.until(lambda: "takes no more raters" in rater.find("#screen [role=status]").text)
        driver.get(f"{served.url}/experimenter#{served.token}")
        with closing(reader(served.database)):
            rater.until(lambda: driver.find_elements("css selector", f"button[aria-label='Delete {session[:8]}']"))
            rater.find(f"button[aria-label='Delete {session[:8]}']").click()
            driver.switch_to.alert.accept()
            rater.until(lambda: "A deletion is not finished" in rater.find("#status").text)
        rater.until(lambda: "not finished" not in rater.find("#status").text)
        events = sqlite3.connect(served.database).execute("SELECT kind, detail FROM events").fetchall()
        assert events == [("deleted", "")]
    assert served.stop() == 0
