"""The page on notes: whether those of the music can still be heard, once it went through codes."""

from descant.evaluation.note_f1 import NoteF1Summary
from descant.report.blocks import Page
from descant.report.registry import Builder, Finding, MeasureGiven
from descant.report.renderings import RenderingPage
from descant.results import read_json

NOTES = RenderingPage(
    title="Notes",
    lead="Notes that a transcriber hears in what each stack's codes decode to, or a vocoder makes of mel spectrograms, "
    "against those that are there: F1, the harmonic mean of the share of the notes that were found and the share of "
    "what was found that is there. At 1 the notes are the same, at 0 there is none in common.",
    figure="F1 of notes",
    column="F1",
    method="The transcriber is basic-pitch; a note is found where its onset is within 50 ms and its pitch within a "
    "quarter tone (mir_eval). Onsets in the first 0.1 s of an excerpt, and in its last 0.13 s, do not count.",
    words="F1 of the notes that are heard in held-out music put through codes or mel spectrograms",
)
OF_SCORES = "The notes that are there are those of the scores; the recording itself shows what the transcriber misses."
HEARD = "The corpus has no scores: the notes that are there are those that the transcriber hears in the recording."


def build(given: MeasureGiven) -> Page:
    """The page: a chart and a table of all renderings."""
    summary = read_json(NoteF1Summary, given.summary)
    return NOTES.page(summary, OF_SCORES if summary.of_scores else HEARD)


PAGE = Builder(MeasureGiven, build, Finding(NoteF1Summary, NOTES.finding))
