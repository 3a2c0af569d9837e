"""The page on onsets: whether notes begin where they did, once the music went through codes."""

from collections.abc import Mapping

from descant.evaluation.onsets import OnsetsSummary
from descant.evaluation.reconstruction import MULAW, NOISE, OTHER
from descant.formatting import count, decimal, level
from descant.report.blocks import Block, Items, Line, Page, Text, chart_section, figures, interval_cell
from descant.report.charts import GREY, Axis, Dot, DotStyle, interval_chart
from descant.report.registry import Builder, Finding, MeasureGiven
from descant.results import read_json

LEAD = (
    "Correlation of onset strength between excerpts of test tracks and what each stack's codes decode to. At 1 every "
    "note begins where it did; at 0 the rhythm is lost."
)
METHOD = (
    "Onset strength is spectral flux over 40 mel bands in frames of 10 ms (librosa), smoothed as "
    "evaluation.onsets.smooth_seconds says. Level does not count, and neither does pitch: a stack may keep the rhythm "
    "and lose the tune."
)
CHART = "Mean over excerpts with its interval; grey is what stacks are compared with."
REFERENCES = {MULAW: "quantisation alone", OTHER: "music, but not this music", NOISE: "no music at all"}
STACK, COMPARED = "a stack", "what it is compared with"


def build(given: MeasureGiven) -> Page:
    """The page: a chart and a table of all renderings."""
    summary = read_json(OnsetsSummary, given.summary)
    blocks: list[Block] = [Text(LEAD, "lead"), *([Items(summary.missing, "note")] if summary.missing else [])]
    if summary.renderings:
        found = summary.renderings.items()
        dots = [
            Dot(name, one.value, one.low, one.high, COMPARED if name in REFERENCES else STACK) for name, one in found
        ]
        styles = {STACK: DotStyle(), COMPARED: DotStyle(GREY)}
        spec = interval_chart(dots, Axis("correlation of onset strength", zero=True), CHART, styles, legend=False)
        excerpts, confidence = count(summary.excerpts, "test track"), level(summary.confidence)
        caption = f"Mean over excerpts of {excerpts}, under it its {confidence} interval over tracks"
        lines = [Line(name, [interval_cell(one, 3)], REFERENCES.get(name, "")) for name, one in found]
        blocks += [chart_section("By stack", CHART, spec), figures(caption, ["Rendering", "Correlation"], lines)]
    return Page("Onsets", [*blocks, Text(METHOD, "quiet small")])


def finding(summary: OnsetsSummary, titles: Mapping[str, str]) -> str:
    """The correlation of every stack, and that of another piece; empty where none was measured."""
    stacks = {name: one for name, one in summary.renderings.items() if name not in REFERENCES}
    if not stacks:
        return ""
    parts = [f"{name.replace('.', ' + ')} {decimal(one.value, 2)}" for name, one in stacks.items()]
    other = summary.renderings.get(OTHER)
    chance = f" Another piece has {decimal(other.value, 2)}." if other else ""
    return f"Onset strength of held-out music put through codes correlates with its own: {', '.join(parts)}.{chance}"


PAGE = Builder(MeasureGiven, build, Finding(OnsetsSummary, finding))
