"""What is done to the sessions of a listening test within one transaction; :mod:`descant.listening.store` makes those.

The tables, and the functions that read and change them over an open connection.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from descant.errors import ListeningError
from descant.listening.answers import LAST_REVISION, Answer
from descant.listening.files import ABPage, MosPage, RaterList

# a session without ratings holds its place in a list this long
RESERVED_SECONDS = 3600
# so many sessions of the last hour may be without a rating; who comes then must wait; ours
UNRATED_SESSIONS = 200
# what a session may store, with all revisions: who rewrites a long comment again and again stays below it; ours
SESSION_BYTES = 1_000_000
BYTES_PER_ANSWER = 16_384
# of a rating besides its comment, about
ROW_BYTES = 100

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tests (design TEXT PRIMARY KEY, manifest TEXT NOT NULL, lists TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions (
    session TEXT PRIMARY KEY, design TEXT NOT NULL REFERENCES tests, list INTEGER NOT NULL, code TEXT NOT NULL,
    created REAL NOT NULL, excluded INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ratings (
    session TEXT NOT NULL REFERENCES sessions, page INTEGER NOT NULL, scale TEXT NOT NULL, revision INTEGER NOT NULL,
    position INTEGER NOT NULL, stimulus TEXT NOT NULL, other TEXT, value INTEGER NOT NULL, comment TEXT NOT NULL,
    plays INTEGER NOT NULL, heard_ms INTEGER NOT NULL, rating_ms INTEGER NOT NULL, created REAL NOT NULL,
    PRIMARY KEY (session, page, scale, revision)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY, session TEXT NOT NULL, created REAL NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS sessions_of_a_test ON sessions (design, list);
CREATE INDEX IF NOT EXISTS events_of_a_session ON events (session, kind);
"""


class UnknownSessionError(ListeningError):
    """There is no such session."""


class DeletedSessionError(ListeningError):
    """The session was deleted, at the rater's wish."""


class InvalidAnswerError(ListeningError):
    """The session's list has no such page, scale or value."""


class TooManySessionsError(ListeningError):
    """No further session can begin, now or at all."""


class FullSessionError(ListeningError):
    """A session has stored as much as it may."""


class RevisionConflictError(ListeningError):
    """Another value is stored under this revision, from another window.

    Attributes:
        latest: the highest revision that is stored.
    """

    def __init__(self, latest: int) -> None:
        super().__init__("another value is stored under this revision", f"send it as revision {latest + 1}")
        self.latest = latest


@dataclass(frozen=True)
class Session:
    """Someone's way through a list.

    Attributes:
        session: 32 random hex digits; who knows them can rate.
        design: of the test.
        list: of the test.
        code: shown at the end, so that a rater can prove to have finished without giving the session away.
        created: seconds since the epoch.
        excluded: whether the experimenter set it aside.
    """

    session: str
    design: str
    list: int
    code: str
    created: float
    excluded: bool


def find(connection: sqlite3.Connection, session: str) -> Session | None:
    """A session by its id; None when there is none."""
    row = connection.execute("SELECT * FROM sessions WHERE session = ?", (session,)).fetchone()
    return None if row is None else Session(**{**row, "excluded": bool(row["excluded"])})


def refuse_deleted(connection: sqlite3.Connection, session: str) -> None:
    """Raise a DeletedSessionError when a session of this id was deleted."""
    query = "SELECT 1 FROM events WHERE session = ? AND kind = 'deleted'"
    if connection.execute(query, (session,)).fetchone():
        raise DeletedSessionError("this session was deleted", "begin another one")


def known(connection: sqlite3.Connection, session: str) -> Session:
    """A session by its id.

    Raises:
        UnknownSessionError: when there is none.
        DeletedSessionError: when it was deleted.
    """
    found = find(connection, session)
    if found is None:
        refuse_deleted(connection, session)
        raise UnknownSessionError("there is no such session", "open the link as it was given")
    return found


def insert(connection: sqlite3.Connection, begun: Session) -> None:
    """Add a session."""
    fields = (begun.session, begun.design, begun.list, begun.code, begun.created)
    connection.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, 0)", fields)


def bring(connection: sqlite3.Connection, lists: Mapping[int, RaterList], begun: Session) -> None:
    """Add a session with a given id and list, unless it is there.

    Raises:
        ListeningError: when there is no such list, or the id is taken for another one.
        DeletedSessionError: when a session of this id was deleted.
    """
    found = find(connection, begun.session)
    if found is not None:
        if (found.design, found.list) != (begun.design, begun.list):
            raise ListeningError("this session is of another list or test", "give it another id")
        return
    refuse_deleted(connection, begun.session)
    if begun.list not in lists:
        raise ListeningError(f"the test has no list {begun.list}", "check the file, or the design it is of")
    insert(connection, begun)


