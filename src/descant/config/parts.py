"""``parts:`` music in parts: where it comes from, how it is coded, and what it is transposed to."""

from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from descant.config.base import Section
from descant.config.corpus import Splits

Form = Literal["monophonic", "polyphonic"]
# from the top down
Voice = Literal["soprano", "alto", "tenor", "bass"]
# the sequence, and its steps in a measure of four quarters
PARTS = "parts"
STEPS_A_MEASURE = 16
# ours: the grid has no tempo
QUARTERS_PER_MINUTE = 80.0
SECONDS_A_MEASURE = 4 * 60 / QUARTERS_PER_MINUTE


class Parts(Section):
    """``parts:`` the pieces in parts that composers of parts learn from; they need no audio."""

    form: Form = Field(
        "monophonic",
        description="'monophonic': each of four parts plays one note at a time; 'polyphonic': a part plays any notes "
        "at once, coded as activation and duration (Vignal 2020), which an RMVAE alone learns",
    )
    source: Literal["chorales", "quartets", "folder", "jsb16"] = Field(
        "chorales",
        description="'chorales' (Bach's, of music21's corpus), 'quartets' (string quartets of music21's corpus, "
        "polyphonic), 'folder' (your MIDI and MusicXML files in so many parts) or 'jsb16' (the benchmark JSB Chorales, "
        "whose own splits are kept)",
    )
    voices: int = Field(
        4, ge=1, le=15, description="parts of every piece: 2 for a keyboard's two staves; monophonic pieces have four"
    )
    folder: str | None = Field(None, description="folder with scores, searched recursively")
    jsb16: str | None = Field(
        None,
        description="path of Jsb16thSeparated.json of the repository czhuang/JSB-Chorales-dataset, which states no "
        "licence: fetch it yourself",
    )
    transpose: Literal["none", "c", "all"] = Field(
        "none",
        description="'c': all pieces to C major or A minor; 'all': training pieces also to all other keys in which "
        "each voice stays within the range that it has in training",
    )
    file_minutes: float = Field(2.0, gt=0, description="a file that takes longer to read is set aside, minutes")
    splits: Splits = Field(default_factory=Splits)

    @model_validator(mode="after")
    def _source_has_a_path(self) -> Self:
        wanted = {"folder": self.folder, "jsb16": self.jsb16}
        if self.source in wanted and not wanted[self.source]:
            raise ValueError(f"source is {self.source!r} but {self.source} is empty; set parts.{self.source}")
        return self

    @model_validator(mode="after")
    def _source_has_the_form(self) -> Self:
        if self.form == "monophonic" and self.voices != len(get_args(Voice)):
            raise ValueError(f"voices is {self.voices}, but monophonic pieces have four; set form: polyphonic")
        if self.form == "monophonic" and self.source == "quartets":
            raise ValueError("source is 'quartets', which have chords; set form: polyphonic")
        if self.form == "polyphonic" and self.source == "jsb16":
            raise ValueError("source is 'jsb16', in which a held note looks like one struck again; set another source")
        if self.source in ("chorales", "quartets") and self.voices != len(get_args(Voice)):
            raise ValueError(f"voices is {self.voices}, but {self.source} have four; leave it out")
        return self
