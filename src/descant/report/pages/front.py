"""The first page of the report: a run on one screen."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from markupsafe import Markup
from pydantic import Field

from descant.config.evaluation import Reconstruction
from descant.errors import ResultError, SamplingError
from descant.evaluation.bar import passing_in_words
from descant.evaluation.provenance import read_network, scale_in_words, training_in_all
from descant.evaluation.reconstruction_results import Excerpts, read_material
from descant.evaluation.renderings import Vocoded
from descant.evaluation.table import FRESH
from descant.formatting import bracketed, count, duration
from descant.recordings import open_recordings
from descant.report.blocks import Block, Cell, Clip, Clips, Column, Grid, Items, Line, Page, Section, Table, Text
from descant.report.clips import real_clips, sample_clips
from descant.report.pages.music import PlayedPiece, piece_clip
from descant.report.pages.synthesis import choose_excerpts, excerpt_name, read_sounds, synthesised_clips
from descant.report.registry import Builder, kind_of, load_builder
from descant.results import CURE, read_json, read_table
from descant.sequences import PackedSequence, open_sequence, total_seconds

BITS = ("bits_per_sample", "bits_per_sample_low", "bits_per_sample_high")
SHOWN_LABELS = 3
SHOWN_REASONS = 2
SPLITS = {"train": "training", "validation": "validation", "test": "test"}
BEGINNING = re.compile(r"not reported[:,]\s*(since\s+)?", re.IGNORECASE)
LISTEN = (
    "Each is the first sample drawn: none was chosen by ear. Waveform over mel spectrogram, 0 Hz to half "
    "the sample rate."
)


# pieces of music, at most
SHOWN_PIECES = 4
HEAR = "Scores by composers; what sounds is made by a Mel2Mel and its vocoder, from the notes alone."
# held-out scores to hear, at most
PLAYED = 3
PLAYED_WORDS = (
    "Held-out scores as the run's first Mel2Mel and its vocoder play them; none was chosen by ear. Waveform over mel "
    "spectrogram, 0 Hz to half the sample rate."
)


class FrontGiven(Excerpts):
    """What the page is made from, beside the excerpts that vocoders make.

    Attributes:
        vocoded: what each vocoder made of them.
        music: pieces that a Mel2Mel plays.
        table: CSV of the table; None where no row of the run has a place in it.
        models: every model file of the run.
        drawn: folder of the audio that each model drew.
        source: where the music comes from, in words.
        remarks: JSON list of sentences, what people should know of the corpus.
        summaries: summary of each measure.
        pages: names of all pages, for links.
    """

    reconstruction: Reconstruction = Field(default_factory=Reconstruction)
    vocoded: list[Vocoded] = Field(default_factory=list)
    music: list[PlayedPiece] = Field(default_factory=list)
    table: Path | None
    models: list[Path]
    drawn: dict[str, Path]
    source: str
    remarks: Path | None = None
    summaries: dict[str, Path] = Field(default_factory=dict)
    pages: list[str] = Field(default_factory=list)


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        model: its name in the configuration.
        title: what people call it.
        address: of its page, or empty.
        levels: sequences from audio up.
        bits: per sample; None for a model without a likelihood of audio.
        interval: of the bits, or empty.
        ratings: fidelity and musicality that the paper prints of its own model, or empty.
        beginning: that its networks began from trained ones, or empty.
    """

    model: str
    title: str
    address: str
    levels: int
    bits: float | None
    interval: str
    ratings: tuple[str, str]
    beginning: str = ""


def read_rows(table: Sequence[Mapping[str, str]], pages: Sequence[str]) -> list[Row]:
    """The rows of the table that ``descant.commands.table`` wrote, as text.

    Raises:
        ResultError: when a column is missing or holds no number.
    """
    rows = []
    try:
        for row in table:
            page = f"players/{row['model']}"
            bits, low, high = (float(row[key]) if row[key] else None for key in BITS)
            named = row["model"], row["title"], f"{page}.html" if page in pages else "", int(row["levels"])
            ratings = _rating(row, "fidelity"), _rating(row, "musicality")
            beginning = row.get("beginning", "").removeprefix(FRESH)
            rows.append(Row(*named, bits, bracketed(low, high, 2), ratings, beginning))
    except (KeyError, ValueError) as error:
        raise ResultError(f"the table is not the one of this pipeline: {error!r}", "run snakemake again") from error
    return rows


def _rating(row: Mapping[str, str], name: str) -> str:
    mean, within = row.get(f"paper_{name}", ""), row.get(f"paper_{name}_plus_minus", "")
    return f"{float(mean):.2f} ± {float(within):.2f}" if mean and within else ""


