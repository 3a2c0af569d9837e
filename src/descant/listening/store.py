"""Ratings in SQLite: each is on disk before it is acknowledged, once, with all its revisions.

One file holds one source: people's ratings in ``ratings/ratings.sqlite``, where no rule deletes them, simulated ones in
another, in which nothing depends on the clock; a file of the other source is refused. It also holds what each test was
(manifest and lists), so that ratings keep their meaning when the pipeline's results are made anew or deleted::

    with Store(path, "people") as store:
        store.add_test(manifest, design)
        session = store.begin(design.design)
        store.save(session.session, [Answer(page=0, scale="fidelity", value=4, revision=1, ...)])
    table = export(path, design.design)

The journal is written ahead (WAL) and synced at every commit, so that neither a killed server nor a power cut loses
what was acknowledged. All methods may be called from several threads, and several processes may open one file.
"""

import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from pydantic import TypeAdapter

from descant.errors import ListeningError
from descant.listening.answers import LAST_REVISION, Answer
from descant.listening.files import ABPage, Design, Manifest, RaterList

Source = Literal["people", "simulated"]
PEOPLE_FILE = "ratings.sqlite"
VERSION = "1"
# a session without ratings holds its place in a list this long
RESERVED_SECONDS = 3600
LISTS = TypeAdapter(tuple[RaterList, ...])

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


