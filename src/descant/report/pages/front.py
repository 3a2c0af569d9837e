"""The first page of the report: a run on one screen."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from markupsafe import Markup
from pydantic import Field

from descant.config.evaluation import Reconstruction
from descant.errors import ResultError, SamplingError
from descant.evaluation.bar import passing_in_words
from descant.evaluation.parts_table import PartsTable
from descant.evaluation.provenance import extent, read_network, scale_in_words, training_in_all
from descant.evaluation.reconstruction_results import Excerpts, read_material
from descant.evaluation.renderings import Vocoded
from descant.formatting import count
from descant.recordings import open_recordings
from descant.report.blocks import Block, Clip, Clips, Grid, Items, Page, Section, Text
from descant.report.clips import answer_clip, real_clips, sample_clips
from descant.report.pages.music import PlayedPiece, piece_clip
from descant.report.pages.parts import best_in_words
from descant.report.pages.synthesis import choose_excerpts, excerpt_name, read_sounds, synthesised_clips
from descant.report.registry import Builder, kind_of, load_builder
from descant.report.rows import Row, board, choose_rows, read_rows
from descant.results import CURE, read_json, read_table
from descant.sequences import PackedSequence, open_sequence

SHOWN_LABELS = 3
SHOWN_REASONS = 2
SPLITS = {"train": "training", "validation": "validation", "test": "test"}
BEGINNING = re.compile(r"not reported[:,]\s*(since\s+)?", re.IGNORECASE)
LISTEN = (
    "Each is the first sample drawn: none was chosen by ear. Waveform over mel spectrogram, 0 Hz to half "
    "the sample rate."
)
PICKED = (
    "Each is the row's first sample; beginnings of {} were picked from candidates. Waveform over mel spectrogram, 0 Hz "
    "to half the sample rate."
)


# pieces of music, at most
SHOWN_PIECES = 4
HEAR = "Scores by composers; what sounds is made by a Mel2Mel and its vocoder, from the notes alone."
COMPOSED = "The answer to each task as a network of music in four parts drew it; none was chosen by ear."
# held-out scores to hear, at most
PLAYED = 3
PLAYED_WORDS = (
    "Held-out scores as the run's first Mel2Mel and its vocoder play them; none was chosen by ear. Waveform over mel "
    "spectrogram, 0 Hz to half the sample rate."
)


class FrontGiven(Excerpts):
    """What the page is made from, beside the excerpts that vocoders make.

    A run of music in parts alone has no audio: its ``audio`` is the sequence of parts, and ``recordings`` is not read.

    Attributes:
        vocoded: what each vocoder made of them.
        music: pieces that a Mel2Mel plays.
        composed: folder of each composition.
        parts: JSON of the table of networks of music in parts; None where there is none.
        table: CSV of the table; None where no row of the run has a place in it.
        models: every model file of the run.
        drawn: folder of the audio that each model drew.
        picked: titles of the rows whose samples go on from candidates that were picked.
        source: where the music comes from, in words.
        remarks: JSON list of sentences, what people should know of the corpus.
        summaries: summary of each measure.
        pages: names of all pages, for links.
    """

    reconstruction: Reconstruction = Field(default_factory=Reconstruction)
    vocoded: list[Vocoded] = Field(default_factory=list)
    music: list[PlayedPiece] = Field(default_factory=list)
    composed: list[Path] = Field(default_factory=list)
    parts: Path | None = None
    table: Path | None
    models: list[Path]
    drawn: dict[str, Path]
    picked: list[str] = Field(default_factory=list)
    source: str
    remarks: Path | None = None
    summaries: dict[str, Path] = Field(default_factory=dict)
    pages: list[str] = Field(default_factory=list)


def music_in_words(sequence: PackedSequence, source: str) -> list[str]:
    """What was trained on: where it is from in words, how much there is by split, and who and what it is by."""
    parts = [
        f"{extent(sequence, (split,))} in {count(len(sequence.split(split)), 'track')} for {use}"
        for split, use in SPLITS.items()
        if len(sequence.split(split))
    ]
    whole = f"{extent(sequence)} in {count(len(sequence.tracks()), 'track')}: {', '.join(parts)}."
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
    if not played:
        return []
    material = read_material(given, True)
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
    scores: list[Block] = [board(rows), *([Text(passing, "quiet small")] if passing else [])]
    scored = [Section("How well each model predicts held-out music", scores, "table")] if rows else []
    first: list[Block] = [*scored, Section("What they learnt from", music, "music")]
    if given.parts is not None:
        best = best_in_words(read_json(PartsTable, given.parts))
        first.insert(len(scored), Section("What is best at music in parts", [Items(best)], "parts"))
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
    answers = [replace(answer_clip(folder), facts="", address="compositions.html") for folder in given.composed]
    composed: list[Block] = [Clips(answers[:SHOWN_PIECES], compact=True), Text(COMPOSED, "quiet small")]
    networks = [read_network(path) for path in given.models]
    heard = LISTEN if not given.picked else PICKED.format(", ".join(given.picked))
    words = " ".join([*([PLAYED_WORDS] if played else []), *([heard] if drawn else [])])
    listen: list[Block] = [Clips(played + drawn, compact=True), Text(words, "quiet small")]
    blocks: list[Block] = [
        Text(scale_in_words(networks, sequence) if rows else training_in_all(networks, sequence), "lead"),
        *([Section("Hear first", hear, "hear")] if given.music else []),
        *([Section("What they composed", composed, "composed")] if given.composed else []),
        *([Section("Listen", listen, "listen")] if played or drawn else []),
        Grid([first, findings] if findings else [first]),
    ]
    if stages:
        blocks.append(Section("More of this run", [Items(stages)]))
    return Page("This run", blocks, "dense")


PAGE = Builder(FrontGiven, build)
