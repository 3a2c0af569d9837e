"""``parts:`` music in four parts: where it comes from, and what it is transposed to."""

from typing import Literal, Self

from pydantic import Field, model_validator

from descant.config.base import Section
from descant.config.corpus import Splits

# from the top down
Voice = Literal["soprano", "alto", "tenor", "bass"]
# the sequence, and its steps in a measure of four quarters
PARTS = "parts"
STEPS_A_MEASURE = 16
# ours: the grid has no tempo
QUARTERS_PER_MINUTE = 80.0
SECONDS_A_MEASURE = 4 * 60 / QUARTERS_PER_MINUTE


class Parts(Section):
    """``parts:`` the four-part pieces that composers of parts learn from; they need no audio."""

    source: Literal["chorales", "folder", "jsb16"] = Field(
        "chorales",
        description="'chorales' (Bach's, of music21's corpus), 'folder' (your MIDI and MusicXML files in four parts) "
        "or 'jsb16' (the benchmark JSB Chorales, whose own splits are kept)",
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
