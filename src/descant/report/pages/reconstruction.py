"""The page of reconstructions: how far each level's codes are from the music, how they are used, and all to hear."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from markupsafe import Markup
from pydantic import Field

from descant.audio import mulaw
from descant.evaluation.code_usage import Usage
from descant.evaluation.reconstruction import MULAW, NOISE, OTHER, read_draws
from descant.evaluation.reconstruction_results import (
    FIGURES,
    Decoded,
    Drawn,
    Excerpts,
    Material,
    Measured,
    ReconstructionSummary,
    StackCodes,
    read_material,
)
from descant.evaluation.vocoded import read_vocoded
from descant.formatting import count, decimal, level, percent
from descant.report.blocks import (
    Block,
    Cell,
    Clips,
    Items,
    Line,
    Page,
    Section,
    Text,
    chart_section,
    figures,
    interval_cell,
)
from descant.report.charts import PALETTE, WHOLE, Axis, Dot, DotStyle, Legends, Point, interval_chart, line_chart
from descant.report.charts import Line as Stroke
from descant.report.clips import clip_of
from descant.report.registry import Builder, Finding
from descant.results import read_json
from descant.statistics import Interval

# a line with more points shows no more on a screen (ours)
MOST_RANKS = 256
REFERENCES = {MULAW: "the floor", OTHER: "music, but not this music", NOISE: "no music at all"}
LEAD = (
    "Music that no network was trained on, encoded into codes and decoded again. What is lost or added "
    "here, no prior can put right."
)
FAR = Markup(
    "A stack's decoder samples, and does not reproduce the waveform: it draws one of many that go with the codes. Its "
    "signal-to-noise ratio (SNR) is low by nature, where that of a feed-forward decoder counts; audio of the right "
    "level that has nothing else in common with the original has about −3 dB. The log-spectral distance (LSD) ignores "
    "phase: it compares spectra, and less is nearer. <em>Another test track</em> shows how far apart two pieces of "
    "this music are: the noise of a stack that lies beyond it sets it further from the original than another piece is "
    "by its notes."
)
DISTANCES = "Log-spectral distance of every excerpt (small marks), and their mean with its interval (diamonds)."
METHOD = Markup(
    "Both compare with the audio before it was companded to mu-law. SNR: 10 log10 of the original's energy over that "
    "of the difference (Jayant &amp; Noll 1984). LSD: root mean square over frequency of the difference of log "
    "spectra, averaged over time (Gray &amp; Markel 1976); Hann windows of 1,024 samples every 256, what is below −90 "
    "dBFS counts as −90 (these are ours). Spectral convergence: norm of the difference of magnitudes over that of the "
    "original's, in dB, with windows of 35 ms (Dhariwal et al. 2020); silence has 0, and less is nearer. A stack's "
    "name is its path, bottom first; what its top level adds is its distance less that of the stack below it, or of "
    "mu-law alone. <em>Two draws</em> compares a second draw of the same codes with the first."
)
CARRY = (
    "Perplexity is the number of codes that would be in use, were all used equally often. The gap is what a step of "
    "the sequence below costs more, in bits, when each track's codes come in random order: near 0 the network below "
    "ignores its codes. A feed-forward decoder has no gap."
)
TOP = "Top codes of every stack, and those of levels, on all test tracks"
USAGE = "How often each code occurs in the test tracks, the commonest first; a steep line leaves codes unused."
FOOT = (
    "Excerpts are from the middle of test tracks, spread evenly over the split; none was chosen by ear. The players "
    "hold lossless audio. Spectrograms: 0 dBFS is a sine that just reaches full scale."
)
DISTANCE_COLUMNS = ("Rendering", "SNR, dB", "LSD, dB", "Spectral convergence, dB",
                    "LSD added by the top level, dB", "Two draws: SNR, dB", "Two draws: LSD, dB")  # fmt: skip
CODE_COLUMNS = ("Stack", "Codes there are", "Codes that occur", "Perplexity", "Bits, true codes",
                "Bits, shuffled codes", "Gap, bits")  # fmt: skip


class ReconstructionPageGiven(Excerpts):
    """What the page is made from: the excerpts, what was drawn of them, and what was measured.

    Attributes:
        measured: ``measured.json``.
        excerpts: ``excerpts.csv``.
        stacks: what was drawn of each.
        decoded: what each feed-forward decoder made.
    """

    measured: Path
    excerpts: Path
    stacks: list[Drawn]
    decoded: list[Decoded] = Field(default_factory=list)


def _rendering_lines(measured: Measured, sample_rate: int) -> list[Line]:
    """A row a rendering: quantisation alone, every stack, noise."""
    lines = []
    for rendering, found in measured.intervals.items():
        detail = REFERENCES.get(rendering, "")
        if rendering in measured.codes:
            held = measured.codes[rendering]
            detail = f"{held.quantisers * sample_rate / held.hop:,.6g} codes a second, {held.hop:,} samples each, "
            detail += f"{held.bits_per_second(sample_rate) / 1000:.3g} kbit/s"
        lines.append(Line(rendering, [interval_cell(found[column], 2) for column in FIGURES], detail))
    return lines


def _code_line(stack: str, held: StackCodes) -> Line:
    worth = held.worth
    perplexity = None if held.perplexity is None else Interval(held.perplexity, held.low, held.high)
    share = "" if held.used_share is None else percent(held.used_share, 1)
    cells = [
        Cell(f"{len(held.counts):,}"),
        Cell(share, f"of {count(held.total, 'code')}" if held.total else ""),
        interval_cell(perplexity, 1),
        Cell("" if worth is None else decimal(worth.true, 3)),
        Cell("" if worth is None else decimal(worth.shuffled, 3)),
        interval_cell(None if worth is None else worth.gap, 3),
    ]
    return Line(stack, cells)


def _distance_section(measured: Measured, excerpts: pd.DataFrame, sample_rate: int, heard: int) -> Section:
    means = {name: mean for name, found in measured.intervals.items() if (mean := found["lsd_db"]) is not None}
    confidence = level(measured.confidence)
    caption = f"Mean over excerpts of {count(heard, 'test track')}, under it its {confidence} interval over tracks"
    blocks: list[Block] = [Text(FAR), figures(caption, DISTANCE_COLUMNS, _rendering_lines(measured, sample_rate))]
    if means:
        singles = excerpts.dropna(subset=["lsd_db"]).groupby("rendering")["lsd_db"].apply(list)
        dots = [Dot(name, one.value, one.low, one.high, singles=singles[name]) for name, one in means.items()]
        axis = Axis("log-spectral distance from the original (dB)", zero=True)
        spec = interval_chart(dots, axis, DISTANCES, {"": DotStyle(PALETTE[1], "diamond")}, legend=False, row=40)
        blocks.append(chart_section("Distance by stack", DISTANCES, spec))
    return Section("How far from the original", [*blocks, Text(METHOD, "quiet small")])


def _codes_section(measured: Measured) -> Section:
    lines = [_code_line(stack, held) for stack, held in measured.codes.items()]
    blocks: list[Block] = [
        Text(CARRY),
        figures(TOP, CODE_COLUMNS, lines),
    ]
    strokes = [Stroke(stack, _ranked(held), marked=False) for stack, held in measured.codes.items() if held.total]
    if strokes:
        x = Axis("codes that occur, commonest first", zero=True, form=WHOLE)
        y = Axis("share of all codes (%)", logarithmic=True)
        blocks.append(chart_section("Usage", USAGE, line_chart(strokes, x, y, USAGE, 260, Legends("stack"))))
    return Section("What the codes carry", blocks)


def _ranked(usage: Usage) -> list[Point]:
    """Share of every code that occurs, in percent, the commonest first."""
    shares = usage.sorted_shares
    return [Point(rank + 1, 100 * float(shares[rank])) for rank in _ranks(len(shares))]


def _ranks(codes: int) -> Sequence[int]:
    """All ranks of few codes; of many, ranks that lie closer together where the codes are common."""
    if codes <= MOST_RANKS:
        return range(codes)
    return sorted({round(codes ** (step / (MOST_RANKS - 1))) - 1 for step in range(MOST_RANKS)})


def _heard(material: Material, drawn: Sequence[Drawn], decoded: Sequence[Decoded]) -> list[Section]:
    """Every excerpt to listen to: the original, through mu-law, each stack's first draw, and what decoders make."""
    rate, sections = material.audio.sample_rate, []
    first = {one.stack: read_draws(one.drawn, material.stretches)[0] for one in drawn}
    made = {one.level: read_vocoded(one.sound, material.stretches) for one in decoded}
    for number, stretch in enumerate(material.stretches):
        start = stretch.start / rate
        name = stretch.track.labels.name or f"Track {stretch.track.track}"
        renderings = {
            "Original": material.originals[number],
            "Original through mu-law": mulaw.decode(material.companded[number]),
            **{stack: mulaw.decode(draws[number]) for stack, draws in first.items()},
            **{level: sounds[number] for level, sounds in made.items()},
        }
        clips = [clip_of(key, "", audio, rate, f"{name} · {key}") for key, audio in renderings.items()]
        sections.append(Section(f"{name}, from {int(start // 60)}:{start % 60:04.1f}", [Clips(clips)]))
    return sections


