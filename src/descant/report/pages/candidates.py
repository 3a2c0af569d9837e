"""The page of candidates: beginnings that a row's top level drew, of which some are picked to go on."""

from pathlib import Path

from descant.audio.rendered import open_rendered
from descant.report.blocks import Block, Clips, Page, Section, Text
from descant.report.clips import clip_of
from descant.report.registry import Builder
from descant.results import Given, ModelRow, Rows

LEAD = (
    "Beginnings that the top level drew, decoded by its own VQ-VAE. Those that are picked go on to the full length, "
    "and only they are upsampled; their top codes stay as they are heard here."
)


class CandidatesOf(ModelRow):
    """A row's candidates.

    Attributes:
        audio: folder of rendered audio.
        pick: numbers of those that go on.
    """

    audio: Path
    pick: list[int]


class CandidatesGiven(Given):
    """What the page is made from: the rows."""

    rows: Rows[CandidatesOf]


def _section(row: CandidatesOf) -> Section:
    rendered = open_rendered(row.audio)
    clips = []
    for number, sample in enumerate(rendered.samples):
        name = f"Candidate {number}"
        audio = rendered.read(number, -sample.primed)
        detail = "picked" if number in row.pick else ""
        clips.append(clip_of(name, detail, audio, rendered.sample_rate, f"{row.title} · {name.lower()}"))
    chosen = ", ".join(map(str, row.pick or range(min(2, len(clips)))))
    how = f"models: {{{row.model}: {{branch: {{pick: [{chosen}]}}}}}}"
    said = f"Picked in the configuration: {how}" if row.pick else f"To pick, write for example {how}, and run again."
    blocks: list[Block] = [Text(said), Clips(clips)]
    return Section(row.title, blocks)


def build(given: CandidatesGiven) -> Page:
    """The page: a section for each row, a player for each candidate.

    Raises:
        SamplingError: when there are none.
    """
    return Page("Candidates", [Text(LEAD, "lead"), *map(_section, given.rows)])


PAGE = Builder(CandidatesGiven, build)