def deal(
    connection: sqlite3.Connection, design: str, lists: Mapping[int, RaterList], most: int | None, now: float
) -> int:
    """The number of the list that the next rater gets: the one of which the least was heard.

    A session of the last hour counts as a whole list, an older one as the share of its list that it rated: who begins
    many sessions, and rates a clip in each, steers nobody. Sessions set aside do not count.

    Args:
        connection: that holds the lock for writing.
        design: of the test.
        lists: of the test, by number.
        most: sessions that may be begun in all; None for any number.
        now: seconds since the epoch.

    Raises:
        TooManySessionsError: when there are as many sessions as may be, or too many of the last hour without a rating.
    """
    rows = connection.execute(
        "SELECT list, created, excluded, (SELECT COUNT(*) FROM (SELECT DISTINCT page, scale FROM ratings AS r"
        " WHERE r.session = s.session)) AS rated FROM sessions AS s WHERE design = ?",
        (design,),
    ).fetchall()
    if most is not None and len(rows) >= most:
        raise TooManySessionsError(
            f"this test takes no more raters: {most} sessions were begun", "ask the person who invited you"
        )
    used = dict.fromkeys(lists, 0.0)
    unrated = 0
    for row in rows:
        young = row["created"] > now - RESERVED_SECONDS
        unrated += young and row["rated"] == 0
        if not row["excluded"]:
            used[row["list"]] += 1.0 if young else row["rated"] / _asked(lists[row["list"]])
    if most is not None and unrated >= UNRATED_SESSIONS:
        raise TooManySessionsError("many have just begun, and have not rated yet", "try again in a few minutes")
    return min(lists, key=lambda number: (used[number], number))


def _asked(of: RaterList) -> int:
    return sum(len(_scales(page)) for page in of.pages)


def _scales(page: MosPage | ABPage) -> tuple[str, ...]:
    return ("preference",) if isinstance(page, ABPage) else ("fidelity", "musicality")


def save(connection: sqlite3.Connection, session: str, of: RaterList, answers: Sequence[Answer], now: float) -> int:
    """Store ratings of a session; one that is stored already changes nothing.

    Returns:
        How many were not stored before.

    Raises:
        InvalidAnswerError: when the list has no such page, scale or value.
        RevisionConflictError: when another value is stored under a revision.
        FullSessionError: when the session would store more than it may.
    """
    pages = {page.page: (place, page) for place, page in enumerate(of.pages)}
    added = 0
    for answer in answers:
        if answer.page not in pages:
            raise InvalidAnswerError(f"the list has no page {answer.page}", "send pages of the session's list")
        position, page = pages[answer.page]
        _check(answer, _scales(page))
        first, other = (page.a, page.b) if isinstance(page, ABPage) else (page.stimulus, None)
        said = (answer.value, answer.comment, answer.plays, answer.heard_ms, answer.rating_ms)
        key = (session, answer.page, answer.scale)
        stored = connection.execute(
            "SELECT value, comment, plays, heard_ms, rating_ms FROM ratings"
            " WHERE session = ? AND page = ? AND scale = ? AND revision = ?",
            (*key, answer.revision),
        ).fetchone()
        if stored is None:
            row = (*key, answer.revision, position, first, other, *said, now)
            connection.execute("INSERT INTO ratings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            added += 1
        elif tuple(stored) != said:
            query = "SELECT MAX(revision) FROM ratings WHERE session = ? AND page = ? AND scale = ?"
            raise RevisionConflictError(connection.execute(query, key).fetchone()[0])
    _refuse_more_than_may_be(connection, session, SESSION_BYTES + BYTES_PER_ANSWER * _asked(of))
    return added


def _refuse_more_than_may_be(connection: sqlite3.Connection, session: str, most: int) -> None:
    query = "SELECT COALESCE(SUM(LENGTH(CAST(comment AS BLOB)) + ?), 0) FROM ratings WHERE session = ?"
    if connection.execute(query, (ROW_BYTES, session)).fetchone()[0] > most:
        raise FullSessionError(
            f"a session stores at most {most} bytes, with all revisions", "finish it, or begin another one"
        )


def record(connection: sqlite3.Connection, session: str, kind: str, detail: str, now: float) -> None:
    """Note what happened to a session."""
    row = (session, now, kind, detail)
    connection.execute("INSERT INTO events (session, created, kind, detail) VALUES (?, ?, ?, ?)", row)


def _check(answer: Answer, scales: Sequence[str]) -> None:
    if answer.scale not in scales:
        raise InvalidAnswerError(f"the page has no scale {answer.scale!r}", f"it has: {', '.join(scales)}")
    if scales == ("preference",) and answer.value > 2:
        raise InvalidAnswerError(f"a preference is 1 or 2, not {answer.value}", "send the number of the clip")
    if answer.revision > LAST_REVISION:
        raise InvalidAnswerError("too many revisions", "begin another session")
