"""The page of a measure of reconstructions: one figure of every rendering, in a chart and a table."""

from collections.abc import Mapping
from dataclasses import dataclass

from descant.evaluation.reconstruction import OTHER
from descant.evaluation.renderings import ORIGINAL, REFERENCES, RenderingsSummary
from descant.formatting import count, decimal, level
from descant.report.blocks import Block, Items, Line, Page, Text, chart_section, figures, interval_cell
from descant.report.charts import GREY, Axis, Dot, DotStyle, interval_chart

CHART = "Mean over excerpts with its interval; grey is what the others are compared with."
MEASURED, COMPARED = "what is measured", "what it is compared with"


@dataclass(frozen=True)
class RenderingPage:
    """What such a page says.

    Attributes:
        title: of the page.
        lead: what is measured, and what its values mean.
        figure: its name on the axis.
        column: its name in the table.
        method: how it is measured.
        words: how the sentence of the front page begins.
    """

    title: str
    lead: str
    figure: str
    column: str
    method: str
    words: str

    def page(self, summary: RenderingsSummary, remark: str = "") -> Page:
        """The page.

        Args:
            summary: what was measured.
            remark: added to the method.
        """
        blocks: list[Block] = [Text(self.lead, "lead"), *([Items(summary.missing, "note")] if summary.missing else [])]
        if summary.renderings:
            found = summary.renderings.items()
            dots = [
                Dot(name, one.value, one.low, one.high, COMPARED if name in REFERENCES else MEASURED)
                for name, one in found
            ]
            styles = {MEASURED: DotStyle(), COMPARED: DotStyle(GREY)}
            spec = interval_chart(dots, Axis(self.figure, zero=True), CHART, styles, legend=False)
            excerpts, confidence = count(summary.excerpts, "test track"), level(summary.confidence)
            caption = f"Mean over excerpts of {excerpts}, under it its {confidence} interval over pieces"
            lines = [Line(name, [interval_cell(one, 3)], REFERENCES.get(name, "")) for name, one in found]
            blocks += [chart_section("By rendering", CHART, spec), figures(caption, ["Rendering", self.column], lines)]
        if summary.instruments:
            lines = [
                Line(name, [interval_cell(of.get(name), 3) for of in summary.instruments.values()])
                for name in summary.renderings
            ]
            blocks.append(figures("By instrument", ["Rendering", *summary.instruments], lines))
        return Page(self.title, [*blocks, Text(f"{self.method} {remark}".strip(), "quiet small")])

    def finding(self, summary: RenderingsSummary, titles: Mapping[str, str]) -> str:
        """The figure of all that is measured, of the recording and of another piece; empty where there is none."""
        measured = {name: one for name, one in summary.renderings.items() if name not in REFERENCES}
        if not measured:
            return ""
        parts = [f"{name.replace('.', ' + ')} {decimal(one.value, 2)}" for name, one in measured.items()]
        compared = [
            f" {words} has {decimal(summary.renderings[name].value, 2)}."
            for name, words in ((ORIGINAL, "The recording itself"), (OTHER, "Another piece"))
            if name in summary.renderings
        ]
        return f"{self.words}: {', '.join(parts)}.{''.join(compared)}"
