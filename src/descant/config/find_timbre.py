"""``find_timbre:`` a recording whose timbre is looked for in a Mel2Mel's space."""

from pathlib import Path

from pydantic import Field

from descant.config.base import Section


class FindTimbre(Section):
    """``find_timbre:`` a recording and its score: ``--config find_timbre='{recording: my.wav, score: my.mid}'``."""

    recording: Path = Field(description="a recording of one instrument, of any format that a corpus may have")
    score: Path = Field(description="MIDI or MusicXML file of what it plays, at its tempo")
    row: str | None = Field(None, description="the row of models in whose space it is looked for; empty = the first")
    seconds: float = Field(
        24.0, gt=0, le=120, description="how much is compared, in parts of 4 s spread evenly over the music (ours)"
    )
    offset: float = Field(
        0.5,
        ge=0,
        le=10,
        description="how much earlier or later than the score the recording may begin, seconds; what is right, the "
        "beginnings of notes say (ours)",
    )
