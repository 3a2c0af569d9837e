"""A digest of the ratings in a file, by which a workflow knows whether any joined, changed or went."""

import hashlib
import sqlite3
from pathlib import Path

from descant.errors import ListeningError

CONTENT = """
SELECT r.session, r.page, r.scale, r.revision, r.value, r.comment, s.excluded, s.design
FROM ratings AS r JOIN sessions AS s USING (session) ORDER BY r.session, r.page, r.scale, r.revision
"""


def ratings_digest(path: Path) -> str:
    """Digest of all ratings in a file, which is only read; a page served meanwhile is not disturbed.

    Args:
        path: of the SQLite file.

    Returns:
        Hex digits, or an empty text where nobody has rated.

    Raises:
        ListeningError: when it is no file of ratings.
    """
    if not path.is_file():
        return ""
    digest, rated = hashlib.sha256(), False
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)
        try:
            # a server that is about to begin has made the file, and nothing in it
            made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sessions'").fetchone()
            for row in connection.execute(CONTENT) if made else ():
                digest.update(repr(row).encode(errors="surrogatepass"))
                rated = True
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise ListeningError(f"{path} is no file of ratings: {error}", "name another listening.folder") from error
    return digest.hexdigest() if rated else ""
