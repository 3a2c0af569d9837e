"""The scores that listeners gave here, as columns of the table: ``our_*``, apart from what the paper prints."""

from pathlib import Path

import pandas as pd

from descant.errors import ListeningError

OURS = "our_"
SCALES = ("fidelity", "musicality")
NEEDED = ("system", "scale", "mean", "low", "high", "raters", "ratings", "screened", "source")
RATED_LEGEND = (
    "Rated here: means of the ratings, 1 to 5, that people gave to clips of these very models, after screening of "
    "raters, with two-way intervals over raters and items, and n, the number of ratings. They were gathered on other "
    "music and from other people than the paper's, whose columns stay the paper's."
)


def read_scores(path: Path) -> pd.DataFrame:
    """Read ``scores.csv`` of the listening test, screened rows only; empty where nobody rated.

    Raises:
        ListeningError: when it cannot be read, or holds simulated ratings, which never join the table.
    """
    cure = "delete it and run snakemake again"
    try:
        scores = pd.read_csv(path, keep_default_na=False, na_values=[""], dtype={"screened": str})
    except (OSError, ValueError) as error:
        raise ListeningError(f"{path} cannot be read: {error}", cure) from error
    if not set(NEEDED) <= set(scores.columns):
        raise ListeningError(f"{path} lacks columns of scores", cure)
    if set(scores["source"]) - {"people"}:
        raise ListeningError(f"{path} holds simulated ratings, which never join the table", "give people's scores")
    return scores[scores["screened"] == "yes"]


def join_scores(table: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Add the columns of rated scales; a table is returned as it is where nobody rated one of its models."""
    columns = pd.DataFrame(index=table.index)
    raters = []
    for scale in SCALES:
        of_scale = scores[scores["scale"] == scale].set_index("system").reindex(table["model"]).set_axis(table.index)
        if of_scale["mean"].isna().all():
            continue
        for column, name in (("mean", ""), ("low", "_low"), ("high", "_high")):
            columns[f"{OURS}{scale}{name}"] = of_scale[column]
        columns[f"{OURS}{scale}_n"] = of_scale["ratings"].astype("Int64")
        raters.append(of_scale["raters"])
    if not raters:
        return table
    columns[f"{OURS}raters"] = pd.concat(raters, axis=1).max(axis=1).astype("Int64")
    place = next((n for n, name in enumerate(table.columns) if str(name).startswith("paper_")), len(table.columns) - 1)
    return pd.concat([table.iloc[:, :place], columns, table.iloc[:, place:]], axis=1)


def real_music(scores: pd.DataFrame) -> str:
    """A sentence on what held-out real music was given; empty where it was not rated."""
    scores_in_words = []
    for scale in SCALES:
        found = scores[(scores["system"] == "real") & (scores["scale"] == scale)]
        for mean, low, high, number in zip(found["mean"], found["low"], found["high"], found["ratings"], strict=True):
            interval = "" if pd.isna(low) else f" [{low:.2f}, {high:.2f}]"
            scores_in_words.append(f"{scale} {mean:.2f}{interval} (n = {number})")
    return f"Held-out real music in the same test: {', '.join(scores_in_words)}." if scores_in_words else ""