def build(given: ReconstructionPageGiven) -> Page:
    """The page: distances, codes, and every excerpt in all its renderings."""
    measured = read_json(Measured, given.measured)
    material = read_material(given, bool(given.stacks or given.decoded))
    heard = _heard(material, given.stacks, given.decoded)
    rate, excerpts = material.audio.sample_rate, pd.read_csv(given.excerpts)
    blocks: list[Block] = [
        Text(LEAD, "lead"),
        *([Items(measured.missing, "note")] if measured.missing else []),
        *([_distance_section(measured, excerpts, rate, len(heard))] if measured.intervals else []),
        *([_codes_section(measured)] if measured.codes else []),
        *heard,
        *([Text(FOOT, "quiet small")] if heard else []),
    ]
    return Page("Reconstruction by level", blocks)


def finding(summary: ReconstructionSummary, titles: Mapping[str, str]) -> str:
    """The log-spectral distance of every stack; empty where none was measured."""
    parts = [
        f"{stack.replace('.', ' + ')} {decimal(figures.lsd_db, 1)} dB"
        for stack, figures in summary.stacks.items()
        if figures.lsd_db is not None
    ]
    return f"Log-spectral distance of held-out music put through codes: {', '.join(parts)}." if parts else ""


PAGE = Builder(ReconstructionPageGiven, build, Finding(ReconstructionSummary, finding))
