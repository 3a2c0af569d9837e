"""The page to hear first: scores that a Mel2Mel and its vocoder play."""

from pathlib import Path

import soundfile

from descant.errors import SamplingError
from descant.report.blocks import Block, Clip, Clips, Page, Text
from descant.report.clips import clip_of
from descant.report.registry import Builder
from descant.results import Given

LEAD = (
    "Scores, played by networks that learnt how instruments sound: one turns the notes into a spectrogram, another the "
    "spectrogram into sound. The notes are the composers', but where a network composed them too, the title says so."
)
OTHERS = (
    "Any score of your own: snakemake play --cores 1 --config play='{score: my.mid, instrument: organ}' writes "
    "results/play/played.flac."
)

CARD = (
    "Where a piece names no row of the run, networks that ship play it: pretrained/instruments/card.md says what they "
    "learnt from, how near they come, and what they cannot do."
)


class PlayedPiece(Given):
    """A piece that was played: what it is called, what plays it in words, and its audio."""

    title: str
    played_by: str
    audio: Path


class MusicGiven(Given):
    """What the page is made from: the pieces, in the order in which they are heard."""

    pieces: list[PlayedPiece]


def piece_clip(piece: PlayedPiece) -> Clip:
    """A clip of a piece.

    Raises:
        SamplingError: when its audio cannot be read.
    """
    try:
        audio, rate = soundfile.read(piece.audio, dtype="float32")
    except (soundfile.SoundFileError, OSError) as error:
        raise SamplingError(f"{piece.audio} cannot be read: {error}", "delete it and run snakemake again") from error
    return clip_of(piece.title, f"played on {piece.played_by}", audio, rate, piece.title)


def build(given: MusicGiven) -> Page:
    """The page: a player for each piece."""
    blocks: list[Block] = [
        Text(LEAD, "lead"),
        Clips([piece_clip(piece) for piece in given.pieces]),
        Text(OTHERS),
        Text(CARD, "quiet small"),
    ]
    return Page("Music", blocks)


PAGE = Builder(MusicGiven, build)
