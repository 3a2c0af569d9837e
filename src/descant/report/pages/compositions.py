"""The page of music in four parts that a network wrote: engraved, played, and held to the rules of voice leading."""

from pathlib import Path

from descant.evaluation.composed import LIST, Composed, Written
from descant.report.blocks import Block, Clips, Fold, Page, Pictures, Section, Text
from descant.report.clips import composed_clip, unreadable
from descant.report.engraving import engraved
from descant.report.registry import Builder
from descant.results import Given, read_json
from descant.scores.voice_leading import VoiceLeading

LEAD = (
    "Music in four parts that a network wrote, as it was drawn: nothing was chosen by ear, and nothing mended. Each "
    "piece lies in the folder that is named under it, as MIDI, MusicXML and FLAC."
)
TASKS = {
    "generate": "New pieces, from the first note to the last.",
    "fill": "Voices of a piece that were taken out and written anew from the others.",
    "redo": "A piece whose voices were written anew, one after another, each from the others as they had become.",
    "harmonise": "A given score, and the other voices that the network wrote to it.",
}


class CompositionsGiven(Given):
    """What the page is made from: a folder of each composition."""

    folders: list[Path]


def rules_in_words(counted: VoiceLeading) -> str:
    """What a piece breaks of the rules of voice leading."""
    found = {
        "parallel fifths": counted.parallel_fifths,
        "parallel octaves": counted.parallel_octaves,
        "sixteenths with crossed voices": counted.crossings,
        "sixteenths with upper voices over an octave apart": counted.wide,
        "sixteenths out of a voice's range": counted.out_of_range,
    }
    broken = [f"{number} {words}" for words, number in found.items() if number]
    return f"Rules of voice leading that it breaks: {', '.join(broken) or 'none'}."


def _piece(folder: Path, piece: Written, title: str) -> Section:
    name = f"{title}, {piece.title.lower()}" if title else piece.title
    try:
        score = (folder / f"{piece.file}.musicxml").read_bytes()
    except OSError as error:
        raise unreadable(folder, error) from error
    blocks: list[Block] = [
        Clips([composed_clip(folder, piece, piece.title, name)]),
        Pictures(engraved(score, name)),
        Text(rules_in_words(piece.counted), "quiet small"),
    ]
    return Section(piece.title, blocks)


def _section(folder: Path) -> Section:
    composed = read_json(Composed, folder / LIST)
    blocks: list[Block] = [Text(TASKS[composed.task])]
    blocks += [Text(f"Remark: {remark}.", "quiet small") for remark in composed.remarks]
    pieces = [_piece(folder, piece, composed.title) for piece in composed.pieces]
    # what was given and a first answer are seen at once
    blocks += pieces[:2]
    if pieces[2:]:
        blocks.append(Fold(f"{len(pieces) - 2} more", pieces[2:]))
    about = f"{composed.network.replace('_', ' ')}, {composed.steps:,} training steps; files in {folder}"
    return Section(composed.title or "As asked", [*blocks, Text(about, "quiet small")])


def build(given: CompositionsGiven) -> Page:
    """The page: a section for each composition."""
    return Page("Composed", [Text(LEAD, "lead"), *(_section(folder) for folder in given.folders)])


PAGE = Builder(CompositionsGiven, build)
