"""The bar that a network has to pass: the bits of a row that nothing was trained for."""

from collections.abc import Iterable, Mapping

from descant.evaluation.table import FRESH
from descant.formatting import count

BITS = "bits_per_sample"


def passing_in_words(table: Iterable[Mapping[str, str]]) -> str:
    """Which rows of a table need fewer bits than its first row that was not trained; empty without such a row.

    Args:
        table: rows as text by column, with numbers where there are figures.
    """
    scored = [row for row in table if row.get(BITS, "").strip()]
    untrained = (row for row in scored if row.get("trained_steps") == "0" and row.get("beginning", FRESH) == FRESH)
    bar = next(untrained, None)
    if bar is None:
        return ""
    others = [row for row in scored if row is not bar]
    passing = [row["title"] for row in others if float(row[BITS]) < float(bar[BITS])]
    how_many = f"{len(passing)} of {count(len(others), 'row')} {'needs' if len(passing) == 1 else 'need'} fewer"
    return (
        f"{bar['title']} needs {float(bar[BITS]):.2f} bits with no training at all, the bar that a network has to "
        f"pass: {how_many} ({', '.join(passing) if passing else 'none'})."
    )
