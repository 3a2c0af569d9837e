"""From ratings to scores: with all raters and with those who passed screening, side by side."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import TypeAdapter, ValidationError

from descant.config.listening import Screening
from descant.corpus.outputs import whole_file
from descant.errors import ListeningError
from descant.listening.mixed_model import MixedModel, fit_mixed_model
from descant.listening.preferences import PREFERENCE, Preferences, compare_preferences
from descant.listening.ratings import SCORED, Ratings, first_ratings
from descant.listening.reliability import Agreement, agreement
from descant.listening.scores import Difference, Score, compare_systems, scales, score_systems
from descant.listening.screening import Screened, screen

VERSION = 1
SCORE_COLUMNS = ("system", "scale", "mean", "sem", "low", "high", "raters", "items", "ratings", "screened", "source")


@dataclass(frozen=True)
class Result:
    """What a set of raters gave.

    Attributes:
        raters: how many.
        ratings: how many, each clip once for a rater.
        scores: of systems by scale; none in a test of preferences.
        differences: between systems.
        models: the random-effects model of each scale.
        agreements: of raters by scale.
        preferences: of a test of preferences; None in others.
    """

    raters: int
    ratings: int
    scores: tuple[Score, ...]
    differences: tuple[Difference, ...]
    models: tuple[MixedModel, ...]
    agreements: dict[str, Agreement]
    preferences: Preferences | None


@dataclass(frozen=True)
class Comment:
    """What a rater wrote about a clip, as it was written."""

    system: str
    item: int | None
    text: str


@dataclass(frozen=True)
class Analysis:
    """All that is reported of a test.

    Attributes:
        version: of this form.
        source: ``people`` or ``simulated``.
        design: fingerprint of the test.
        confidence: level of the intervals.
        raters: what screening found of each.
        others: ratings of other tests that were left aside: of other clips, or of other settings.
        everybody: the result with all raters; None where nobody rated a clip that counts.
        screened: the result without those left out; the same as ``everybody`` where nobody is left out, None where
            nobody stays.
        comments: of all raters, by system.
    """

    version: int
    source: str
    design: str
    confidence: float
    raters: tuple[Screened, ...]
    others: int
    everybody: Result | None
    screened: Result | None
    comments: tuple[Comment, ...]

    @property
    def excluded(self) -> list[Screened]:
        """Raters who are left out of the screened result."""
        return [rater for rater in self.raters if rater.reasons]


def analyse(ratings: Ratings, rules: Screening, confidence: float) -> Analysis:
    """Analyse a listening test.

    Args:
        ratings: of one test and one source.
        rules: when a rater is left out.
        confidence: level of the intervals.
    """
    raters = screen(ratings.table, rules)
    table = first_ratings(ratings.table)
    table = table[table["kind"].isin(SCORED)]
    kept = [rater.rater for rater in raters if not rater.reasons]
    everybody = None if table.empty else _result(table, confidence)
    if len(kept) == len(raters):
        screened = everybody
    else:
        rest = table[table["rater"].isin(kept)]
        screened = None if rest.empty else _result(rest, confidence)
    return Analysis(
        version=VERSION,
        source=ratings.source,
        design=ratings.design,
        confidence=confidence,
        raters=tuple(raters),
        others=ratings.others,
        everybody=everybody,
        screened=screened,
        comments=comments(ratings.table),
    )


def _result(table: pd.DataFrame, confidence: float) -> Result:
    rated = table[table["scale"] != PREFERENCE]
    preferred = table[table["scale"] == PREFERENCE]
    by_scale = {scale: rated[rated["scale"] == scale] for scale in scales(rated)}
    return Result(
        raters=int(table["rater"].nunique()),
        ratings=len(table),
        scores=tuple(score_systems(rated, confidence)),
        differences=tuple(compare_systems(rated, confidence)),
        models=tuple(fit_mixed_model(of, scale) for scale, of in by_scale.items()),
        agreements={
            scale: agreement(
                of["value"].to_numpy(dtype=np.float64),
                of["rater"].to_numpy(dtype=np.int64),
                np.unique(of["stimulus"].astype(str), return_inverse=True)[1].astype(np.int64),
            )
            for scale, of in by_scale.items()
        },
        preferences=None if preferred.empty else compare_preferences(preferred, confidence),
    )


def comments(table: pd.DataFrame) -> tuple[Comment, ...]:
    """What was written, once for each page, by system."""
    written = table[table["comment"].str.strip() != ""].drop_duplicates(["rater", "page", "comment"])
    ordered = written.sort_values(["system", "item", "rater", "page"], kind="stable")
    return tuple(
        Comment(str(system), None if pd.isna(item) else int(item), text)
        for system, item, text in zip(ordered["system"], ordered["item"], ordered["comment"], strict=True)
    )


def score_table(analysis: Analysis) -> pd.DataFrame:
    """The scores as ``scores.csv`` holds them: each row once for all raters and once for the screened ones."""
    results = (("no", analysis.everybody), ("yes", analysis.screened))
    rows = [
        {**asdict(score), "screened": screened, "source": analysis.source}
        for screened, result in results
        if result is not None
        for score in result.scores
    ]
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def write_analysis(analysis: Analysis, path: Path, scores: Path) -> None:
    """Write ``analysis.json`` and ``scores.csv``, each beside its place and renamed."""
    with whole_file(path) as temporary:
        temporary.write_bytes(TypeAdapter(Analysis).dump_json(analysis, indent=1) + b"\n")
    with whole_file(scores) as temporary:
        score_table(analysis).to_csv(temporary, index=False)


def read_analysis(path: Path) -> Analysis:
    """Read ``analysis.json``.

    Raises:
        ListeningError: when it is missing, torn or of another form.
    """
    cure = "delete it and run snakemake again"
    try:
        return TypeAdapter(Analysis).validate_json(path.read_bytes())
    except OSError as error:
        raise ListeningError(f"{path} cannot be read: {error.strerror}", cure) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise ListeningError(f"{path} is no analysis: {first['msg']}", cure) from error
