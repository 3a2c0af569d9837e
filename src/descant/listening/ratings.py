"""The exported ratings as the analysis reads them: one table, checked once.

Columns: session, list, page, position, stimulus, system, item, kind, scale, value, comment, plays, revision, source,
design. Where they stand in it, ``lowest`` and ``highest`` are the allowed range of a control's value, and ``excluded``
says that the experimenter set a session aside. Parquet or CSV, as ``export`` writes them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from descant.errors import ListeningError
from descant.parquet import read_bounded

NEEDED = (
    "session",
    "page",
    "position",
    "stimulus",
    "system",
    "item",
    "kind",
    "scale",
    "value",
    "comment",
    "source",
    "design",
)
# that are read where they are there
OPTIONAL = (
    "list",
    "other",
    "other_system",
    "plays",
    "heard_ms",
    "rating_ms",
    "revision",
    "created",
    "excluded",
    "lowest",
    "highest",
)
# a thousand raters of sixty pages, many times over
MOST_ROWS = 2_000_000
MOST_BYTES = 1 << 30
SOURCES = ("people", "simulated")
MUSHRA = "mushra"
# of these kinds scores are reported; controls screen raters, training pages are not ratings
SCORED = ("system", "real", "anchor")


@dataclass(frozen=True)
class Ratings:
    """All ratings of one test.

    Attributes:
        table: a row a rating; ``rater`` numbers the sessions. Empty where nobody rated this test.
        source: ``people`` or ``simulated``, never both.
        design: fingerprint of the test that was rated.
        others: ratings of other tests in the same file, which are not in the table.
    """

    table: pd.DataFrame
    source: str
    design: str
    others: int


def read_ratings(path: Path, design: str | None = None) -> Ratings:
    """Read exported ratings.

    Args:
        path: ``.parquet`` or ``.csv``.
        design: keep only ratings of this design, if any; None takes the one there is.

    Raises:
        ListeningError: when it cannot be read, lacks columns, mixes people with simulated raters, or mixes designs.
    """
    try:
        # an empty comment is a text, not an absent value, and so is one of digits
        texts = {"session": str, "comment": str}
        if path.suffix == ".parquet":
            table = read_bounded(path, NEEDED, OPTIONAL, MOST_ROWS, MOST_BYTES).replace_schema_metadata().to_pandas()
        elif path.stat().st_size > MOST_BYTES:
            raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
        else:
            table = pd.read_csv(path, keep_default_na=False, dtype=texts)
    except (OSError, ValueError) as error:
        raise ListeningError(f"{path} cannot be read: {error}", "export the ratings again") from error
    return check_ratings(table, str(path), design)


def check_ratings(table: pd.DataFrame, name: str, design: str | None = None) -> Ratings:
    """Check a table of ratings, and number its raters.

    Args:
        table: a row a rating.
        name: of where it is from, for messages.
        design: see :func:`read_ratings`.

    Raises:
        ListeningError: as :func:`read_ratings`.
    """
    missing = [column for column in NEEDED if column not in table.columns]
    if missing:
        raise ListeningError(f"{name} lacks the columns {', '.join(missing)}", "export the ratings again")
    sources = sorted(set(table["source"]))
    if len(sources) > 1 or not set(sources) <= set(SOURCES):
        raise ListeningError(
            f"{name} holds ratings from {', '.join(map(repr, sources))}",
            "never put people's and simulated ones together",
        )
    designs = sorted(set(table["design"]))
    if table.empty or (design is None and len(designs) > 1):
        raise ListeningError(f"{name} holds ratings of {len(designs)} tests", "give the manifest of the one to analyse")
    test = designs[0] if design is None else design
    mine = table[table["design"] == test]
    others, table = len(table) - len(mine), mine
    values = _floats(table["value"])
    if values.isna().any():
        raise ListeningError(f"{name} holds values that are no numbers", "export the ratings again")
    checked = table.assign(
        value=values,
        item=_floats(table["item"]),
        comment=table["comment"].fillna("").astype(str),
        rater=np.unique(table["session"].astype(str), return_inverse=True)[1].astype(np.int64),
    )
    for column in ("lowest", "highest"):
        checked[column] = _floats(checked[column]) if column in checked else np.nan
    if "excluded" not in checked:
        checked["excluded"] = False
    ordered = checked.sort_values(["rater", "position", "page", "scale"], kind="stable")
    return Ratings(ordered.reset_index(drop=True), sources[0], test, others)


def first_ratings(table: pd.DataFrame) -> pd.DataFrame:
    """The first rating of each clip by each rater; the second of a repeated clip serves consistency only."""
    return table.drop_duplicates(["rater", "stimulus", "scale"], keep="first")


def _floats(column: "pd.Series[float]") -> "pd.Series[float]":
    """Numbers as float64; what is absent, or none, is NaN."""
    return pd.to_numeric(column, errors="coerce").astype("float64")
