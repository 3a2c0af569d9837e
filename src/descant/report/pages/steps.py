"""The page on which what one prior drew at several steps of its training is heard side by side."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from descant.evaluation.novelty.findings import Findings
from descant.evaluation.novelty.verdict import share_words
from descant.report.blocks import Block, Cell, Clips, Column, Line, Page, Section, Table, Text
from descant.report.clips import sample_clips
from descant.report.registry import Builder
from descant.results import Given, ModelRow, Rows, read_json, read_table

LEAD = (
    "Rows that differ in nothing but how long their prior was trained: one training, which kept its weights on the "
    "way. A sample has the same uniform random numbers at every step: what changes is what the prior has learnt."
)
CAPTION = (
    "Bits a code of held-out tracks: fewer are better; where they rise again, it learns the training music by heart. "
    "Copies are the share of what was drawn that matches a place in the training music, by its sound and notes or by "
    "its top codes; the page on novelty has these places to hear, each with the name of its track."
)


class StepRow(ModelRow):
    """A row that draws from the prior after so many steps.

    Attributes:
        steps: of the prior's training.
        level: that the prior draws.
        audio: folder of rendered audio.
    """

    steps: int
    level: int
    audio: Path


class StepsGiven(Given):
    """What the page is made from.

    Attributes:
        groups: rows that share all but the prior's steps, the fewest steps first.
        table: CSV of the table.
        novelty: findings of the search for copies.
        show: samples of each row, at most.
    """

    groups: list[Rows[StepRow]]
    table: Path
    novelty: Path
    show: int = 3


def _figures(rows: Sequence[StepRow], given: StepsGiven) -> Table:
    bits = {line["model"]: line for line in read_table(given.table)}
    found = {model.model: model for model in read_json(Findings, given.novelty).models}
    lines = []
    for row in rows:
        of_codes = bits[row.model].get(f"bits_per_step_level{row.level}")
        copied = [share_words(share) if share else "" for share in (found[row.model].audio, found[row.model].codes)]
        cells = [f"{row.steps:,}", f"{float(of_codes):.2f}" if of_codes else "", *copied]
        lines.append(Line(row.title, [Cell(cell) for cell in cells]))
    names = ("Row", "Steps", "Bits a code", "Copies, sound and notes", "Copies, codes")
    return Table(CAPTION, [Column(name) for name in names], lines)


def _section(rows: Sequence[StepRow], given: StepsGiven) -> Section:
    drawn = [sample_clips(row.audio, given.show) for row in rows]
    blocks: list[Block] = [_figures(rows, given)]
    for number, clips in enumerate(zip(*drawn, strict=False), start=1):
        beside = [replace(clip, name=row.title, facts="") for row, clip in zip(rows, clips, strict=True)]
        blocks += [Text(f"Sample {number}"), Clips(beside, compact=True)]
    return Section(", ".join(f"{row.steps:,}" for row in rows) + " steps", blocks)


def build(given: StepsGiven) -> Page:
    """The page: for every prior that rows draw from at several steps, its figures and samples side by side.

    Raises:
        SamplingError: when a row has no audio.
    """
    return Page("On the way", [Text(LEAD, "lead"), *(_section(rows, given) for rows in given.groups)], "dense")


PAGE = Builder(StepsGiven, build)
