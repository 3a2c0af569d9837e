"""Which raters are left out, and why: by controls with known answers, by repeated clips, by ratings that never vary."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from descant.config.listening import Screening
from descant.listening.ratings import MUSHRA, SCORED

# raters who gave one value only are judged from this many clips on (ours)
FEWEST_CLIPS = 8
# ITU-R BS.1534-3, post-screening of assessors: a hidden reference below 90 in more than 15 % of the trials
REFERENCE_SCORE = 90.0
REFERENCE_SHARE = 0.15


@dataclass(frozen=True)
class Screened:
    """What was found of one rater.

    Attributes:
        rater: number of the session.
        ratings: how many of clips that count.
        controls: ratings of controls.
        missed: how many of them lie outside the allowed range.
        repeats: pairs of ratings of a repeated clip.
        repeat_difference: mean difference within these pairs, scale points; None without any.
        reasons: why the rater is left out; empty for one who stays.
    """

    rater: int
    ratings: int
    controls: int
    missed: int
    repeats: int
    repeat_difference: float | None
    reasons: tuple[str, ...]


def screen(table: pd.DataFrame, rules: Screening) -> list[Screened]:
    """Screen every rater.

    Args:
        table: all ratings, controls and repetitions included; with ``lowest``, ``highest`` and ``excluded``.
        rules: when a rater is left out.
    """
    return [_screen_one(table[table["rater"] == rater], rules) for rater in np.unique(table["rater"])]


def _screen_one(table: pd.DataFrame, rules: Screening) -> Screened:
    controls = table[table["lowest"].notna()]
    missed = int((~controls["value"].between(controls["lowest"], controls["highest"])).sum())
    repeated = table[table.duplicated(["stimulus", "scale"], keep=False)]
    pairs = [float(np.ptp(of["value"].to_numpy()[:2])) for _, of in repeated.groupby(["stimulus", "scale"])]
    difference = float(np.mean(pairs)) if pairs else None
    rated = table[table["kind"].isin(SCORED)]
    references = table[(table["kind"] == "real") & (table["scale"] == MUSHRA)]["value"]
    reasons = []
    if table["excluded"].any():
        reasons.append("set aside by the experimenter")
    if len(controls) and missed / len(controls) > rules.missed_controls:
        reasons.append(f"{missed} of {len(controls)} ratings of controls lie outside their allowed range")
    if difference is not None and difference > rules.repeat_difference:
        reasons.append(f"the same clip rated twice differs by {difference:.1f} points on average")
    if rated["stimulus"].nunique() >= FEWEST_CLIPS and rated["value"].nunique() == 1:
        reasons.append(f"every clip has the same value, {rated['value'].iloc[0]:g}")
    if misses_reference(references):
        below = int((references < REFERENCE_SCORE).sum())
        reasons.append(f"the hidden reference is below 90 in {below} of {len(references)} trials (BS.1534)")
    return Screened(
        rater=int(table["rater"].iloc[0]),
        ratings=len(rated),
        controls=len(controls),
        missed=missed,
        repeats=len(pairs),
        repeat_difference=difference,
        reasons=tuple(reasons),
    )


def misses_reference(references: "pd.Series[float]") -> bool:
    """Whether ITU-R BS.1534-3 leaves a rater of a MUSHRA test out after the test.

    It does when the rater gave the hidden reference less than 90 in more than 15 % of the rater's own trials; one slip
    in 20 (5 %) excludes nobody.

    Args:
        references: one rater's ratings of the hidden reference, 0 to 100.
    """
    return len(references) > 0 and bool((references < REFERENCE_SCORE).mean() > REFERENCE_SHARE)
