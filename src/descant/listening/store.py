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
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from pydantic import TypeAdapter

from descant.errors import ListeningError
from descant.listening import sessions
from descant.listening.answers import Answer, RatingsFile
from descant.listening.database import Database, UnavailableError
from descant.listening.files import Design, Manifest, RaterList
from descant.listening.sessions import SCHEMA, Session

Source = Literal["people", "simulated"]
PEOPLE_FILE = "ratings.sqlite"
VERSION = "1"
LISTS = TypeAdapter(tuple[RaterList, ...])
# the detail of a deletion that is not finished
STILL_IN_JOURNAL = "still in the journal"
# how long who deletes waits for the journal to be emptied
DELETE_SECONDS = 2.0


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
        self._lists: dict[str, dict[int, RaterList]] = {}
        self._lists_lock = threading.Lock()
        self._database = Database(path, SCHEMA)
        try:
            self._refuse_another_file(path)
        except BaseException:
            self._database.close()
            raise

    def read(self, query: str, *values: str | int | float) -> list[sqlite3.Row]:
        """Rows of a query, by column name, as they stand at the last commit."""
        with self._database.reading() as read:
            return read.execute(query, values).fetchall()

    def _refuse_another_file(self, path: Path) -> None:
        wanted = {"version": VERSION, "source": self.source}
        held = {row["key"]: row["value"] for row in self.read("SELECT * FROM meta")}
        if not held:
            with self._database.writing() as write:
                for entry in wanted.items():
                    write.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", entry)
                held = {row["key"]: row["value"] for row in write.execute("SELECT * FROM meta").fetchall()}
        if held.get("version") != VERSION:
            raise ListeningError(
                f"{path} is of form {held.get('version')}, this program reads {VERSION}", "use the program it is from"
            )
        if held.get("source") != self.source:
            raise ListeningError(
                f"{path} holds ratings of source {held.get('source')!r}, not {self.source!r}",
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
        self._database.close()

    def add_test(self, manifest: Manifest, design: Design) -> None:
        """Keep what a test is; one that is known already is left as it is.

        Raises:
            ListeningError: when manifest and design are of different tests.
        """
        if manifest.design != design.design:
            raise ListeningError("manifest and design are of different tests", "run: snakemake --cores all listening")
        content = (design.design, manifest.model_dump_json(), LISTS.dump_json(design.lists).decode())
        with self._database.writing() as write:
            write.execute("INSERT OR IGNORE INTO tests VALUES (?, ?, ?)", content)

    def lists(self, design: str) -> dict[int, RaterList]:
        """The lists of a test by number.

        Raises:
            ListeningError: when the test is not known here.
        """
        with self._lists_lock:
            if design not in self._lists:
                rows = self.read("SELECT lists FROM tests WHERE design = ?", design)
                if not rows:
                    raise ListeningError(f"test {design[:12]} is not known here", "add the test before its ratings")
                self._lists[design] = {of.list: of for of in LISTS.validate_json(rows[0]["lists"])}
            return self._lists[design]

    def begin(self, design: str, most: int | None = None) -> Session:
        """Begin a session, with the list of which the least was heard: see :func:`descant.listening.sessions.deal`.

        Args:
            design: of a test that was added.
            most: sessions that may be begun; None for any number, and no throttle.

        Raises:
            ListeningError: when the test is not known.
            TooManySessionsError: when no more may begin, now or at all.
        """
        lists, now = self.lists(design), self._now()
        with self._database.writing() as write:
            number = sessions.deal(write, design, lists, most, now)
            begun = Session(secrets.token_hex(16), design, number, secrets.token_hex(4), now, False)
            sessions.insert(write, begun)
        return begun

    def bring(self, design: str, number: int, session: str) -> Session:
        """Begin a session with a list and an id of the caller's; one that exists with both is given again.

        Raises:
            ListeningError: when the test has no such list, or the id is taken for another one.
            DeletedSessionError: when a session of this id was deleted.
        """
        lists = self.lists(design)
        with self._database.writing() as write:
            sessions.bring(write, lists, self._brought(design, number, session))
            return sessions.known(write, session)

    def _brought(self, design: str, number: int, session: str) -> Session:
        code = secrets.token_hex(4) if self.source == "people" else session[:8]
        return Session(session, design, number, code, self._now(), False)

    def _now(self) -> float:
        # a simulation gives the same bytes whenever it is run
        return time.time() if self.source == "people" else 0.0

    def session(self, session: str) -> Session:
        """A session by its id.

        Raises:
            UnknownSessionError: when there is none.
            DeletedSessionError: when it was deleted.
        """
        with self._database.reading() as read:
            return sessions.known(read, session)

    def save(self, session: str, answers: Sequence[Answer]) -> int:
        """Store ratings, all or none; they are on disk when this returns. One that is stored already changes nothing.

        Args:
            session: that was begun.
            answers: any of its list, in any order.

        Returns:
            How many were not stored before.

        Raises:
            UnknownSessionError: when it was not begun.
            DeletedSessionError: when it was deleted.
            InvalidAnswerError: when its list has no such page, scale or value.
            RevisionConflictError: when another value is stored under a revision.
            FullSessionError: when the session would store more than it may.
            UnavailableError: when the disk is full, or another program holds the file.
        """
        with self._database.writing() as write:
            found = sessions.known(write, session)
            return sessions.save(write, session, self.lists(found.design)[found.list], answers, self._now())

    def take(self, files: Mapping[Path, RatingsFile]) -> dict[Path, int]:
        """Store what raters of the static page sent back: all files, or none.

        Args:
            files: of tests that were added, by the paths that errors name.

        Returns:
            By path, how many ratings were not stored before.

        Raises:
            ListeningError: when a file names a list or rates what its test does not have, contradicts what is stored or
                another file, or is of a session that was deleted.
        """
        lists = {given.design: self.lists(given.design) for given in files.values()}
        added = {}
        with self._database.writing() as write:
            for path, given in files.items():
                of = lists[given.design]
                try:
                    sessions.bring(write, of, self._brought(given.design, given.list, given.session))
                    added[path] = sessions.save(write, given.session, of[given.list], given.ratings, self._now())
                except UnavailableError:
                    raise
                except ListeningError as error:
                    cure = "nothing was stored: ask the rater for the file as it was downloaded"
                    raise ListeningError(f"{path}: {error.problem}", cure) from error
        return added

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
        with self._database.writing() as write:
            sessions.known(write, session)
            write.execute("UPDATE sessions SET excluded = ? WHERE session = ?", (int(excluded), session))
            sessions.record(write, session, "excluded" if excluded else "included", reason, self._now())

    def delete(self, session: str) -> bool:
        """Delete a session with all its ratings and comments for good; only that it was deleted is kept.

        Returns:
            Whether nothing of it stands on disk any more. While another program reads the file, what was deleted still
            stands in the journal: :meth:`empty_journal` is to be tried again.

        Raises:
            UnknownSessionError: when there is none.
            DeletedSessionError: when it was deleted before.
        """
        with self._database.writing() as write:
            sessions.known(write, session)
            for table in ("ratings", "events", "sessions"):
                write.execute(f"DELETE FROM {table} WHERE session = ?", (session,))
            sessions.record(write, session, "deleted", STILL_IN_JOURNAL, self._now())
        return self.empty_journal(DELETE_SECONDS)

    def deletions_in_journal(self) -> int:
        """How many sessions were deleted of which something may still stand in the journal."""
        query = "SELECT COUNT(*) AS number FROM events WHERE kind = 'deleted' AND detail = ?"
        return int(self.read(query, STILL_IN_JOURNAL)[0]["number"])

    def empty_journal(self, wait: float = 0.0) -> bool:
        """Empty the journal of what was deleted, where that was not done yet.

        Args:
            wait: seconds to try.

        Returns:
            Whether nothing that was deleted stands in it any more.
        """
        query = "SELECT MAX(number) AS last FROM events WHERE kind = 'deleted' AND detail = ?"
        last = self.read(query, STILL_IN_JOURNAL)[0]["last"]
        if last is None:
            return True
        if not self._database.empty_journal(wait):
            return False
        with self._database.writing() as write:
            write.execute("UPDATE events SET detail = '' WHERE kind = 'deleted' AND number <= ?", (last,))
        return True
