"""The page on onsets: whether notes begin where they did, once the music went through codes."""

from descant.evaluation.renderings import RenderingsSummary
from descant.report.blocks import Page
from descant.report.registry import Builder, Finding, MeasureGiven
from descant.report.renderings import RenderingPage
from descant.results import read_json

ONSETS = RenderingPage(
    title="Onsets",
    lead="Correlation of onset strength between excerpts of test tracks and what each stack's codes "
    "decode to, or a vocoder makes of mel spectrograms. At 1 "
    "every note begins where it did; at 0 the rhythm is lost.",
    figure="correlation of onset strength",
    column="Correlation",
    method="Onset strength is spectral flux over 40 mel bands in frames of 10 ms (librosa), smoothed as "
    "evaluation.onsets.smooth_seconds says. Level does not count, and neither does pitch: a stack may keep the rhythm "
    "and lose the tune.",
    words="Onset strength of held-out music put through codes or mel spectrograms correlates with its own",
)


def build(given: MeasureGiven) -> Page:
    """The page: a chart and a table of all renderings."""
    return ONSETS.page(read_json(RenderingsSummary, given.summary))


PAGE = Builder(MeasureGiven, build, Finding(RenderingsSummary, ONSETS.finding))
