"""What a network composed: the list of its pieces, and how they keep the rules of voice leading."""

from dataclasses import dataclass

from descant.scores.voice_leading import VoiceLeading

LIST = "composed.json"


@dataclass(frozen=True)
class Written:
    """A piece of the folder.

    Attributes:
        title: which one of the task's answers.
        file: name of its MIDI, MusicXML and FLAC files, without their suffixes.
        measures: of four quarters.
        written: the voices that the network wrote.
        counted: rules of voice leading that it breaks.
    """

    title: str
    file: str
    measures: int
    written: tuple[str, ...]
    counted: VoiceLeading


@dataclass(frozen=True)
class Composed:
    """What ``composed.json`` holds.

    Attributes:
        title: of the composition.
        task: that was carried out.
        network: its kind.
        steps: that it was trained.
        remarks: what people should know: what was changed in the score that was given, audio that ends early.
        pieces: in order.
    """

    title: str
    task: str
    network: str
    steps: int
    remarks: tuple[str, ...]
    pieces: list[Written]