def choose_rows(rows: Sequence[Row]) -> list[tuple[Row, str]]:
    """Up to three rows to hear and why: by bits, by depth and a plain WaveNet, no row twice.

    Among equals the fewest bits per sample decide, then the order of the table; what is left out is a role that no
    other row can take.
    """
    if not rows:
        return []
    by_bits = sorted(rows, key=_bits_or_last)
    best, others = by_bits[0], by_bits[1:]
    chosen = [(best, "the first row of the table" if best.bits is None else "the fewest bits per sample of all")]
    most = max((row.levels for row in others), default=1)
    if most > 1:
        chosen.append(_fewest([row for row in others if row.levels == most], f"a stack of {most} levels"))
    plain = [row for row in others if row.levels == 1]
    if plain:
        chosen.append(_fewest(plain, f"{'another' if best.levels == 1 else 'a'} WaveNet with no codes"))
    return chosen


def _fewest(by_bits: Sequence[Row], what: str) -> tuple[Row, str]:
    first = by_bits[0]
    return first, what if len(by_bits) == 1 or first.bits is None else f"{what}, the fewest bits of these"


def _bits_or_last(row: Row) -> float:
    return math.inf if row.bits is None else row.bits


def music_in_words(sequence: PackedSequence, source: str) -> list[str]:
    """What was trained on: where it is from in words, how much there is by split, and who and what it is by."""
    parts = [
        f"{duration(total_seconds(sequence, (split,)))} in {count(len(sequence.split(split)), 'track')} for {use}"
        for split, use in SPLITS.items()
        if len(sequence.split(split))
    ]
    whole = f"{duration(total_seconds(sequence))} in {count(len(sequence.tracks()), 'track')}: {', '.join(parts)}."
    lines = [source, whole]
    for column, noun in (("artist", "By"), ("genre", "Genres")):
        known = Counter(str(value) for value in sequence.index[column] if value)
        if known:
            ranked = sorted(known.items(), key=lambda pair: (-pair[1], pair[0]))
            named = ", ".join(f"{name} ({tracks})" for name, tracks in ranked[:SHOWN_LABELS])
            more = f", and {len(ranked) - SHOWN_LABELS} more" if len(ranked) > SHOWN_LABELS else ""
            lines.append(f"{noun}: {named}{more}.")
    return lines


def played_clips(given: FrontGiven, pages: Sequence[str]) -> list[Clip]:
    """What the first Mel2Mel plays of held-out scores, on several instruments, and the recording of the first."""
    rows = [one.row for one in given.vocoded if one.row]
    # of a vocoder that was tuned on what it plays, that one
    played = [one for one in given.vocoded if one.row and one.row == rows[0]][-1:]
    material = read_material(given, bool(played))
    sounds = read_sounds(played, material)
    clips: list[Clip] = []
    for place in choose_excerpts(material.stretches, PLAYED):
        original, sound = synthesised_clips(material, sounds, place)
        name = excerpt_name(material.stretches[place])
        if not clips:
            clips.append(replace(original, name="The recording", detail=name, facts=""))
        address = "synthesis.html" if "synthesis" in pages else ""
        clips.append(replace(sound, detail=f"{name}, held out", facts="", address=address))
    return clips


def front_clips(rows: Sequence[Row], folders: Mapping[str, Path], recordings: PackedSequence) -> list[Clip]:
    """The first sample of each chosen model, and as much of a held-out track.

    Raises:
        SamplingError: when a chosen model has no audio.
    """
    clips, seconds = [], 0.0
    for row, why in choose_rows(rows):
        if row.model not in folders:
            raise SamplingError(f"{row.model} is given no folder of audio", "give one for each row of the table")
        found = sample_clips(folders[row.model], 1)
        seconds = max(seconds, found[0].seconds)
        detail = "; ".join(filter(None, ("Sample 1", row.beginning, why)))
        clips.append(replace(found[0], name=row.title, detail=detail, facts="", address=row.address))
    for clip in real_clips(recordings, 1, seconds):
        clips.append(replace(clip, name="Real music", detail=f"{clip.name}, {clip.detail}, held out", facts=""))
    return clips