class Store:
    """A file of ratings, open for reading and writing."""

    def __init__(self, path: Path, source: Source) -> None:
        """Open a file, or make it, readable by its owner only.

        Args:
            path: of the file; its folder is made.
            source: whose ratings it holds.

        Raises:
            ListeningError: when it is no such file, or holds ratings of the other source.
        """
        self.source = source
        self._path = path
        self._lock = threading.RLock()
        self._lists: dict[str, dict[int, RaterList]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        try:
            self._set_up()
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise ListeningError(f"{path} is no file of ratings: {error}", "name another folder of ratings") from error
        except ListeningError:
            self._connection.close()
            raise

    def _set_up(self) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.executescript(SCHEMA)
        with self._writing() as write:
            for key, value in (("version", VERSION), ("source", self.source)):
                write.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (key, value))
            held = dict(write.execute("SELECT key, value FROM meta").fetchall())
        if held["version"] != VERSION:
            raise ListeningError(
                f"{self._path} is of form {held['version']}, this program reads {VERSION}", "use the program it is from"
            )
        if held["source"] != self.source:
            raise ListeningError(
                f"{self._path} holds ratings of source {held['source']!r}, not {self.source!r}",
                "never put people's and simulated ratings together: name another file",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was acknowledged is on disk anyway."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def read(self, query: str, *values: str | int | float) -> list[sqlite3.Row]:
        """Rows of a query, by column name."""
        with self._lock:
            cursor = self._connection.execute(query, values)
            cursor.row_factory = sqlite3.Row
            return cursor.fetchall()

    def add_test(self, manifest: Manifest, design: Design) -> None:
        """Keep what a test is; one that is known already is left as it is.

        Raises:
            ListeningError: when manifest and design are of different tests.
        """
        if manifest.design != design.design:
            raise ListeningError("manifest and design are of different tests", "run: snakemake --cores all listening")
        content = (design.design, manifest.model_dump_json(), LISTS.dump_json(design.lists).decode())
        with self._writing() as write:
            write.execute("INSERT OR IGNORE INTO tests VALUES (?, ?, ?)", content)

    def lists(self, design: str) -> dict[int, RaterList]:
        """The lists of a test by number.

        Raises:
            ListeningError: when the test is not known here.
        """
        with self._lock:
            if design not in self._lists:
                rows = self.read("SELECT lists FROM tests WHERE design = ?", design)
                if not rows:
                    raise ListeningError(f"test {design[:12]} is not known here", "add the test before its ratings")
                self._lists[design] = {of.list: of for of in LISTS.validate_json(rows[0]["lists"])}
            return self._lists[design]

    def begin(self, design: str, number: int | None = None, session: str | None = None) -> Session:
        """Begin a session; one that exists with this id and list is given again.

        Args:
            design: of a test that was added.
            number: of the list; None deals the least used. Sessions set aside do not count as used, nor do those
                without a rating once they are an hour old.
            session: its id; None draws 128 random bits.

        Raises:
            ListeningError: when there is no such list, or the id is taken for another one.
            DeletedSessionError: when a session of this id was deleted.
        """
        lists = self.lists(design)
        now = self._now()
        with self._writing() as write:
            if session is not None:
                known = self._find(session)
                if known is not None:
                    if (known.design, known.list) != (design, number if number is not None else known.list):
                        raise ListeningError("this session is of another list or test", "give it another id")
                    return known
                self._refuse_deleted(session)
            chosen = self._least_used(design, now) if number is None else number
            if chosen not in lists:
                raise ListeningError(f"the test has no list {chosen}", "check the file, or the design it is of")
            identity = session or secrets.token_hex(16)
            code = secrets.token_hex(4) if self.source == "people" else identity[:8]
            begun = Session(identity, design, chosen, code, now, False)
            fields = (begun.session, design, chosen, begun.code, now)
            write.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, 0)", fields)
        return begun

    def _now(self) -> float:
        # a simulation gives the same bytes whenever it is run
        return time.time() if self.source == "people" else 0.0

    def _least_used(self, design: str, now: float) -> int:
        rows = self.read(
            "SELECT list, COUNT(*) AS used FROM sessions AS s WHERE design = ? AND NOT excluded AND (created > ? OR"
            " EXISTS (SELECT 1 FROM ratings AS r WHERE r.session = s.session)) GROUP BY list",
            design,
            now - RESERVED_SECONDS,
        )
        used = {row["list"]: row["used"] for row in rows}
        return min(self.lists(design), key=lambda number: (used.get(number, 0), number))

    def _find(self, session: str) -> Session | None:
        rows = self.read("SELECT * FROM sessions WHERE session = ?", session)
        return Session(**{**rows[0], "excluded": bool(rows[0]["excluded"])}) if rows else None

    def _refuse_deleted(self, session: str) -> None:
        if self.read("SELECT 1 FROM events WHERE session = ? AND kind = 'deleted'", session):
            raise DeletedSessionError("this session was deleted", "begin another one")

    def session(self, session: str) -> Session:
        """A session by its id.

        Raises:
            UnknownSessionError: when there is none.
            DeletedSessionError: when it was deleted.
        """
        found = self._find(session)
        if found is None:
            self._refuse_deleted(session)
            raise UnknownSessionError("there is no such session", "open the link as it was given")
        return found

    def save(self, session: str, answers: Sequence[Answer]) -> None:
        """Store ratings, all or none; they are on disk when this returns. One that is stored already changes nothing.

        Args:
            session: that was begun.
            answers: any of its list, in any order.

        Raises:
            UnknownSessionError: when it was not begun.
            DeletedSessionError: when it was deleted.
            InvalidAnswerError: when its list has no such page, scale or value.
            RevisionConflictError: when another value is stored under a revision.
        """
        with self._writing() as write:
            found = self.session(session)
            pages = {page.page: (place, page) for place, page in enumerate(self.lists(found.design)[found.list].pages)}
            for answer in answers:
                if answer.page not in pages:
                    raise InvalidAnswerError(f"the list has no page {answer.page}", "send pages of the session's list")
                position, page = pages[answer.page]
                pair = isinstance(page, ABPage)
                _check(answer, pair)
                first, other = (page.a, page.b) if isinstance(page, ABPage) else (page.stimulus, None)
                said = (answer.value, answer.comment, answer.plays, answer.heard_ms, answer.rating_ms)
                key = (session, answer.page, answer.scale)
                stored = write.execute(
                    "SELECT value, comment, plays, heard_ms, rating_ms FROM ratings"
                    " WHERE session = ? AND page = ? AND scale = ? AND revision = ?",
                    (*key, answer.revision),
                ).fetchone()
                if stored is None:
                    row = (*key, answer.revision, position, first, other, *said, self._now())
                    write.execute("INSERT INTO ratings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
                elif stored != said:
                    query = "SELECT MAX(revision) FROM ratings WHERE session = ? AND page = ? AND scale = ?"
                    raise RevisionConflictError(write.execute(query, key).fetchone()[0])

    def ratings_of_others(self, design: str) -> int:
        """How many ratings there are of other tests than this one, each page and scale once."""
        query = (
            "SELECT COUNT(*) AS ratings FROM (SELECT DISTINCT r.session, page, scale FROM ratings AS r"
            " JOIN sessions AS s USING (session) WHERE s.design <> ?)"
        )
        return int(self.read(query, design)[0]["ratings"])

    def answers(self, session: str) -> list[Answer]:
        """The latest rating of each page and scale of a session."""
        rows = self.read(
            "SELECT page, scale, value, MAX(revision) AS revision, plays, heard_ms, rating_ms, comment"
            " FROM ratings WHERE session = ? GROUP BY page, scale ORDER BY page, scale",
            session,
        )
        return [Answer(**row) for row in rows]

    def exclude(self, session: str, excluded: bool, reason: str) -> None:
        """Set a session aside, or take it back; both are recorded, and nothing is deleted.

        Raises:
            UnknownSessionError: when there is none.
            DeletedSessionError: when it was deleted.
        """
        with self._writing() as write:
            self.session(session)
            write.execute("UPDATE sessions SET excluded = ? WHERE session = ?", (int(excluded), session))
            self._record(session, "excluded" if excluded else "included", reason)

    def delete(self, session: str) -> None:
        """Delete a session with all its ratings and comments for good; only that it was deleted is kept.

        Raises:
            UnknownSessionError: when there is none.
            DeletedSessionError: when it was deleted before.
        """
        with self._writing() as write:
            self.session(session)
            for table in ("ratings", "events", "sessions"):
                write.execute(f"DELETE FROM {table} WHERE session = ?", (session,))
            self._record(session, "deleted", "")
        with self._lock:
            # what was deleted still stands in the journal until it is written back
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _record(self, session: str, kind: str, detail: str) -> None:
        row = (session, self._now(), kind, detail)
        self._connection.execute("INSERT INTO events (session, created, kind, detail) VALUES (?, ?, ?, ?)", row)


def _check(answer: Answer, pair: bool) -> None:
    scales = ("preference",) if pair else ("fidelity", "musicality")
    if answer.scale not in scales:
        raise InvalidAnswerError(f"the page has no scale {answer.scale!r}", f"it has: {', '.join(scales)}")
    if pair and answer.value > 2:
        raise InvalidAnswerError(f"a preference is 1 or 2, not {answer.value}", "send the number of the clip")
    if answer.revision > LAST_REVISION:
        raise InvalidAnswerError("too many revisions", "begin another session")
