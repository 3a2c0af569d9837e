"""Ratings out of the store, as the one table that the analysis reads.

Columns: session, list, page, position, stimulus, system, item, other, other_system, kind, scale, value, comment, plays,
heard_ms, rating_ms, revision, created, excluded, lowest, highest, source, design. One row a page and scale, its latest
revision. The comment is the page's, the same on each of its scales. ``other`` is the second clip of a pair, whose
value is 1 where the first was preferred and 2 where the second was. ``lowest`` and ``highest`` are the allowed range of
a control. ``excluded`` sessions are in it: whoever reads it decides, and says so. A session's id opens its link, and is
not in the table: :func:`public_name` is.
"""

import csv
import io
from pathlib import Path

import pandas as pd

from descant.corpus.outputs import whole_file
from descant.errors import ListeningError
from descant.listening.files import Manifest, Stimulus
from descant.listening.store import Source, Store

COLUMNS = (
    "session",
    "list",
    "page",
    "position",
    "stimulus",
    "system",
    "item",
    "other",
    "other_system",
    "kind",
    "scale",
    "value",
    "comment",
    "plays",
    "heard_ms",
    "rating_ms",
    "revision",
    "created",
    "excluded",
    "lowest",
    "highest",
    "source",
    "design",
)
WHOLE = ("list", "page", "position", "item", "value", "plays", "heard_ms", "rating_ms", "revision", "lowest", "highest")
# the half that is left, 64 bits, nobody guesses
PUBLIC_DIGITS = 16
LATEST = """
SELECT r.*, s.list, s.design, s.excluded, t.number AS test FROM ratings AS r JOIN sessions AS s USING (session)
JOIN (SELECT design, ROW_NUMBER() OVER (ORDER BY design) AS number FROM tests) AS t USING (design)
WHERE r.revision = (SELECT MAX(revision) FROM ratings AS n
                    WHERE n.session = r.session AND n.page = r.page AND n.scale = r.scale)
ORDER BY t.number, s.created, r.session, r.position, r.scale
"""


def public_name(session: str) -> str:
    """What a session is called where others may read it: the first digits of its id, by which nobody can rate."""
    return session[:PUBLIC_DIGITS]


def export(path: Path, source: Source = "people", design: str | None = None) -> pd.DataFrame:
    """Read the ratings of a file.

    Args:
        path: of the SQLite file.
        source: whose ratings it must hold.
        design: keep the ratings of this test only; None keeps all.

    Returns:
        The table that the module's docstring describes, in the order of sessions and positions.

    Raises:
        ListeningError: when the file is missing, is none, or holds ratings of the other source.
    """
    if not path.is_file():
        raise ListeningError(f"{path} does not exist: nobody has rated", "gather ratings: snakemake --cores 1 listen")
    with Store(path, source) as store:
        return table_of(store, design)


def table_of(store: Store, design: str | None = None) -> pd.DataFrame:
    """The ratings of an open store, as :func:`export` gives them."""
    tests = {
        row["design"]: Manifest.model_validate_json(row["manifest"]).by_name()
        for row in store.read("SELECT design, manifest FROM tests")
        if design in (None, row["design"])
    }
    rows = [
        {
            **dict(row),
            "session": public_name(row["session"]),
            **_what_was_heard(tests[row["design"]], row["stimulus"], row["other"], row["scale"]),
        }
        for row in store.read(LATEST)
        if row["design"] in tests
    ]
    table = pd.DataFrame(rows, columns=[*COLUMNS]).assign(source=store.source)
    return table.astype({**dict.fromkeys(WHOLE, "Int64"), "excluded": "bool", "created": "float64"})


def _what_was_heard(
    stimuli: dict[str, Stimulus], name: str, other: str | None, scale: str
) -> dict[str, str | int | None]:
    """What the manifest says of a rating's clips."""
    first, second = stimuli[name], None if other is None else stimuli[other]
    low, high = (first.expected or {}).get(scale, (None, None))
    if second is not None and first.expected and second.expected:
        # of two controls the one with the higher ratings is to be preferred
        right = 1 if _best(first) >= _best(second) else 2
        low, high = right, right
    return {
        "system": first.system,
        "item": first.item,
        "kind": first.kind,
        "other_system": None if second is None else second.system,
        "lowest": low,
        "highest": high,
    }


def _best(control: Stimulus) -> int:
    return max(high for _, high in (control.expected or {}).values())


def write_export(table: pd.DataFrame, path: Path) -> None:
    """Write the table as Parquet or CSV, by the ending of the name, beside its place and renamed."""
    with whole_file(path) as temporary:
        temporary.write_bytes(parquet_bytes(table) if path.suffix == ".parquet" else csv_bytes(table))


def parquet_bytes(table: pd.DataFrame) -> bytes:
    """The table as Parquet."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def for_spreadsheets(table: pd.DataFrame) -> pd.DataFrame:
    """The table with an apostrophe before every text that a spreadsheet would take for a formula and run.

    It is for looking at: what people wrote is changed. (OWASP, CSV injection.)
    """
    texts = {name: _escaped(table[name]) for name in table.columns if pd.api.types.is_string_dtype(table[name])}
    return table.assign(**texts)


def _escaped(texts: "pd.Series[str]") -> "pd.Series[str]":
    # full-width signs too: some spreadsheets read them as the plain ones
    return texts.where(~texts.str.match(r"[=+\-@\t\r\n＝＋－＠]", na=False), "'" + texts)


def csv_bytes(table: pd.DataFrame) -> bytes:
    """The table as CSV; texts stand in quotes, so that comments of several lines are read back as they were."""
    return table.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC).encode()