def read_finding(name: str, path: Path, titles: Mapping[str, str], pages: Sequence[str]) -> Markup:
    """What a measure found, from its ``summary.json``, in a sentence or two; with a link to its page, if it has one.

    Raises:
        PageError: when there is no such measure.
        ResultError: when its summary cannot be read.
    """
    finding = load_builder(name).finding
    if finding is None:
        raise ResultError(f"{name} is a page, and no measure that has a summary", CURE)
    summary: Any = read_json(finding.summary, path)
    words = finding.words(summary, titles)
    question = Markup('<a href="{}.html">{}</a>') if name in pages else Markup("{1}")
    heading = question.format(name, kind_of(name).question)
    missing = _reasons(summary.missing, bool(words) and name in pages)
    return Markup('<strong>{}</strong> {} <span class="quiet">{}</span>').format(heading, words, missing)


def _reasons(missing: Sequence[str], elsewhere: bool) -> str:
    """Why something was not measured, or that the measure's own page says so."""
    reasons = list(dict.fromkeys(BEGINNING.sub("", reason).rstrip(".") for reason in missing))
    if not reasons:
        return ""
    if elsewhere:
        return "Not all could be measured; its page says why."
    more = len(reasons) - SHOWN_REASONS
    return f"Not reported: {'; '.join(reasons[:SHOWN_REASONS])}{f'; and {more} more' if more > 0 else ''}."


def _board(rows: Sequence[Row]) -> Table:
    scored = [row for row in rows if row.bits is not None]
    fewest = min(scored, key=_bits_or_last, default=None)
    rated, bounded = any(any(row.ratings) for row in rows), [row for row in rows if row.interval]
    caption = f"Fewer bits are better{'; in brackets their interval over test tracks' if bounded else ''}."
    if len(bounded) < len(scored):
        caption += " No interval: under five test tracks."
    columns = [Column("Model"), Column("Bits per sample, at most")]
    if rated:
        caption += " The tinted columns are the paper's ratings by people of its own models (2018), not of these."
        columns += [Column(f"{name} (paper)", tinted=True) for name in ("Fidelity", "Musicality")]
    lines = []
    for row in rows:
        cells = [Cell("" if row.bits is None else f"{row.bits:.2f}", row.interval, row is fewest)]
        cells += [Cell(rating) for rating in row.ratings] if rated else []
        lines.append(Line(row.title, cells, row.beginning, row.address))
    return Table(caption, columns, lines)


def build(given: FrontGiven) -> Page:
    """The page: what was trained on, the table, four players, what the measures found, and where there is more."""
    sequence = open_sequence(given.audio.parent)
    table = [] if given.table is None else read_table(given.table)
    rows = read_rows(table, given.pages)
    titles = {row.model: row.title for row in rows}
    music: list[Block] = [Text(line) for line in music_in_words(sequence, given.source)]
    if given.remarks is not None and (remarks := read_json(list[str], given.remarks)):
        music.append(Items(remarks, "quiet small"))
    passing = passing_in_words(table)
    scores: list[Block] = [_board(rows), *([Text(passing, "quiet small")] if passing else [])]
    board = [Section("How well each model predicts held-out music", scores, "table")] if rows else []
    first: list[Block] = [*board, Section("What they learnt from", music, "music")]
    found = [read_finding(name, path, titles, given.pages) for name, path in given.summaries.items()]
    findings: list[Block] = [Section("What the measures found", [Items(found)], "findings")] if found else []
    stages = [
        Markup('<a href="{}.html">{}</a> <span class="quiet">{}</span>').format(page, kind.label, kind.about)
        for page in given.pages
        if (kind := kind_of(page)).about
    ]
    played = played_clips(given, given.pages)
    drawn = front_clips(rows, given.drawn, open_recordings(given.recordings.parent)) if rows else []
    first_pieces = [replace(piece_clip(piece), facts="", address="music.html") for piece in given.music[:SHOWN_PIECES]]
    hear: list[Block] = [Clips(first_pieces, compact=True), Text(HEAR, "quiet small")]
    networks = [read_network(path) for path in given.models]
    words = " ".join([*([PLAYED_WORDS] if played else []), *([LISTEN] if drawn else [])])
    listen: list[Block] = [Clips(played + drawn, compact=True), Text(words, "quiet small")]
    blocks: list[Block] = [
        Text(scale_in_words(networks, sequence) if rows else training_in_all(networks, sequence), "lead"),
        *([Section("Hear first", hear, "hear")] if given.music else []),
        *([Section("Listen", listen, "listen")] if played or drawn else []),
        Grid([first, findings] if findings else [first]),
    ]
    if stages:
        blocks.append(Section("More of this run", [Items(stages)]))
    return Page("This run", blocks, "dense")


PAGE = Builder(FrontGiven, build)
