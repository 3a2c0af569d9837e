"""The page of a listening test: scores, differences, histograms, raters and comments, in words and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from descant.evaluation.charts import javascript
from descant.evaluation.pages import render
from descant.formatting import count
from descant.listening.analysis import Analysis, Result
from descant.listening.results_charts import histogram_chart, score_chart
from descant.listening.scores import Difference, Score

MINUS = "\N{MINUS SIGN}"
# what is asked to be small enough to call two systems different
LEVEL = 0.05
NAMES = {
    "real": "held-out real music",
    "anchor_fidelity": "low anchor: filtered and noisy",
    "anchor_musicality": "low anchor: shuffled",
}


@dataclass(frozen=True)
class ScoreLine:
    """A row of the table of scores, in words; empty where there is no figure."""

    name: str
    mean: str
    interval: str
    pooled: str
    raters: str
    items: str
    ratings: str
    everybody: str
    histogram: str


@dataclass(frozen=True)
class DifferenceLine:
    """A row of the table of differences; ``found`` marks one that is beyond chance."""

    first: str
    second: str
    difference: str
    interval: str
    p: str
    found: bool


@dataclass(frozen=True)
class ScalePart:
    """All about one scale."""

    scale: str
    heading: str
    words: str
    scores: Sequence[ScoreLine]
    chart: dict[str, Any]
    histogram: dict[str, Any]
    differences: Sequence[DifferenceLine]
    model: str
    agreement: str


@dataclass(frozen=True)
class CommentGroup:
    """What was written about one system."""

    name: str
    texts: Sequence[str]


@dataclass(frozen=True)
class ResultsPage:
    """All that stands on the page; see ``templates/listening.html``."""

    title: str
    simulated: bool
    lead: str
    confidence: str
    screening: str
    exclusions: Sequence[str]
    parts: Sequence[ScalePart]
    order: str
    preferences: Sequence[DifferenceLine]
    comments: Sequence[CommentGroup]


def build_page(analysis: Analysis, titles: Mapping[str, str]) -> ResultsPage:
    """Lay out the page: the screened result, with everybody's means beside it.

    Args:
        analysis: of one test.
        titles: of systems by name, where they have one.
    """
    shown = analysis.screened or analysis.everybody
    named = {**NAMES, **titles}
    simulated = analysis.source == "simulated"
    who = ("synthetic rater" if simulated else "person", "synthetic raters" if simulated else "people")
    rated = analysis.everybody
    lead = "Nobody has rated a clip of this test that counts."
    if rated is not None:
        lead = (
            f"{rated.raters:,} {who[rated.raters != 1]} gave {count(rated.ratings, 'rating')}, each clip counted once."
        )
    if analysis.others:
        lead += f" {count(analysis.others, 'rating')} of other clips or settings are kept, and not shown here."
    return ResultsPage(
        title="SIMULATED listening test" if simulated else "Listening test",
        simulated=simulated,
        lead=lead,
        confidence=f"{100 * analysis.confidence:g} %",
        screening="" if rated is None else _screening(analysis),
        exclusions=[
            f"Rater {rater.rater + 1}, {count(rater.ratings, 'rating')}: {'; '.join(rater.reasons)}."
            for rater in analysis.excluded
        ],
        parts=[] if rated is None or shown is None else [_part(scale, shown, rated, named) for scale in _scales(shown)],
        order="" if shown is None else _order(shown),
        preferences=[] if shown is None else _preferences(shown, named),
        comments=_comments(analysis, named),
    )


def _scales(result: Result) -> list[str]:
    return list(dict.fromkeys(score.scale for score in result.scores))


def _part(scale: str, shown: Result, everybody: Result, named: Mapping[str, str]) -> ScalePart:
    scores = sorted((score for score in shown.scores if score.scale == scale), key=lambda score: -score.mean)
    before = {score.system: score for score in everybody.scores if score.scale == scale}
    differences = [found for found in shown.differences if found.scale == scale]
    words = f"Mean rating of each system on {scale}, best first, with its intervals."
    return ScalePart(
        scale=scale,
        heading=scale.capitalize(),
        words=_reading(scores, differences, named),
        scores=[_score_line(score, before[score.system], named) for score in scores],
        chart=score_chart(scores, named, words),
        histogram=histogram_chart(scores, named, f"How often each rating was given on {scale}, by system."),
        differences=[_difference_line(found, named) for found in differences],
        model=_model(shown, scale),
        agreement=_agreement(shown, scale),
    )


def _score_line(score: Score, before: Score, named: Mapping[str, str]) -> ScoreLine:
    return ScoreLine(
        name=named.get(score.system, score.system),
        mean=_told(score.mean),
        interval=_range(score.low, score.high),
        pooled="" if score.sem is None else f"± {1.96 * score.sem:.2f}",
        raters=f"{score.raters:,}",
        items=f"{score.items:,}",
        ratings=f"{score.ratings:,}",
        everybody=f"{_told(before.mean)} ({before.ratings:,})",
        histogram=", ".join(f"{value}: {number:,}" for value, number in score.histogram.items()),
    )


def _difference_line(found: Difference, named: Mapping[str, str]) -> DifferenceLine:
    return DifferenceLine(
        first=named.get(found.first, found.first),
        second=named.get(found.second, found.second),
        difference=_told(found.difference),
        interval=_range(found.low, found.high),
        p=_p(found.p_holm),
        found=found.p_holm is not None and found.p_holm < LEVEL,
    )


def _reading(scores: Sequence[Score], differences: Sequence[Difference], named: Mapping[str, str]) -> str:
    models = [score for score in scores if score.kind == "system"]
    if not models:
        return "No model was rated on this scale."
    best = models[0]
    words = f"The model rated highest is {named.get(best.system, best.system)}, with a mean of {best.mean:.2f}"
    words += f" (between {_range(best.low, best.high)})." if best.low is not None else "."
    if len(models) > 1:
        names = {score.system for score in models}
        pairs = [found for found in differences if {found.first, found.second} <= names]
        beyond = sum(found.p_holm is not None and found.p_holm < LEVEL for found in pairs)
        words += f" Of {count(len(pairs), 'pair')} of models, {beyond} differ by more than chance explains."
    return words


def _model(result: Result, scale: str) -> str:
    model = next(model for model in result.models if model.scale == scale)
    if not model.converged or model.rater_sd is None:
        return f"A crossed random-effects model was not fitted: {model.told}."
    warned = f" It warned: {model.told.removesuffix('.')}." if model.told else ""
    errors = [mean.error for mean in model.means]
    return (
        f"A crossed random-effects model (statsmodels, REML) finds standard deviations of {model.rater_sd:.2f} between "
        f"raters, {model.clip_sd:.2f} between clips of a system and {model.residual_sd:.2f} within; its "
        f"standard errors of the means are {min(errors):.2f} to {max(errors):.2f}.{warned}"
    )


def _agreement(result: Result, scale: str) -> str:
    found = result.agreements[scale]
    known = [value for value in found.leave_one_out.values() if value is not None]
    words = []
    if found.single is not None and found.average is not None:
        words.append(
            f"Agreement of raters: ICC(2,1) = {_told(found.single)} for one rating, ICC(2,k) = {_told(found.average)} "
            f"for a clip's mean over k = {found.raters_per_clip:.1f} raters."
        )
    else:
        words.append("Agreement of raters (ICC) is not defined: too few clips were rated by several raters.")
    if known:
        words.append(
            f"A rater's correlation with the mean of the others is {_told(median(known))} in the median, from "
            f"{_told(min(known))} to {_told(max(known))}."
        )
    return " ".join(words)


def _screening(analysis: Analysis) -> str:
    left_out = len(analysis.excluded)
    if analysis.screened is None:
        return "Screening would leave nobody: what is shown is of all raters, and deserves no trust."
    if not left_out:
        return "No rater was left out: results with and without screening are the same."
    told = f"{left_out} of {count(len(analysis.raters), 'rater')} {'was' if left_out == 1 else 'were'} left out"
    return f"{told} by rules fixed before; what is shown is of the others, and the means of all raters stand beside it."


def _order(result: Result) -> str:
    found = result.preferences
    if found is None:
        return ""
    span = _range(found.heard_first_low, found.heard_first_high)
    words = f"The clip that was heard first was preferred on {100 * found.heard_first:.0f} % of the pages"
    return f"{words} (share between {span}): without an effect of order it would be half." if span else f"{words}."


def _preferences(result: Result, named: Mapping[str, str]) -> list[DifferenceLine]:
    if result.preferences is None:
        return []
    return [
        DifferenceLine(
            first=named.get(share.first, share.first),
            second=named.get(share.second, share.second),
            difference=f"{share.share:.2f} of {share.ratings:,}",
            interval=_range(share.low, share.high),
            p=_p(share.p_holm),
            found=share.p_holm is not None and share.p_holm < LEVEL,
        )
        for share in result.preferences.shares
    ]


def _comments(analysis: Analysis, named: Mapping[str, str]) -> list[CommentGroup]:
    by_system: dict[str, list[str]] = {}
    for comment in analysis.comments:
        by_system.setdefault(comment.system, []).append(comment.text)
    return [CommentGroup(named.get(system, system), texts) for system, texts in by_system.items()]


def _told(value: float) -> str:
    return f"{value:.2f}".replace("-", MINUS)


def _range(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{_told(low)} – {_told(high)}"


def _p(p: float | None) -> str:
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def results_html(page: ResultsPage) -> str:
    """The page as HTML."""
    return render("listening.html", {"page": page, "javascript": javascript()})
