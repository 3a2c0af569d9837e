"""The page of distances: for each embedding what it is sensitive to, a chart of all sets, and the figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from descant.evaluation.distances.kinds import KINDS, Kind
from descant.evaluation.distances.measure import FLOOR, FRECHET, MMD2, MODEL, TRAIN, Outlier, Row
from descant.evaluation.distances.results import DistancesSummary, Figure
from descant.formatting import bracketed, count, decimal, level
from descant.report.blocks import Block, Cell, Chart, Items, Line, Page, Section, Text, figures
from descant.report.charts import PALETTE, Axis, Dot, DotStyle, interval_chart
from descant.report.registry import Builder, Finding
from descant.results import Given, read_json, read_rows

DRAWN, REAL, SPOILT = "model", "real music", "spoilt on purpose"
STYLES = {
    DRAWN: DotStyle(PALETTE[0], "circle"),
    REAL: DotStyle(PALETTE[1], "square"),
    SPOILT: DotStyle(PALETTE[2], "triangle-up"),
}
LEAD = "How far the drawn audio as a whole lies from real music that no model was trained on. Lower is nearer."
FARTHEST = Markup(
    "Farthest: the drawn excerpt that lies farthest from the test tracks, by the number of its sequence; all are in "
    "<code>results/evaluation/distances/excerpts.csv</code>."
)
FOOT = (
    "MMD²: the unbiased estimate of Gretton et al. (2012) with a Gaussian kernel, whose bandwidth is the median "
    "distance between test excerpts; pairs within a track are left out, since excerpts of one track are alike. A "
    "Fréchet distance is reported from 10 tracks or sequences a dimension on: below that it measures little but their "
    "number."
)


class DistancesGiven(Given):
    """What the page is made from: the files that the measurement wrote."""

    rows: Path
    excerpts: Path
    summary: Path


def _part(kind: Kind, rows: Sequence[Row], outliers: Sequence[Outlier], summary: DistancesSummary) -> Section:
    """All that the page shows of one embedding."""
    found = [row for row in rows if row.embedding == kind.name and row.measure == MMD2]
    floor = next((row.value for row in found if row.role == FLOOR), None)
    measured = [row for row in found if row.role != FLOOR and row.value is not None]
    reference = next(reference for reference in summary.embeddings if reference.name == kind.name)
    blocks: list[Block] = [Text(kind.hears)]
    if reference.bandwidth is not None:
        basis = (
            f"Against {count(reference.excerpts, 'excerpt')} of {count(reference.tracks, 'test track')}, "
            f"{summary.seconds:.3g} s each. Bandwidth of the kernel: {decimal(reference.bandwidth, 3)}, the median "
            "distance."
        )
        blocks.append(Text(basis, "quiet small"))
    named = reference.bandwidth is not None
    reasons = dict.fromkeys(f"{row.title}: {row.reason}" if named else row.reason for row in found if row.reason)
    if reasons:
        blocks.append(Items(list(reasons), "note"))
    if measured:
        label = f"MMD², {kind.title}: distance of each set from real music"
        confidence = level(summary.confidence)
        caption = f"MMD², {kind.title}: distance from the test tracks, under it its {confidence} interval"
        lines = [_line(row, floor, outliers) for row in measured]
        blocks += [
            Chart(_spec(measured, floor, label), label),
            figures(caption, ["Set", "MMD²", "Times the floor", "Farthest"], lines),
            Text(FARTHEST, "quiet small"),
        ]
    large = _frechet([row for row in rows if row.embedding == kind.name and row.measure == FRECHET])
    if large:
        blocks.append(Text(f"Fréchet distance: {large}", "quiet small"))
    return Section(f"MMD², {kind.title}", blocks)


def _spec(rows: Sequence[Row], floor: float | None, label: str) -> Mapping[str, Any]:
    styles = {MODEL: DRAWN, TRAIN: REAL}
    dots = [Dot(row.title, row.value or 0.0, row.low, row.high, styles.get(row.role, SPOILT)) for row in rows]
    through = None if floor is None else (floor, "floor: real against real")
    return interval_chart(dots, Axis("MMD² from the test tracks", zero=True), label, STYLES, through)


def _line(row: Row, floor: float | None, outliers: Sequence[Outlier]) -> Line:
    value = row.value or 0.0
    own = [one for one in outliers if row.role == MODEL and (one.embedding, one.model) == (row.embedding, row.name)]
    farthest = next((f"{one.sequence}, at {one.start:.1f} s" for one in own if one.rank == 1), "")
    times = "" if floor is None else "under it" if value <= floor else f"{value / floor:.1f}" if floor > 0 else ""
    cells = [Cell(decimal(value, 3), bracketed(row.low, row.high, 3)), Cell(times), Cell(farthest)]
    groups = count(row.groups, "sequence" if row.role == MODEL else "track")
    return Line(row.title, cells, f"{count(row.excerpts, 'excerpt')} of {groups}")


def _frechet(rows: Sequence[Row]) -> str:
    """The Fréchet distances in words, or why there are none."""
    words = [f"{row.title} {row.value:.3g} [{row.low:.3g}, {row.high:.3g}]" for row in rows if row.low is not None]
    words += [f"two halves of the test tracks {row.value:.3g}" for row in rows if row.role == FLOOR and row.value]
    reasons = words or [row.reason for row in rows if row.role != FLOOR][:1]
    return f"{'; '.join(reasons)}." if reasons else ""


def _reading(confidence: str) -> Items:
    items = [
        "The <em>floor</em> is what two halves of the real test tracks are apart: {0} of random halvings stay below "
        "it. This measure does not separate a model under it from real music.",
        "Training tracks are real music too: a model that copies them comes out as they do. A small distance is no "
        "proof of new music.",
        "White noise and test tracks whose blocks of 0.25 s were shuffled show the scale. Where shuffled music lies at "
        "the floor, the embedding does not depend on the order of things.",
        "Intervals are {0}, by a bootstrap over tracks and drawn sequences, not over excerpts.",
        "Instrument, renderer and loudness count as music does, so that figures of other corpora do not compare. Noise "
        "counts too: whether a noisy piano lies nearer than clean strings says nothing about the music.",
    ]
    return Items([Markup(item).format(confidence) for item in items], "small")


def build(given: DistancesGiven) -> Page:
    """The page: every embedding with its chart and its table."""
    rows, outliers = read_rows(Row, given.rows), read_rows(Outlier, given.excerpts)
    summary = read_json(DistancesSummary, given.summary)
    seconds, asked = f"{summary.seconds:.3g}", f"{summary.asked_seconds:.3g}"
    short = (
        f"The drawn audio is shorter than the {asked} s that evaluation.distances.seconds asks for: all excerpts are "
        f"{seconds} s long."
    )
    intro = (
        f"Excerpts of {seconds} s are put into numbers in {len(KINDS)} ways, each of which is sensitive to something "
        "else. MMD² compares two sets of such numbers: about 0 where no difference is found, and it may fall below, as "
        "it is not biased; at most about 2. Figures on different embeddings do not compare with each other."
    )
    blocks: list[Block] = [
        Text(LEAD, "lead"),
        *([Text(short, "note")] if summary.asked_seconds > summary.seconds else []),
        Text(intro),
        _reading(level(summary.confidence)),
        *(_part(kind, rows, outliers, summary) for kind in KINDS),
        Text(FOOT, "quiet small"),
    ]
    return Page("Distances from real music", blocks)


def finding(summary: DistancesSummary, titles: Mapping[str, str]) -> str:
    """Which model is nearest to held-out music, and which farthest; empty where none was measured."""
    headline = summary.headline
    measured = {model: figure for model, figure in headline.models.items() if figure.value is not None}
    if not measured:
        return ""
    order = sorted(measured, key=lambda model: (measured[model].value or 0.0, model))
    nearest, farthest = (_distance(measured[model]) for model in (order[0], order[-1]))
    words = f"Nearest to held-out music: {titles.get(order[0], order[0])}, {nearest}"
    if len(order) > 1:
        words += f"; farthest: {titles.get(order[-1], order[-1])}, {farthest}"
    if len(order) > 1 and nearest == farthest:
        words = f"All models lie {nearest} from held-out music"
    floor = "" if headline.floor is None else f" Floor, real music against real: {decimal(headline.floor, 3)}."
    return f"{words} (MMD², {headline.embedding}).{floor}"


def _distance(figure: Figure) -> str:
    return " ".join(filter(None, [decimal(figure.value, 3), bracketed(figure.low, figure.high, 3)]))


PAGE = Builder(DistancesGiven, build, Finding(DistancesSummary, finding))
