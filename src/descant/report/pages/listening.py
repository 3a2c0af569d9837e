"""The page of a listening test: scores, differences, histograms, raters and comments, in words and figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import Field

from descant.formatting import count, decimal, level
from descant.listening.analysis import Analysis, Result, read_analysis
from descant.listening.scores import LIMITS, Difference, Score
from descant.report.blocks import Block, Cell, Chart, Column, Fold, Items, Line, Page, Section, Table, Text, figures
from descant.report.charts import PALETTE, Axis, Dot, DotStyle, interval_chart, shares_chart
from descant.report.registry import Builder
from descant.results import Given

# what is asked to be small enough to call two systems different
SIGNIFICANT = 0.05
MOST_VALUES = 10
POOLED = "± 1.96 standard errors over all ratings (too small)"
TWO_WAY = "two-way interval"
STYLES = {TWO_WAY: DotStyle(PALETTE[0], width=4), POOLED: DotStyle(PALETTE[8], width=1.5)}
NAMES = {
    "real": "held-out real music",
    "anchor_fidelity": "low anchor: filtered and noisy",
    "anchor_musicality": "low anchor: shuffled",
}
SIMULATED = (
    "SIMULATED: synthetic raters with assumed variances, and true scores that are made up. Nobody listened. These "
    "figures say how wide intervals will be, and nothing about the music; they never join the table."
)
TWO_ERRORS = (
    "Ratings of one rater, or of one clip, are alike. The two-way interval ({}) takes this into account. The classical "
    "error, 1.96 standard errors over all ratings, does not; it stands here because papers print it, and it is too "
    "small."
)
BOLD = "bold where p < 0.05"
DIFFERENCES = f"First minus second on {{}}, paired by raters and items; p-values by Holm over all rows; {BOLD}"
PREFERENCES = (
    "Share of pages on which the first was preferred over the second; p-values against one half, by Holm over all "
    f"rows; {BOLD}"
)


class ListeningGiven(Given):
    """What the page is made from.

    Attributes:
        analysis: of one test.
        titles: of systems by name, where they have one.
    """

    analysis: Path
    titles: dict[str, str] = Field(default_factory=dict)


def _range(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{decimal(low, 2)} – {decimal(high, 2)}"


def _p(p: float | None) -> str:
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _beyond_chance(p: float | None) -> bool:
    return p is not None and p < SIGNIFICANT


class Names(dict[str, str]):
    """What people call the systems; one without a title has its own name."""

    def __missing__(self, system: str) -> str:
        return system


def _scores(caption: str, scores: Sequence[Score], before: Mapping[str, Score], named: Names) -> Table:
    headings = ("System", "Mean", "Two-way interval", "Classical ± (too small)", "Raters", "Clips", "Ratings",
                "Mean of all raters (ratings)")  # fmt: skip
    lines = []
    for score in scores:
        everybody = before[score.system]
        texts = [decimal(score.mean, 2), _range(score.low, score.high)]
        texts += ["" if score.sem is None else f"± {1.96 * score.sem:.2f}"]
        texts += [f"{number:,}" for number in (score.raters, score.items, score.ratings)]
        texts += [f"{decimal(everybody.mean, 2)} ({everybody.ratings:,})"]
        lines.append(Line(named[score.system], [Cell(text) for text in texts]))
    return figures(caption, headings, lines)


def _score_chart(scores: Sequence[Score], named: Names, words: str) -> Mapping[str, Any]:
    """The two-way interval thick, the classical error thin beside it."""
    dots = []
    for score in scores:
        dots.append(Dot(named[score.system], score.mean, score.low, score.high, TWO_WAY))
        if score.sem is not None:
            half = 1.96 * score.sem
            dots.append(Dot(named[score.system], score.mean, score.mean - half, score.mean + half, POOLED))
    return interval_chart(dots, Axis("mean rating", ends=LIMITS.get(scores[0].scale)), words, STYLES, row=34)


def _binned(score: Score, width: int) -> dict[float, int]:
    """Ratings in every bin of a width, by its lower end."""
    bins: dict[float, int] = {}
    for value, number in score.histogram.items():
        start = float(value) // width * width
        bins[start] = bins.get(start, 0) + number
    return bins


def _spread(mark: str, scale: str, scores: Sequence[Score], named: Names) -> list[Block]:
    # a scale of a hundred points in tens
    width = 1 if len({value for score in scores for value in score.histogram}) <= MOST_VALUES else MOST_VALUES
    counts = {named[score.system]: _binned(score, width) for score in scores}
    spec = shares_chart(counts, "rating", f"How often each rating was given on {scale}, by system.")
    lines = []
    for score in scores:
        numbers = ", ".join(f"{value}: {number:,}" for value, number in score.histogram.items())
        lines.append(Line(named[score.system], [Cell(numbers)]))
    columns = [Column("System"), Column("Value: ratings", words=True)]
    table = Table(f"{mark}Number of ratings by value, {scale}", columns, lines)
    label = f"{scale.capitalize()}, how often each rating was given"
    return [Chart(spec, label), Fold(f"{scale.capitalize()}: the same in figures", [table])]


def _pairs(caption: str, middle: str, pairs: Sequence[tuple[str, str, str, str, float | None]]) -> Table:
    """Pairs of systems: their names, a figure, its interval, and its p-value."""
    columns = [Column("First"), Column("Second", words=True), Column(middle), Column("Two-way interval")]
    lines = []
    for first, *texts, p in pairs:
        beyond = _beyond_chance(p)
        lines.append(Line(first, [Cell(text, strong=beyond) for text in (*texts, _p(p))], marked=beyond))
    return Table(caption, [*columns, Column("p (Holm)")], lines)


def _scale(scale: str, shown: Result, everybody: Result, named: Names, mark: str) -> Section:
    """All about one scale."""
    scores = sorted((score for score in shown.scores if score.scale == scale), key=lambda score: -score.mean)
    before = {score.system: score for score in everybody.scores if score.scale == scale}
    found = [one for one in shown.differences if one.scale == scale]
    words = f"Mean rating of each system on {scale}, best first, with its intervals."
    pairs = [
        (named[one.first], named[one.second], decimal(one.difference, 2), _range(one.low, one.high), one.p_holm)
        for one in found
    ]
    differences = _pairs(mark + DIFFERENCES.format(scale), "Difference", pairs)
    blocks: list[Block] = [
        Text(mark + _reading(scores, found, named)),
        Chart(_score_chart(scores, named, words), f"{scale.capitalize()}, means with intervals"),
        _scores(f"{mark}Scores on {scale}", scores, before, named),
        Section("How the ratings spread", _spread(mark, scale, scores, named)),
        Section("Differences", [differences if pairs else Text("There is one system only.")]),
        Section("Raters", [Text(_agreement(shown, scale)), Text(_model(shown, scale))]),
    ]
    return Section(scale.capitalize(), blocks)


def _reading(scores: Sequence[Score], differences: Sequence[Difference], named: Names) -> str:
    models = [score for score in scores if score.kind == "system"]
    if not models:
        return "No model was rated on this scale."
    best = models[0]
    words = f"The model rated highest is {named[best.system]}, with a mean of {best.mean:.2f}"
    words += f" (between {_range(best.low, best.high)})." if best.low is not None else "."
    if len(models) > 1:
        names = {score.system for score in models}
        pairs = [found for found in differences if {found.first, found.second} <= names]
        beyond = sum(_beyond_chance(found.p_holm) for found in pairs)
        words += f" Of {count(len(pairs), 'pair')} of models, {beyond} differ by more than chance explains."
    return words


def _model(result: Result, scale: str) -> str:
    model = next(model for model in result.models if model.scale == scale)
    if not model.converged or model.rater_sd is None:
        return f"A crossed random-effects model was not fitted: {model.remark}."
    warned = f" It warned: {model.remark.removesuffix('.')}." if model.remark else ""
    errors = [mean.error for mean in model.means]
    return (
        f"A crossed random-effects model (statsmodels, REML) finds standard deviations of {model.rater_sd:.2f} between "
        f"raters, {model.clip_sd:.2f} between clips of a system and {model.residual_sd:.2f} within; its "
        f"standard errors of the means are {min(errors):.2f} to {max(errors):.2f}.{warned}"
    )


def _agreement(result: Result, scale: str) -> str:
    found = result.agreements[scale]
    known = [value for value in found.leave_one_out.values() if value is not None]
    words = ["Agreement of raters (ICC) is not defined: too few clips were rated by several raters."]
    if found.single is not None and found.average is not None:
        words = [
            f"Agreement of raters: ICC(2,1) = {decimal(found.single, 2)} for one rating, ICC(2,k) = "
            f"{decimal(found.average, 2)} for a clip's mean over k = {found.raters_per_clip:.1f} raters."
        ]
    if known:
        words.append(
            f"A rater's correlation with the mean of the others is {decimal(median(known), 2)} in the median, from "
            f"{decimal(min(known), 2)} to {decimal(max(known), 2)}."
        )
    return " ".join(words)


def _screening(analysis: Analysis) -> str:
    left_out = len(analysis.excluded)
    if analysis.screened is None:
        return "Screening would leave nobody: what is shown is of all raters, and deserves no trust."
    if not left_out:
        return "No rater was left out: results with and without screening are the same."
    words = (
        f"{left_out} of {count(len(analysis.raters), 'rater')} {'was' if left_out == 1 else 'were'} left out by rules"
    )
    return f"{words} fixed before; what is shown is of the others, and the means of all raters stand beside it."


def _preferences(result: Result, named: Names, mark: str) -> list[Section]:
    found = result.preferences
    if found is None:
        return []
    span = _range(found.heard_first_low, found.heard_first_high)
    order = f"The clip that was heard first was preferred on {100 * found.heard_first:.0f} % of the pages"
    order += f" (share between {span}): without an effect of order it would be half." if span else "."
    pairs = []
    for one in found.shares:
        share = f"{one.share:.2f} of {one.ratings:,}"
        pairs.append((named[one.first], named[one.second], share, _range(one.low, one.high), one.p_holm))
    return [Section("Preferences", [Text(mark + order), _pairs(mark + PREFERENCES, "Share of pages", pairs)])]


def _comments(analysis: Analysis, named: Names) -> list[Section]:
    by_system: dict[str, list[Block]] = {}
    for comment in analysis.comments:
        by_system.setdefault(comment.system, []).append(Text(comment.text, "quote"))
    groups = [Section(named[system], texts) for system, texts in by_system.items()]
    return [Section("Comments", groups)] if groups else []


def lay_out(analysis: Analysis, titles: Mapping[str, str]) -> Page:
    """The page: the screened result, with everybody's means beside it; some systems have titles."""
    shown, rated = analysis.screened or analysis.everybody, analysis.everybody
    named, simulated = Names({**NAMES, **titles}), analysis.source == "simulated"
    who = ("synthetic rater" if simulated else "person", "synthetic raters" if simulated else "people")
    mark = "SIMULATED. " if simulated else ""
    lead = "Nobody has rated a clip of this test that counts."
    if rated is not None:
        people = f"{rated.raters:,} {who[rated.raters != 1]}"
        lead = f"{people} gave {count(rated.ratings, 'rating')}, each clip counted once."
    if analysis.others:
        lead += f" {count(analysis.others, 'rating')} of other clips or settings are kept, and not shown here."
    excluded = [
        f"Rater {rater.rater + 1}, {count(rater.ratings, 'rating')}: {'; '.join(rater.reasons)}."
        for rater in analysis.excluded
    ]
    blocks: list[Block] = [
        *([Text(SIMULATED, "banner")] if simulated else []),
        Text(lead, "lead"),
        *([Text(_screening(analysis))] if rated is not None else []),
        *([Items(excluded)] if excluded else []),
        Text(TWO_ERRORS.format(level(analysis.confidence)), "quiet"),
    ]
    if shown is not None and rated is not None:
        scales = dict.fromkeys(score.scale for score in shown.scores)
        blocks += [_scale(scale, shown, rated, named, mark) for scale in scales]
        blocks += _preferences(shown, named, mark)
    return Page("SIMULATED listening test" if simulated else "Listening test", [*blocks, *_comments(analysis, named)])


def build(given: ListeningGiven) -> Page:
    """The page of an analysis."""
    return lay_out(read_analysis(given.analysis), given.titles)


PAGE = Builder(ListeningGiven, build)
