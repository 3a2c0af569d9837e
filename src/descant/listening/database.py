"""One SQLite file that several threads and processes write and read: what is written is on disk when it is answered.

The journal is written ahead (WAL) and synced at every commit. Who reads uses a connection of its own, which can write
nothing and waits for nobody who writes.
"""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from descant.errors import ListeningError

# a rater's browser tries again by itself: an early refusal is better than a late one
WAIT_SECONDS = 5.0
SECONDS_BETWEEN_TRIES = 0.02


class UnavailableError(ListeningError):
    """The file cannot be written or read just now: its disk is full, or another program holds it."""


@contextlib.contextmanager
def _failures_named(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise UnavailableError(
            f"{path} cannot be used just now: {error}",
            "make room on its disk, or end the program that holds the file",
        ) from error


class Database:
    """A file, open for writing and reading."""

    def __init__(self, path: Path, schema: str) -> None:
        """Open a file, or make it, readable by its owner only.

        Args:
            path: of the file; its folder is made.
            schema: statements that make the tables of a new file.

        Raises:
            ListeningError: when it is no database.
            UnavailableError: when it cannot be opened just now.
        """
        self._path = path
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
        except OSError as error:
            raise ListeningError(
                f"{path} cannot be made: {error.strerror}", "name another folder of ratings"
            ) from error
        with _failures_named(path), contextlib.ExitStack() as opened:
            self._writer = opened.enter_context(contextlib.closing(self._connect(path, WAIT_SECONDS)))
            try:
                for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
                    self._writer.execute(f"PRAGMA {pragma}")
                # a file that has its tables is opened without the lock of whoever writes
                if not self._writer.execute("SELECT 1 FROM sqlite_schema").fetchall():
                    self._writer.executescript(schema)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as error:
                raise ListeningError(
                    f"{path} is no file of ratings: {error}", "name another folder of ratings"
                ) from error
            self._reader = self._connect(f"{path.absolute().as_uri()}?mode=ro", WAIT_SECONDS)
            opened.pop_all()

    @staticmethod
    def _connect(path: Path | str, wait: float) -> sqlite3.Connection:
        connection = sqlite3.connect(
            path, timeout=wait, isolation_level=None, check_same_thread=False, uri=isinstance(path, str)
        )
        connection.row_factory = sqlite3.Row
        return connection

    def close(self) -> None:
        """Close the file; what was committed is on disk anyway."""
        with self._read_lock:
            self._reader.close()
        with self._write_lock:
            self._writer.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it is on disk when this ends, or nothing when it raises; threads take turns.

        Raises:
            UnavailableError: when the disk is full, or another process writes for longer than is waited.
        """
        with self._write_lock, _failures_named(self._path):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                # a full disk has ended the transaction already
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that reads what was committed, and waits for nobody who writes; threads take turns.

        Raises:
            UnavailableError: when the file cannot be read.
        """
        with self._read_lock, _failures_named(self._path):
            yield self._reader

    def empty_journal(self, wait: float) -> bool:
        """Write the journal back into the file and cut it to nothing: what was deleted before stands nowhere then.

        Nobody who reads or writes waits for it.

        Args:
            wait: seconds to try; another program that reads keeps the journal as it is.

        Returns:
            Whether it was done.
        """
        end = time.monotonic() + wait
        with contextlib.closing(self._connect(self._path, 0.0)) as connection:
            while True:
                # busy, frames in the journal, frames written back
                with contextlib.suppress(sqlite3.OperationalError):
                    if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0:
                        return True
                if time.monotonic() >= end:
                    return False
                time.sleep(SECONDS_BETWEEN_TRIES)
